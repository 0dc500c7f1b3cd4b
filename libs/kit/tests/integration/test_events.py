"""Outbox to stream to inbox: nothing lost, nothing applied twice, order kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.auth.v1.auth_events_pb2 import UserDeleted, UserUnbanned
from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.db import Database
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.lease import Lease
from plaza_kit.outbox import Outbox
from plaza_kit.relay import RETENTION, Relay, ShardRelay
from plaza_kit.streams import Consumer, purge_inbox
from plaza_kit.testing import stack
from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.polling import eventually


@asynccontextmanager
async def running(part: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(part(stop))
    try:
        yield
    finally:
        stop.set()
        await task


class Bus:
    """One service's outbox and its stream, with shortcuts for tests."""

    def __init__(self, database: Database, redis: "Redis", tables: Any, source: str) -> None:
        self.database, self.redis, self.tables = database, redis, tables
        self.outbox = Outbox(tables.outbox, source=source)
        self.stream = stream_name(source, 0)

    async def add(self, *user_ids: int) -> None:
        async def work(connection: AsyncConnection) -> None:
            for user_id in user_ids:
                await self.outbox.add(connection, UserDeleted(user_id=user_id), subject=f"user:{user_id}")

        await self.database.write(work)

    def relay(self) -> Relay:
        return Relay(self.database, self.outbox, self.tables.leases, self.redis)

    def shard_relay(self) -> ShardRelay:
        return ShardRelay(self.database, self.outbox, self.tables.leases, self.redis, shard=0)

    async def published(self) -> list[int]:
        entries: Any = await self.redis.xrange(self.stream)
        return [UserDeleted.FromString(Envelope.FromString(fields[FIELD]).payload).user_id for _, fields in entries]

    async def unsent(self) -> int:
        query = select(func.count()).where(self.tables.outbox.c.sent_time.is_(None))
        async with self.database.read() as connection:
            return int(await connection.scalar(query) or 0)


@pytest.fixture
def bus(database: Database, redis: "Redis", tables: Any, source: str) -> Bus:
    return Bus(database, redis, tables, source)


async def test_events_reach_the_stream_in_order(bus: Bus) -> None:
    await bus.add(1, 2)
    async with running(bus.relay().run):
        await bus.add(3)
        await eventually(lambda: _equals(bus.published, [1, 2, 3]))
    assert await bus.unsent() == 0


async def test_an_event_of_a_failed_transaction_is_never_seen(bus: Bus) -> None:
    async def work(connection: AsyncConnection) -> None:
        await bus.outbox.add(connection, UserDeleted(user_id=1), subject="user:1")
        raise LookupError

    with pytest.raises(LookupError):
        await bus.database.write(work)
    await bus.add(2)
    await bus.shard_relay().step()
    assert await bus.published() == [2]


async def test_many_events_of_one_transaction_keep_their_order(bus: Bus) -> None:
    events = [(UserDeleted(user_id=number), f"user:{number}") for number in range(1, 6)]
    await bus.database.write(lambda connection: bus.outbox.add_all(connection, events))
    await bus.database.write(lambda connection: bus.outbox.add_all(connection, []))
    await bus.shard_relay().step()
    assert await bus.published() == [1, 2, 3, 4, 5]


async def test_a_commit_wakes_the_relay(bus: Bus) -> None:
    async with running(bus.relay().run):
        await bus.add(1)
        await eventually(lambda: _equals(bus.published, [1]), timeout=2)


async def test_only_one_relay_publishes(bus: Bus) -> None:
    mine, other = bus.shard_relay(), bus.shard_relay()
    other._lease._holder = "another process"
    await bus.add(1)
    assert await mine.step()
    await bus.add(2)
    assert not await other.step()
    assert await bus.published() == [1]


async def test_a_relay_that_was_replaced_marks_nothing(bus: Bus) -> None:
    """It was frozen between its append and its mark: what it appended comes again, with the same event id."""
    frozen, successor = bus.shard_relay(), bus.shard_relay()
    successor._lease._holder = "another process"
    await bus.add(1)
    await frozen._lease.hold()
    await frozen._repair()
    rows = await frozen._unsent.all(shard=0)
    stream_ids = await frozen._append(rows)
    assert stream_ids
    await bus.database.write(lambda connection: connection.execute(update(bus.tables.leases).values(until_ms=0)))
    assert await successor._lease.hold()
    await frozen._mark(rows, stream_ids)
    assert await bus.unsent() == 1
    assert await successor.step()
    assert await bus.unsent() == 0
    entries: Any = await bus.redis.xrange(bus.stream)
    assert len({Envelope.FromString(fields[FIELD]).id for _, fields in entries}) == 1
    assert len(entries) == 2


