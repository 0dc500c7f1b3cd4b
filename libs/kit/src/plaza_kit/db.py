"""The one door to a service's own database: SQLite, MySQL or MariaDB by URL.

Reads are single statements in autocommit mode. A write is one transaction, handed in as a function, so that it can be
run again whole when the database asks for it (deadlock, lock wait, lost connection); it must therefore have no effect
outside the database. What differs between the databases stays in this module:

* SQLite: WAL, `synchronous=FULL` (acknowledged is durable), foreign keys on, one writer which begins IMMEDIATE,
  because a transaction that reads first and writes later fails at once when somebody else has written.
* MySQL and MariaDB: READ COMMITTED, utf8mb4, strict mode, at most 2 s for a row lock.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Dialect,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    TypeDecorator,
    Update,
    event,
    literal_column,
)
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMBLOB, VARBINARY
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import DateTime

from plaza_kit.errors import Unavailable
from plaza_kit.metrics import DB_RETRIES
from plaza_kit.prepared import STATEMENT_SECONDS, DriverConnections, PreparedRead, PreparedWrite

T = TypeVar("T")

log = structlog.get_logger()

_ATTEMPTS = 3
_RETRYABLE = {
    1205: "lock_wait",  # lock wait timeout
    1213: "deadlock",
    1020: "snapshot",  # innodb_snapshot_isolation
    2006: "lost",  # server has gone away
    2013: "lost",  # lost connection during query
    4031: "lost",  # disconnected by the server because of inactivity
}
EVENTS_FLAG = "plaza_events_added"
"""Set in a connection's `info` by whoever adds an event, so that the relay is woken after the commit."""

BigId = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; on SQLite only INTEGER numbers itself."""


def key_bytes(length: int) -> LargeBinary:
    """Return the type of a key, hash or token of at most `length` bytes, compared byte by byte."""
    return LargeBinary(length).with_variant(VARBINARY(length), "mysql", "mariadb")


def medium_bytes() -> LargeBinary:
    """Return the type of up to 16 MiB of bytes."""
    return LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds; naive in the database, aware in Python."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """DATETIME(6) on the servers: without a precision they drop the fraction."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: nobody knows when they are."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def new_metadata() -> MetaData:
    """Return metadata whose constraints have names, so that migrations can speak of them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def server_now_ms(dialect: str) -> ColumnElement[int]:
    """Return the SQL expression of the database's own clock, in UNIX milliseconds."""
    if dialect == "sqlite":
        return literal_column("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", BigInteger)
    return literal_column("CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)", BigInteger)


def driver_url(url: str, *, synchronous: bool) -> URL:
    """Return SQLAlchemy's form of a database URL.

    Args:
        url: `sqlite:///path`, `mysql://...` or `mariadb://...`.
        synchronous: For migrations (PyMySQL, sqlite3) rather than for serving (asyncmy, aiosqlite).

    Raises:
        ValueError: Another kind of database.
    """
    parsed = make_url(url)
    kind = parsed.drivername.partition("+")[0]
    if kind == "sqlite":
        return parsed.set(drivername="sqlite" if synchronous else "sqlite+aiosqlite")
    if kind in ("mysql", "mariadb"):
        return parsed.set(drivername="mysql+pymysql" if synchronous else "mysql+asyncmy")
    raise ValueError(f"no support for {kind} databases; use sqlite or mysql")


