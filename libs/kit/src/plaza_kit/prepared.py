"""The few hottest statements, at the driver's own price.

A statement is rendered to SQL once; on MySQL and MariaDB each run then goes to a plain asyncmy connection and comes
back as tuples, for 47 us of CPU where SQLAlchemy's connections and results take 198 (one row of sixteen columns). On
SQLite it is run the ordinary way. Repositories keep such statements; nobody else needs to know which way they go.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import asyncmy
import asyncmy.errors
from sqlalchemy import Delete, Executable, Insert, Select, Update
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from plaza_kit.errors import Unavailable

STATEMENT_SECONDS = 10.0
"""Longest that the database may take. Not the driver's own time-out, which makes a task for each packet it reads."""

_WAIT_SECONDS = 2.0
_CONNECTION_LOST = (asyncmy.errors.OperationalError, asyncmy.errors.InterfaceError, OSError, EOFError)


class DriverConnections:
    """Plain connections in autocommit mode, at most `size` of them, each used by one statement at a time."""

    def __init__(self, url: URL, *, size: int, options: dict[str, Any]) -> None:
        self._address = {
            "host": url.host or "127.0.0.1",
            "port": url.port or 3306,
            "user": url.username,
            "password": url.password or "",
            "db": url.database,
        }
        self._options = options
        self._free: list[Any] = []
        self._slots = asyncio.Semaphore(size)

    async def rows(self, sql: str, values: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Run a statement and return all its rows; tries once more when the server has dropped its connections.

        Raises:
            Unavailable: The database is away, or all connections are busy for 2 s.
        """
        await self._take_slot()
        try:
            for is_last in (False, True):
                try:
                    async with asyncio.timeout(STATEMENT_SECONDS):
                        return await self._run(sql, values)
                except TimeoutError:
                    raise Unavailable("the database is too slow") from None
                except _CONNECTION_LOST as error:
                    await self._drop_free()
                    if is_last:
                        raise Unavailable("the database is not available") from error
        finally:
            self._slots.release()
        raise AssertionError("not reached")

    async def close(self) -> None:
        """Close what is open."""
        await self._drop_free()

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # does not wait, so it needs no clock
            return
        try:
            await asyncio.wait_for(self._slots.acquire(), _WAIT_SECONDS)
        except TimeoutError:
            raise Unavailable("all database connections are busy") from None

    async def _run(self, sql: str, values: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        connection = self._free.pop() if self._free else await self._connect()
        is_usable = False
        try:
            cursor = connection.cursor()
            await cursor.execute(sql, values)
            rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
            is_usable = True
            return rows
        finally:
            # After an error or a cancellation an answer may still be under way: nobody may use the connection again.
            if is_usable:
                self._free.append(connection)
            else:
                connection.close()

    async def _connect(self) -> Any:
        return await asyncmy.connect(**self._address, **self._options, autocommit=True)

    async def _drop_free(self) -> None:
        free, self._free = self._free, []
        for connection in free:
            connection.close()


class _Prepared:
    """A statement in the dialect's SQL, and how its values go in."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        self._statement = statement
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # what is executed can be compiled
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._defaults = {name: value for name, value in compiled.params.items() if value is not None}
        processors = {
            name: process
            for name, parameter in compiled.binds.items()
            if (process := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._bind_processors = [
            (index, processors[name]) for index, name in enumerate(self._names) if name in processors
        ]

    def _parameters(self, values: dict[str, Any]) -> tuple[Any, ...]:
        given = self._defaults | values
        parameters = [given[name] for name in self._names]
        for index, process in self._bind_processors:
            parameters[index] = process(parameters[index])
        return tuple(parameters)


class PreparedRead(_Prepared):
    """One statement that reads. Made by `Database.prepare`."""

    def __init__(self, statement: Select[Any], engine: AsyncEngine, connections: DriverConnections | None) -> None:
        super().__init__(statement, engine.dialect)
        self._engine = engine
        self._connections = connections
        # SQLAlchemy itself has run them on what comes the ordinary way.
        self._processors = _processors(statement, engine.dialect) if connections is not None else []

    async def first(self, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row's values in the order of the statement's columns, or None.

        Args:
            values: The statement's parameters (`bindparam`) by name.

        Raises:
            Unavailable: See `Database.read`.
        """
        rows = await self._rows(values)
        return self._processed(rows[0]) if rows else None

    async def all(self, **values: Any) -> Sequence[tuple[Any, ...]]:
        """Return all rows in the statement's order; arguments and errors as `first`."""
        rows = await self._rows(values)
        return [self._processed(row) for row in rows] if self._processors else rows

    async def first_in(self, connection: AsyncConnection, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row as a transaction sees it; arguments as `first`.

        Raises:
            DBAPIError: As SQLAlchemy's own execution would.
        """
        if self._connections is None:
            row = (await connection.execute(self._statement, values)).first()
            return None if row is None else tuple(row)
        cursor = await run_in(connection, self._sql, self._parameters(values))
        row = await cursor.fetchone()
        return None if row is None else self._processed(row)

    async def _rows(self, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Return all rows: on SQLite with Python's values, from the servers as the driver has them."""
        if self._connections is None:
            return await self._ordinary(values)
        return await self._connections.rows(self._sql, self._parameters(values))

    def _processed(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._processors:
            return values
        row = list(values)
        for index, process in self._processors:
            row[index] = process(row[index])
        return tuple(row)

    async def _ordinary(self, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        try:
            async with self._engine.connect() as connection:
                return [tuple(row) for row in await connection.execute(self._statement, values)]
        except (OperationalError, InterfaceError) as error:
            raise Unavailable("the database is not available") from error


class Written(NamedTuple):
    """What a statement that writes did.

    Attributes:
        row_count: Rows inserted, matched or deleted.
        last_id: The number that an inserted row was given.
    """

    row_count: int
    last_id: int


class PreparedWrite(_Prepared):
    """One statement that writes, for the few hottest ones. Made by `Database.prepare_write`."""

    def __init__(self, statement: Insert | Update | Delete, dialect: Dialect) -> None:
        super().__init__(statement, dialect)
        self._is_ordinary = dialect.name == "sqlite"

    async def run(self, connection: AsyncConnection, **values: Any) -> Written:
        """Run it in a transaction of `Database.write`.

        Args:
            connection: The transaction.
            values: The statement's parameters by name.

        Raises:
            DBAPIError: As SQLAlchemy's own execution would, `IntegrityError` among them.
        """
        if self._is_ordinary:
            result: Any = await connection.execute(self._statement, values)
            return Written(result.rowcount, result.lastrowid or 0 if result.context.isinsert else 0)
        cursor = await run_in(connection, self._sql, self._parameters(values))
        return Written(cursor.rowcount, cursor.lastrowid or 0)


async def run_in(connection: AsyncConnection, sql: str, parameters: tuple[Any, ...]) -> Any:
    """Run a statement on the driver's connection under an open transaction and return the driver's cursor.

    Raises:
        DBAPIError: As SQLAlchemy's own execution would.
    """
    below: Any = connection.sync_connection
    cursor = below.connection.driver_connection.cursor()
    try:
        await cursor.execute(sql, parameters)
    except asyncmy.errors.MySQLError as error:
        if below.dialect.is_disconnect(error, None, None):
            below.invalidate()
        raise DBAPIError.instance(sql, None, error, asyncmy.errors.MySQLError, hide_parameters=True) from error
    except BaseException:
        # An answer may still be under way: nobody may use the connection again, not even to roll back.
        below.invalidate()
        raise
    return cursor


def _processors(statement: Select[Any], dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return what turns the driver's values into Python's, for the columns whose type needs it."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for index, column in enumerate(statement.selected_columns):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            found.append((index, process))
    return found
