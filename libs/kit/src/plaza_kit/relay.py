"""From the outbox to Redis: see the invariants in `outbox.py`."""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import Table, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.db import Database
from plaza_kit.errors import Unavailable
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.lease import Lease
from plaza_kit.metrics import EVENTS_REPUBLISHED, OUTBOX_LAG
from plaza_kit.outbox import Outbox

BATCH = 200
POLL_SECONDS = 0.2
RETENTION = timedelta(hours=24)
_HOUSEKEEPING_SECONDS = 60.0
_CHECK_SECONDS = 2.0

log = structlog.get_logger()


def process_name(dialect: str) -> str:
    """Return who holds leases here. An SQLite service has one replica, which takes its own lease again at once."""
    return "single" if dialect == "sqlite" else f"{socket.gethostname()}:{os.getpid()}"


class Relay:
    """Publishes the events of all shards of one service."""

    def __init__(self, database: Database, outbox: Outbox, leases: Table, redis: "Redis") -> None:
        self._shards = [ShardRelay(database, outbox, leases, redis, shard=shard) for shard in range(outbox.shards)]

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`."""
        async with asyncio.TaskGroup() as group:
            for shard in self._shards:
                group.create_task(shard.run(stop))


class ShardRelay:
    """Publishes the events of one shard, while it holds the lease."""

    def __init__(self, database: Database, outbox: Outbox, leases: Table, redis: "Redis", *, shard: int) -> None:
        self._database = database
        self._table = outbox.table
        self._leases = leases
        self._redis = redis
        self._shard = shard
        self._stream = stream_name(outbox.source, shard)
        self._lease_name = f"relay:{shard}"
        self._lease = Lease(database, leases, name=self._lease_name, holder=process_name(database.dialect))
        self._run_id = ""
        self._cleaned_at = 0.0
        self._checked_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`; trouble with Redis or the database is waited out."""
        while not stop.is_set():
            try:
                is_idle = not await self.step()
            except (RedisError, OSError, Unavailable) as error:
                log.warning("relay.waiting", stream=self._stream, detail=str(error))
                is_idle = True
            if is_idle:
                await self._wait(stop)
        try:
            await self._lease.release()
        except Unavailable:
            log.info("relay.lease_kept", stream=self._stream)

    async def step(self) -> bool:
        """Publish one batch; returns whether there was one."""
        if not await self._lease.hold():
            return False
        rows = await self._unsent()
        now = asyncio.get_running_loop().time()
        if rows or now - self._checked_at > _CHECK_SECONDS:
            if await self._repair():
                rows = await self._unsent()
            self._checked_at = now
        if rows and self._lease.is_held:
            await self._mark(rows, await self._append(rows))
        if now - self._cleaned_at > _HOUSEKEEPING_SECONDS:
            self._cleaned_at = now
            await self._clean()
        return len(rows) > 0

    async def _wait(self, stop: asyncio.Event) -> None:
        """Wait for the next commit with events in this process, for `stop`, or for the poll to be due."""
        added = self._database.events_added
        waiters = [asyncio.ensure_future(added.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waiters, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
        added.clear()

    async def _unsent(self) -> Sequence[Any]:
        table = self._table
        query = (
            select(table.c.id, table.c.envelope, table.c.created_time)
            .where(table.c.shard == self._shard, table.c.sent_time.is_(None))
            .order_by(table.c.id)
            .limit(BATCH)
        )
        async with self._database.read() as connection:
            return (await connection.execute(query)).all()

    async def _append(self, rows: Sequence[Any]) -> list[str]:
        """Append all rows or none; returns their stream ids."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for row in rows:
                pipeline.xadd(self._stream, {FIELD: row.envelope})
            return [_padded(stream_id) for stream_id in await pipeline.execute()]

    async def _mark(self, rows: Sequence[Any], stream_ids: list[str]) -> None:
        now = datetime.now(UTC)

        async def mark(connection: AsyncConnection) -> None:
            for row, stream_id in zip(rows, stream_ids, strict=True):
                await connection.execute(
                    update(self._table)
                    .where(self._table.c.id == row.id, self._is_fenced())
                    .values(sent_time=now, stream_id=stream_id)
                )

        await self._database.write(mark)
        for row in rows:
            OUTBOX_LAG.labels(self._stream).observe((now - row.created_time).total_seconds())

    def _is_fenced(self) -> Any:
        leases = self._leases
        return exists().where(leases.c.name == self._lease_name, leases.c.token == self._lease.token)

    async def _repair(self) -> bool:
        """After a restart of Redis, mark what it lost as unsent; returns whether it lost anything."""
        run_id = (await self._redis.info("server"))["run_id"]
        if run_id == self._run_id:
            return False
        last_id = ""
        try:
            last_id = _padded((await self._redis.xinfo_stream(self._stream))["last-generated-id"])
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
        lost = update(self._table).where(
            self._table.c.shard == self._shard, self._table.c.stream_id > last_id, self._is_fenced()
        )

        async def unmark(connection: AsyncConnection) -> int:
            return int((await connection.execute(lost.values(sent_time=None, stream_id=None))).rowcount)

        count = await self._database.write(unmark)
        self._run_id = run_id
        if count:
            EVENTS_REPUBLISHED.labels(self._stream).inc(count)
            log.warning("relay.republishing", stream=self._stream, events=count)
        return count > 0

    async def _clean(self) -> None:
        """Drop what is older than the retention, from the outbox in small ranges and from the stream."""
        table = self._table
        before = datetime.now(UTC) - RETENTION
        old = select(func.max(table.c.id)).where(
            table.c.shard == self._shard, table.c.sent_time.is_not(None), table.c.sent_time < before
        )
        async with self._database.read() as connection:
            last_id = await connection.scalar(old)
            first_id = await connection.scalar(select(func.min(table.c.id)).where(table.c.shard == self._shard))
        if last_id is not None and first_id is not None:
            sent = delete(table).where(
                table.c.shard == self._shard,
                table.c.sent_time < before,
                table.c.id.between(first_id, min(last_id, first_id + 10 * BATCH)),
            )

            async def purge(connection: AsyncConnection) -> None:
                await connection.execute(sent)

            await self._database.write(purge)
        await self._trim(int(before.timestamp() * 1000))

    async def _trim(self, before_ms: int) -> None:
        """Trim the stream, but nothing that a consumer group has not acknowledged."""
        oldest = (before_ms, 0)
        try:
            groups = await self._redis.xinfo_groups(self._stream)
        except ResponseError:
            return  # no stream yet
        for group in groups:
            oldest = min(oldest, _parts(group["last-delivered-id"]))
            if group["pending"]:
                pending = await self._redis.xpending(self._stream, group["name"])
                if pending["min"] is not None:  # acknowledged since the groups were listed
                    oldest = min(oldest, _parts(pending["min"]))
        await self._redis.xtrim(self._stream, minid=f"{oldest[0]}-{oldest[1]}", approximate=True)


def _parts(stream_id: bytes | str) -> tuple[int, int]:
    text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence)


def _padded(stream_id: bytes | str) -> str:
    milliseconds, sequence = _parts(stream_id)
    return f"{milliseconds:016d}-{sequence:010d}"
