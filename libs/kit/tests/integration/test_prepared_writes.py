"""Prepared statements in transactions: the same effects and errors as SQLAlchemy's own execution."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.db import BigId, Database, UtcDateTime, key_bytes, new_metadata
from plaza_kit.testing.database import create_tables
from plaza_kit.testing.stack import MariaDb

MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678901, UTC)


class Things:
    """A table, and its prepared statements."""

    def __init__(self, database_url: str, **options: Any) -> None:
        metadata = new_metadata()
        self.table = table = Table(
            "things",
            metadata,
            Column("id", BigId, primary_key=True, autoincrement=True),
            Column("key", key_bytes(20), nullable=False, unique=True),
            Column("text", String(50), nullable=False),
            Column("at", UtcDateTime, nullable=False),
            Column("count", Integer, nullable=False),
            sqlite_autoincrement=True,
        )
        create_tables(database_url, metadata)
        self.database = Database(database_url, **options)
        names = ("key", "text", "at", "count")
        self.insert = self.database.prepare_write(insert(table).values({name: bindparam(name) for name in names}))
        self.increment = self.database.prepare_write(
            update(table).where(table.c.key == bindparam("wanted")).values(count=table.c.count + 1)
        )
        self.delete = self.database.prepare_write(delete(table).where(table.c.key == bindparam("wanted")))
        self.find = self.database.prepare(
            select(table.c.text, table.c.at, table.c.count).where(table.c.key == bindparam("wanted"))
        )

    async def add(self, connection: AsyncConnection, key: bytes = b"k", text: str = "%s '张三\\ 😀") -> int:
        return (await self.insert.run(connection, key=key, text=text, at=MOMENT, count=0)).last_id

    async def size(self) -> int:
        async with self.database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(self.table)) or 0)


async def test_prepared_writes_write(database_url: str) -> None:
    things = Things(database_url)

    async def work(connection: AsyncConnection) -> tuple[int, int]:
        ids = [await things.add(connection), await things.add(connection, b"other")]
        assert (await things.increment.run(connection, wanted=b"k")).row_count == 1
        assert (await things.increment.run(connection, wanted=b"missing")).row_count == 0
        assert (await things.delete.run(connection, wanted=b"other")).row_count == 1
        assert await things.find.first_in(connection, wanted=b"k") == ("%s '张三\\ 😀", MOMENT, 1)
        assert await things.find.first_in(connection, wanted=b"other") is None
        return ids[0], ids[1]

    first, second = await things.database.write(work)
    assert second == first + 1
    assert await things.find.first(wanted=b"k") == ("%s '张三\\ 😀", MOMENT, 1)
    assert await things.size() == 1
    await things.database.close()


async def test_a_transaction_that_fails_leaves_nothing(database_url: str) -> None:
    things = Things(database_url, pool_size=1)

    async def work(connection: AsyncConnection) -> None:
        await things.add(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await things.database.write(work)
    assert await things.size() == 0
    await things.database.write(things.add)
    assert await things.size() == 1
    await things.database.close()


async def test_a_broken_constraint_is_an_integrity_error_and_the_transaction_goes_on(database_url: str) -> None:
    things = Things(database_url)

    async def work(connection: AsyncConnection) -> None:
        await things.add(connection)
        with pytest.raises(IntegrityError) as caught:
            await things.add(connection, text="secret")
        assert "secret" not in str(caught.value)
        await things.add(connection, b"other")

    await things.database.write(work)
    assert await things.size() == 2
    await things.database.close()


async def test_deadlocks_are_run_again(mariadb_server: MariaDb) -> None:
    things = Things(mariadb_server.create_database(), pool_size=4)
    keys = (b"a", b"b")
    for key in keys:
        await things.database.write(lambda connection, key=key: things.add(connection, key))  # type: ignore[misc]  # a bound default
    together = asyncio.Barrier(2)
    attempts = 0

    async def in_order(order: tuple[bytes, bytes]) -> None:
        async def work(connection: AsyncConnection) -> None:
            nonlocal attempts
            attempts += 1
            await things.increment.run(connection, wanted=order[0])
            if attempts <= 2:
                await together.wait()  # each now holds what the other wants
            await things.increment.run(connection, wanted=order[1])

        await things.database.write(work)

    await asyncio.gather(in_order((b"a", b"b")), in_order((b"b", b"a")))
    assert attempts == 3
    for key in keys:
        assert (await things.find.first(wanted=key) or ())[2] == 2
    await things.database.close()


async def test_a_cancelled_write_is_undone_and_its_connection_not_used_again(mariadb_server: MariaDb) -> None:
    things = Things(mariadb_server.create_database(), pool_size=1)
    sleep = things.database.prepare(select(func.sleep(1)))
    is_sleeping = asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        await things.add(connection)
        is_sleeping.set()
        await sleep.first_in(connection)

    task = asyncio.create_task(things.database.write(work))
    await is_sleeping.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await things.database.write(lambda connection: things.add(connection, b"other"))
    assert await things.find.first(wanted=b"k") is None
    assert await things.size() == 1
    await things.database.close()


async def test_a_lost_connection_is_run_again(mariadb_server: MariaDb) -> None:
    things = Things(mariadb_server.create_database(), pool_size=1)
    who = things.database.prepare(select(func.connection_id()))
    ids: list[int] = []

    async def work(connection: AsyncConnection) -> None:
        row = await who.first_in(connection)
        assert row
        ids.append(row[0])
        if len(ids) == 1:
            mariadb_server.execute(f"KILL {row[0]}")
        await things.add(connection)

    await things.database.write(work)
    assert len(set(ids)) == 2
    assert await things.size() == 1
    await things.database.close()