class Database:
    """The engines behind one URL.

    Attributes:
        dialect: `sqlite` or `mysql` (MariaDB too).
        events_added: Set after each commit that added an event; the relay waits for it.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        parsed = driver_url(url, synchronous=False)
        self.dialect: Literal["sqlite", "mysql"] = "sqlite" if parsed.drivername.startswith("sqlite") else "mysql"
        self.events_added = asyncio.Event()
        self._driver: DriverConnections | None = None
        if self.dialect == "sqlite":
            self._reader, self._reserve, self._writer = _sqlite_engines(parsed, pool_size)
        else:
            self._reader, self._reserve, self._writer = _mysql_engines(parsed, pool_size)
            self._driver = DriverConnections(parsed, size=pool_size, options=_MYSQL_OPTIONS)

    @asynccontextmanager
    async def read(self, *, is_reserved: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a connection on which each statement stands alone; it must be done with in 10 s.

        Args:
            is_reserved: Take one of two connections that are kept for what others wait for while they hold theirs;
                without them all could be held by those who wait.

        Raises:
            Unavailable: The database is away or too slow, or all connections are busy for 2 s.
        """
        try:
            engine = self._reserve if is_reserved else self._reader
            async with asyncio.timeout(STATEMENT_SECONDS), engine.connect() as connection:
                yield connection
        except (OperationalError, InterfaceError, PoolTimeout, TimeoutError) as error:
            raise _unavailable(error) from error

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in one transaction and commit; run it again, up to 3 times, when the database asks for it.

        Raises:
            Unavailable: The database is away or takes over 10 s, or three attempts were not enough. After a lost
                connection the outcome is unknown; only an idempotency key makes another try safe.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with asyncio.timeout(STATEMENT_SECONDS), self._writer.begin() as connection:
                    result = await work(connection)
                    has_events = connection.info.pop(EVENTS_FLAG, False)
                if has_events:
                    self.events_added.set()
                return result
            except TimeoutError as error:
                raise _unavailable(error) from error
            except (DBAPIError, PoolTimeout) as error:
                cause = _retry_cause(error)
                if cause is None and not isinstance(error, OperationalError | InterfaceError | PoolTimeout):
                    raise
                if cause is None or attempt == _ATTEMPTS:
                    raise _unavailable(error) from error
                DB_RETRIES.labels(cause).inc()
                await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("not reached")

    def prepare(self, statement: Select[Any]) -> PreparedRead:
        """Return a hot read that is rendered once; see `prepared.py`."""
        return PreparedRead(statement, self._reader, self._driver)

    def prepare_write(self, statement: Insert | Update | Delete) -> PreparedWrite:
        """Return a hot write that is rendered once, for transactions of `write`; see `prepared.py`."""
        return PreparedWrite(statement, self._writer.dialect)

    async def close(self) -> None:
        """Close all connections."""
        if self._driver is not None:
            await self._driver.close()
        await self._reader.dispose()
        await self._reserve.dispose()
        await self._writer.dispose()


_RESERVE_SIZE = 2
_HIDE_VALUES = True
"""An error that is logged does not show what people wrote."""


def _sqlite_engines(url: URL, pool_size: int) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    reader, reserve = (
        create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=2, hide_parameters=_HIDE_VALUES)
        for size in (min(pool_size, 4), _RESERVE_SIZE)
    )
    writer = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=5, hide_parameters=_HIDE_VALUES)

    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    for engine in (reader, reserve, writer):
        event.listen(engine.sync_engine, "connect", configure)
    event.listen(writer.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return reader, reserve, writer


_MYSQL_OPTIONS: dict[str, Any] = {
    "charset": "utf8mb4",
    "connect_timeout": 3,
    "init_command": "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', "
    "innodb_lock_wait_timeout=2",
}


def _mysql_engines(url: URL, pool_size: int) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    options: dict[str, Any] = {
        "max_overflow": 0,
        "pool_timeout": 2,
        "pool_recycle": 1800,
        "pool_use_lifo": True,
        "hide_parameters": _HIDE_VALUES,
        "connect_args": _MYSQL_OPTIONS,
    }
    reader, reserve = (
        create_async_engine(url, pool_size=size, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, **options)
        for size in (pool_size, _RESERVE_SIZE)
    )
    # `write` always ends its transaction, so a connection comes back without one: no ROLLBACK to make sure.
    writer = create_async_engine(
        url, pool_size=pool_size, isolation_level="READ COMMITTED", pool_reset_on_return=None, **options
    )
    return reader, reserve, writer


def _retry_cause(error: DBAPIError | PoolTimeout) -> str | None:
    """Return why the same transaction may succeed if it is run again, or None if it will not."""
    if not isinstance(error, DBAPIError) or not error.orig or not error.orig.args:
        return None
    detail = error.orig.args[0]
    if isinstance(detail, int):
        return _RETRYABLE.get(detail)
    return "busy" if "database is locked" in str(detail) else None


def _unavailable(error: Exception) -> Unavailable:
    log.warning("database.unavailable", detail=str(getattr(error, "orig", error)))
    return Unavailable("the database is not available")
