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
from sqlalchemy import Table, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.db import Database
from plaza_kit.errors import Unavailable
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.lease import Lease
from plaza_kit.metrics import EVENTS_REPUBLISHED, OUTBOX_LAG
from plaza_kit.outbox import Outbox

Row = tuple[int, bytes, datetime]
"""An event of the outbox: its number, its envelope, and when it was written."""

BATCH = 200
POLL_SECONDS = 0.2
RETENTION = timedelta(hours=24)
_HOUSEKEEPING_SECONDS = 60.0
_CHECK_SECONDS = 2.0

log = structlog.get_logger()

# Appends all and answers the process's id and theirs; or the id alone, if it is another process than the one whose
# data were compared with the outbox. In one script, because nothing may be appended before that (see `_repair`).
_APPEND = """
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local answer = {run_id}
if run_id == ARGV[1] then
  for i = 3, #ARGV do answer[i - 1] = redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[i]) end
end
return answer
"""


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
        self._append_script = redis.register_script(_APPEND)
        self._shard = shard
        self._stream = stream_name(outbox.source, shard)
        self._lease_name = f"relay:{shard}"
        self._lease = Lease(database, leases, name=self._lease_name, holder=process_name(database.dialect))
        self._run_id = ""
        self._cleaned_at = 0.0
        self._checked_at = 0.0
        table = outbox.table
        self._unsent = database.prepare(
            select(table.c.id, table.c.envelope, table.c.created_time)
            .where(table.c.shard == bindparam("shard"), table.c.sent_time.is_(None))
            .order_by(table.c.id)
            .limit(BATCH)
        )
        is_fenced = exists().where(leases.c.name == self._lease_name, leases.c.token == bindparam("token"))
        self._mark_sent = database.prepare_write(
            update(table)
            .where(table.c.id == bindparam("event"), is_fenced)
            .values(sent_time=bindparam("sent_time"), stream_id=bindparam("stream_id"))
        )

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
        now = asyncio.get_running_loop().time()
        if now - self._checked_at > _CHECK_SECONDS:
            await self._repair()
            self._checked_at = now
        rows = await self._unsent.all(shard=self._shard)
        if rows and self._lease.is_held:
            stream_ids = await self._append(rows)
            if stream_ids is None:
                await self._repair()
                return True
            await self._mark(rows, stream_ids)
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

    async def _append(self, rows: Sequence[Row]) -> list[str] | None:
        """Append all rows or none; returns their stream ids, or None if this is not the Redis that was looked at."""
        envelopes = [envelope for _, envelope, _ in rows]
        answer: list[bytes] = await self._append_script(keys=[self._stream], args=[self._run_id, FIELD, *envelopes])
        if answer[0].decode() != self._run_id:
            return None
        return [_padded(stream_id) for stream_id in answer[1:]]

    async def _mark(self, rows: Sequence[Row], stream_ids: list[str]) -> None:
        now, token = datetime.now(UTC), self._lease.token

        async def mark(connection: AsyncConnection) -> None:
            for (row_id, _, _), stream_id in zip(rows, stream_ids, strict=True):
                await self._mark_sent.run(connection, event=row_id, token=token, sent_time=now, stream_id=stream_id)

        await self._database.write(mark)
        for _, _, created_time in rows:
            OUTBOX_LAG.labels(self._stream).observe((now - created_time).total_seconds())

    def _is_fenced(self) -> Any:
        leases = self._leases
        return exists().where(leases.c.name == self._lease_name, leases.c.token == self._lease.token)

    async def _repair(self) -> None:
        """After a restart of Redis, mark what it lost as unsent."""
        run_id = (await self._redis.info("server"))["run_id"]
        if run_id == self._run_id:
            return
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
