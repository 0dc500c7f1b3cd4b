import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.db import Database, UtcDateTime, driver_url, key_bytes, new_metadata, server_now_ms
from plaza_kit.errors import Unavailable
from plaza_kit.testing.database import create_tables
from plaza_kit.testing.stack import MariaDb


async def count(database: Database, table: Table) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_failed_write_leaves_nothing(database: Database, tables: Any) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(tables.notes).values(text="a"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await count(database, tables.notes) == 0


async def test_a_broken_rule_is_the_domains_business(database: Database, tables: Any) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(tables.notes).values(text="a"))

    await database.write(work)
    with pytest.raises(IntegrityError):
        await database.write(work)


async def test_concurrent_increments_are_all_kept(database: Database, tables: Any) -> None:
    async def create(connection: AsyncConnection) -> None:
        await connection.execute(insert(tables.notes).values(text="counter"))

    async def increment(connection: AsyncConnection) -> None:
        row = await connection.execute(
            select(tables.notes.c.number).where(tables.notes.c.text == "counter").with_for_update()
        )
        await connection.execute(update(tables.notes).values(number=row.scalar_one() + 1))

    await database.write(create)
    await asyncio.gather(*(database.write(increment) for _ in range(30)))
    async with database.read() as connection:
        assert await connection.scalar(select(tables.notes.c.number)) == 30


async def test_a_deadlock_is_run_again(database_url: str, tables: Any) -> None:
    """Two transactions take two rows in opposite order; on SQLite the second simply waits."""
    database = Database(database_url)

    async def create(connection: AsyncConnection) -> None:
        await connection.execute(insert(tables.notes), [{"text": "a"}, {"text": "b"}])

    await database.write(create)
    both_hold_one = asyncio.Barrier(2) if database.dialect == "mysql" else None
    attempts = 0

    def crossing(first: str, second: str) -> Any:
        is_first_attempt = True

        async def work(connection: AsyncConnection) -> None:
            nonlocal is_first_attempt, attempts
            attempts += 1
            add = tables.notes.c.number + 1
            await connection.execute(update(tables.notes).where(tables.notes.c.text == first).values(number=add))
            if is_first_attempt and both_hold_one:
                is_first_attempt = False
                await both_hold_one.wait()
            await connection.execute(update(tables.notes).where(tables.notes.c.text == second).values(number=add))

        return work

    await asyncio.gather(database.write(crossing("a", "b")), database.write(crossing("b", "a")))
    async with database.read() as connection:
        numbers = (await connection.execute(select(tables.notes.c.number))).scalars().all()
    assert list(numbers) == [2, 2]
    assert attempts == (3 if database.dialect == "mysql" else 2)
    await database.close()


async def test_a_cancelled_query_never_answers_somebody_else(database: Database) -> None:
    """A connection that was cut off in the middle of a query must not be used again."""
    sleep = "SELECT SLEEP(0.2), 'mine'" if database.dialect == "mysql" else None

    async def slow() -> None:
        async with database.read() as connection:
            await connection.execute(
                text(
                    sleep
                    or "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 300000) SELECT MAX(i), 'mine' FROM n"
                )
            )

    tasks = [asyncio.create_task(slow()) for _ in range(8)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for number in range(40):
        async with database.read() as connection:
            assert (await connection.execute(text(f"SELECT {number}, 'other'"))).one() == (number, "other")


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1:1/nothing", "sqlite:////no/such/folder/x.db"])
async def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    database = Database(url)

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await database.write(work)
    with pytest.raises(Unavailable):
        async with database.read() as connection:
            await work(connection)
    await database.close()


async def test_moments_are_utc_to_the_microsecond(database_url: str) -> None:
    metadata = new_metadata()
    moments = Table("moments", metadata, Column("at", UtcDateTime, primary_key=True))
    create_tables(database_url, metadata)
    database = Database(database_url)
    moment = datetime(2025, 7, 12, 21, 10, 33, 999_999, timezone(timedelta(hours=8)))

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(moments).values(at=moment))

    await database.write(work)
    async with database.read() as connection:
        stored = await connection.scalar(select(moments.c.at))
    assert stored == moment
    assert stored is not None
    assert stored.tzinfo is UTC
    with pytest.raises((ValueError, StatementError)):
        await database.write(lambda c: c.execute(insert(moments).values(at=datetime(2025, 1, 1))))
    await database.close()


async def test_the_databases_own_clock_is_unix_time(database: Database) -> None:
    async with database.read() as connection:
        now = await connection.scalar(select(server_now_ms(database.dialect)))
    assert now is not None
    assert abs(now - datetime.now(UTC).timestamp() * 1000) < 60_000


async def test_an_acknowledged_write_on_sqlite_is_durable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    async with database.read() as connection:
        pragmas = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
    await database.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql"):
        driver_url("postgresql://localhost/x", synchronous=False)