async def test_a_lease_passes_on_when_it_is_given_up(bus: Bus) -> None:
    first = Lease(bus.database, bus.tables.leases, name="x", holder="first")
    second = Lease(bus.database, bus.tables.leases, name="x", holder="second")
    assert await first.hold()
    assert not await second.hold()
    await first.release()
    assert await second.hold()
    assert not first.is_held
    assert second.token > 1
    assert not await first.hold()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[stack.PrivateServer]:
    try:
        server = stack.start_redis(tmp_path / "r")
    except stack.MissingServerError as missing:
        leave_out(missing)
    yield server
    server.stop()


async def test_what_redis_lost_is_published_again(bus: Bus, own_redis: stack.PrivateServer) -> None:
    bus.redis = Redis.from_url(own_redis.url)
    await bus.add(1, 2, 3, 4)
    await bus.shard_relay().step()
    kept: Any = await bus.redis.xrange(bus.stream, count=2)
    await bus.redis.xtrim(bus.stream, maxlen=0, approximate=False)
    await bus.redis.delete(bus.stream)
    await bus.redis.xadd(bus.stream, {FIELD: b""}, id=kept[-1][0])  # the tail after entry 2 is gone
    await bus.shard_relay().step()
    entries: Any = await bus.redis.xrange(bus.stream)
    again = [UserDeleted.FromString(Envelope.FromString(fields[FIELD]).payload).user_id for _, fields in entries[1:]]
    assert again == [3, 4]
    await bus.redis.flushall()
    await bus.shard_relay().step()
    assert await bus.published() == [1, 2, 3, 4]
    await bus.redis.aclose()


async def test_a_relay_waits_for_a_redis_that_is_away(bus: Bus, own_redis: stack.PrivateServer) -> None:
    away = Redis.from_url("redis://127.0.0.1:1/0")
    relay = Relay(bus.database, bus.outbox, bus.tables.leases, away)
    async with running(relay.run):
        await bus.add(1)
        assert await bus.unsent() == 1
        for shard in relay._shards:
            shard._redis = shard._append_script.registered_client = bus.redis
        await eventually(lambda: _equals(bus.published, [1]))
    await away.aclose()


async def test_old_rows_and_entries_go_but_not_what_a_group_needs(bus: Bus) -> None:
    relay = bus.shard_relay()
    await bus.add(1)
    await relay.step()
    old = datetime.now(UTC) - RETENTION - timedelta(minutes=1)
    await bus.database.write(lambda connection: connection.execute(update(bus.tables.outbox).values(sent_time=old)))
    await bus.add(2)
    await relay._clean()
    async with bus.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(bus.tables.outbox)) == 1
    assert await bus.published() == [1]