async def test_a_prepared_read_answers_as_an_ordinary_one(database_url: str) -> None:
    metadata = new_metadata()
    things = Table(
        "things",
        metadata,
        Column("id", BigInteger, primary_key=True),
        Column("at", UtcDateTime),
        Column("day", Date),
        Column("text", String(50)),
        Column("is_on", Boolean, nullable=False),
        Column("raw", key_bytes(8)),
    )
    create_tables(database_url, metadata)
    database = Database(database_url)
    rows = [
        (1, datetime(2025, 1, 2, 3, 4, 5, 678901, UTC), date(2024, 2, 29), "%s '张三\\ 😀", True, b"\x00\xff"),
        (2, None, None, None, False, None),
    ]
    await database.write(
        lambda connection: connection.execute(
            insert(things), [dict(zip(things.c.keys(), row, strict=True)) for row in rows]
        )
    )
    read = database.prepare(select(things).where(things.c.id == bindparam("id"), things.c.id < 100))
    assert [await read.first(id=number) for number in (1, 2, 3)] == [*rows, None]
    assert [list(await read.all(id=number)) for number in (1, 3)] == [rows[:1], []]
    by_text = database.prepare(select(things.c.id).where(things.c.text == bindparam("text")))
    assert await by_text.first(text=rows[0][3]) == (1,)
    assert await by_text.first(text="' OR 1=1 -- ") is None
    await database.close()


async def test_a_prepared_read_returns_all_rows_in_the_order_of_the_statement(database_url: str) -> None:
    metadata = new_metadata()
    moments = Table("moments", metadata, Column("number", Integer, primary_key=True), Column("at", UtcDateTime))
    create_tables(database_url, metadata)
    database = Database(database_url)
    first = datetime(2025, 1, 2, 3, 4, 5, 6, UTC)
    rows = [(number, first + timedelta(hours=number)) for number in range(1, 8)]
    values = [{"number": number, "at": at} for number, at in rows]
    await database.write(lambda connection: connection.execute(insert(moments), values))
    newest = (
        select(moments)
        .where(moments.c.at < bindparam("before"))
        .order_by(moments.c.number.desc())
        .limit(bindparam("limit", type_=Integer))
        .offset(bindparam("skip", type_=Integer))
    )
    read = database.prepare(newest)

    eight_hours_east = (first + timedelta(hours=6)).astimezone(timezone(timedelta(hours=8)))
    assert list(await read.all(before=eight_hours_east, limit=3, skip=1)) == rows[3:0:-1]
    plain = database.prepare(select(moments.c.number).order_by(moments.c.number))
    assert list(await plain.all()) == [(number,) for number in range(1, 8)]
    await database.close()


async def test_prepared_reads_share_connections_and_survive_their_loss(mariadb_server: MariaDb) -> None:
    database = Database(mariadb_server.create_database(), pool_size=3)
    who = database.prepare(select(func.connection_id(), bindparam("number", type_=Integer)))
    answers = await asyncio.gather(*(who.first(number=number) for number in range(20)))
    assert [answer[1] for answer in answers if answer] == list(range(20))
    ids = {answer[0] for answer in answers if answer}
    assert len(ids) <= 3
    for connection_id in ids:
        mariadb_server.execute(f"KILL {connection_id}")
    assert (await who.first(number=7) or ())[1:] == (7,)
    await database.close()


async def test_a_cancelled_prepared_read_never_answers_somebody_else(mariadb_server: MariaDb) -> None:
    database = Database(mariadb_server.create_database(), pool_size=2)
    slow = database.prepare(select(func.sleep(0.3), bindparam("number", type_=Integer)))
    fast = database.prepare(select(bindparam("number", type_=Integer)))
    await fast.first(number=0)
    tasks = [asyncio.create_task(slow.first(number=number)) for number in range(2)]
    await asyncio.wait(tasks, timeout=0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for number in range(20):
        assert await fast.first(number=number) == (number,)
    await database.close()


async def test_a_prepared_read_of_a_database_that_is_away_is_unavailable() -> None:
    for url in ("mysql://root@127.0.0.1:1/nothing", "sqlite:////no/such/folder/x.db"):
        database = Database(url)
        with pytest.raises(Unavailable):
            await database.prepare(select(bindparam("number", type_=Integer))).first(number=1)
        await database.close()


async def test_a_database_that_does_not_answer_in_time_is_unavailable(
    mariadb_server: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("db", "prepared"):
        monkeypatch.setattr(f"plaza_kit.{module}.STATEMENT_SECONDS", 0.2)
    database = Database(mariadb_server.create_database())
    slow = select(func.sleep(5))
    with pytest.raises(Unavailable):
        await database.prepare(slow).first()
    with pytest.raises(Unavailable):
        async with database.read() as connection:
            await connection.execute(slow)
    with pytest.raises(Unavailable):
        await database.write(lambda connection: connection.execute(slow))
    assert await database.prepare(select(func.sleep(0))).first() == (0,)
    await database.close()


async def test_who_holds_a_connection_can_wait_for_one_in_reserve(database_url: str) -> None:
    database = Database(database_url, pool_size=2)
    everybody_holds = asyncio.Barrier(2)

    async def hold_and_ask() -> int | None:
        async with database.read():
            await everybody_holds.wait()  # no connection is left
            async with database.read(is_reserved=True) as connection:
                return await connection.scalar(select(bindparam("number", 7, type_=Integer)))

    assert list(await asyncio.gather(hold_and_ask(), hold_and_ask())) == [7, 7]
    await database.close()