async def test_a_group_may_acknowledge_while_the_stream_is_trimmed(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = bus.shard_relay()
    await bus.add(1)
    await relay.step()
    await bus.redis.xgroup_create(bus.stream, "group", id="0")
    read: Any = await bus.redis.xreadgroup("group", "consumer", {bus.stream: ">"})
    ask = bus.redis.xpending

    async def acknowledge_and_ask(stream: Any, group: Any) -> Any:
        await bus.redis.xack(bus.stream, "group", read[0][1][0][0])
        return await ask(stream, group)

    monkeypatch.setattr(bus.redis, "xpending", acknowledge_and_ask)
    await relay._clean()
    assert (await ask(bus.stream, "group"))["pending"] == 0
    assert await bus.published() == [1]


class Follower:
    """A consumer that writes what it sees to the notes."""

    def __init__(self, bus: Bus, types: frozenset[str] | None = None) -> None:
        self.bus = bus
        self.broken: set[int] = set()
        self.consumer = Consumer(
            bus.database,
            bus.redis,
            stream=bus.stream,
            group="follower",
            tables=(bus.tables.inbox, bus.tables.dead_letters, bus.tables.leases),
            handler=self.apply,
            types=types,
        )

    async def apply(self, connection: AsyncConnection, envelope: Envelope) -> None:
        user_id = UserDeleted.FromString(envelope.payload).user_id
        if user_id in self.broken:
            raise ArithmeticError(user_id)
        count = await connection.scalar(select(func.count()).select_from(self.bus.tables.notes))
        await connection.execute(insert(self.bus.tables.notes).values(text=f"{count}: user {user_id}", number=user_id))

    async def seen(self) -> list[int]:
        notes = self.bus.tables.notes
        async with self.bus.database.read() as connection:
            return list((await connection.execute(select(notes.c.number).order_by(notes.c.id))).scalars())


async def test_a_consumer_applies_each_event_once_and_in_order(bus: Bus) -> None:
    follower = Follower(bus)
    async with running(bus.relay().run), running(follower.consumer.run):
        await bus.add(1, 2)
        await eventually(lambda: _equals(follower.seen, [1, 2]))
        entries: Any = await bus.redis.xrange(bus.stream)
        await bus.redis.xadd(bus.stream, entries[0][1])  # published again
        await bus.add(3)
        await eventually(lambda: _equals(follower.seen, [1, 2, 3]))


async def test_an_event_of_another_type_is_passed_over_without_a_trace(bus: Bus) -> None:
    follower = Follower(bus, frozenset({UserDeleted.DESCRIPTOR.full_name}))
    await bus.database.write(lambda connection: bus.outbox.add(connection, UserUnbanned(user_id=1), subject="user:1"))
    await bus.add(2)
    async with running(bus.relay().run), running(follower.consumer.run):
        await eventually(lambda: _equals(follower.seen, [2]))
        await eventually(lambda: _is_acknowledged(bus))
    async with bus.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(bus.tables.inbox)) == 1


async def test_old_rows_of_the_inbox_go_some_at_a_time(bus: Bus) -> None:
    now = datetime.now(UTC)
    rows = [{"event_id": str(day), "applied_time": now - timedelta(days=day)} for day in range(5)]
    await bus.database.write(lambda connection: connection.execute(insert(bus.tables.inbox), rows))

    async def purge(connection: AsyncConnection) -> int:
        return await purge_inbox(connection, bus.tables.inbox, before=now - timedelta(days=1, hours=1), limit=2)

    assert [await bus.database.write(purge) for _ in range(3)] == [2, 1, 0]
    async with bus.database.read() as connection:
        assert set((await connection.execute(select(bus.tables.inbox.c.event_id))).scalars()) == {"0", "1"}


async def test_a_consumer_goes_on_after_the_stream_was_lost(bus: Bus) -> None:
    follower = Follower(bus)
    async with running(follower.consumer.run):
        await bus.add(1)
        await bus.shard_relay().step()
        await eventually(lambda: _equals(follower.seen, [1]))
        await bus.redis.delete(bus.stream)
        relay = bus.shard_relay()
        await bus.add(2)
        await relay.step()  # a fresh relay has seen no run yet: it looks, and publishes everything again
        await eventually(lambda: _equals(follower.seen, [1, 2]))


async def test_an_event_that_cannot_be_applied_is_buried_and_passed_over(bus: Bus) -> None:
    follower = Follower(bus)
    follower.broken = {1}
    async with running(bus.relay().run), running(follower.consumer.run):
        await bus.add(1, 2)
        await eventually(lambda: _equals(follower.seen, [2]), timeout=10)
    async with bus.database.read() as connection:
        row = (await connection.execute(select(bus.tables.dead_letters))).one()
    assert UserDeleted.FromString(Envelope.FromString(row.envelope).payload).user_id == 1
    assert "ArithmeticError" in row.error
    assert (await bus.redis.xpending(bus.stream, "follower"))["pending"] == 0


async def test_a_crash_between_effect_and_acknowledgement_has_no_second_effect(bus: Bus) -> None:
    follower = Follower(bus)
    await bus.add(1)
    await bus.shard_relay().step()
    await follower.consumer._create_group()
    answer: Any = await bus.redis.xreadgroup("follower", "active", {bus.stream: ">"})
    await follower.consumer._apply_once(answer[0][1][0][1][FIELD])
    async with running(follower.consumer.run):  # it finds the entry pending
        await eventually(lambda: _is_acknowledged(bus))
    assert await follower.seen() == [1]


async def _is_acknowledged(bus: Bus) -> bool:
    pending: Any = await bus.redis.xpending(bus.stream, "follower")
    return bool(pending["pending"] == 0)


async def _equals(ask: Callable[[], Any], expected: list[int]) -> bool:
    return bool(await ask() == expected)
