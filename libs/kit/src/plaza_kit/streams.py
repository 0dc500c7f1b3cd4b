"""From a Redis stream into a service's own database, each event's effect once.

The effect and the event's row in the inbox are one transaction, so a redelivered event has no second effect. One
process at a time consumes a stream for a group (see `Lease`), under one consumer name, so order is kept and what a
predecessor left pending is read first. An event that fails five times goes to the dead letters and is passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from google.protobuf.message import DecodeError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.db import BigId, Database, UtcDateTime, medium_bytes
from plaza_kit.errors import Unavailable
from plaza_kit.event_stream import FIELD
from plaza_kit.lease import Lease
from plaza_kit.metrics import EVENTS_CONSUMED
from plaza_kit.relay import process_name

BATCH = 100
_BLOCK_MS = 1000
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5

log = structlog.get_logger()

Handler = Callable[[AsyncConnection, Envelope], Awaitable[None]]
"""Applies one event in the given transaction. Types it does not know it ignores."""


class _AlreadyApplied(Exception):
    """The inbox has the event."""


class _NotWanted(Exception):
    """The handler does not know the event's type."""


def inbox_table(metadata: MetaData) -> Table:
    """Add the table of applied events to a service's metadata."""
    return Table(
        "inbox",
        metadata,
        Column("event_id", String(36), primary_key=True),
        Column("applied_time", UtcDateTime, nullable=False, index=True),
        mysql_charset="utf8mb4",
    )


def dead_letters_table(metadata: MetaData) -> Table:
    """Add the table of events that could not be applied to a service's metadata."""
    return Table(
        "dead_letters",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("stream", String(100), nullable=False),
        Column("stream_id", String(40), nullable=False),
        Column("envelope", medium_bytes(), nullable=False),
        Column("error", Text, nullable=False),
        Column("created_time", UtcDateTime, nullable=False),
        mysql_charset="utf8mb4",
    )


async def purge_inbox(connection: AsyncConnection, inbox: Table, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows of events that were applied before a moment; return how many.

    They must be kept for longer than an event may be published again (`relay.RETENTION`).
    """
    old = select(inbox.c.event_id).where(inbox.c.applied_time < before).order_by(inbox.c.applied_time).limit(limit)
    event_ids = (await connection.execute(old)).scalars().all()
    if event_ids:
        await connection.execute(delete(inbox).where(inbox.c.event_id.in_(event_ids)))
    return len(event_ids)


class Consumer:
    """Applies the events of one stream for one group.

    Args:
        database: Where the effects go.
        redis: The bus.
        stream: See `event_stream.stream_name`.
        group: The consuming service.
        tables: Its `inbox`, `dead_letters` and `leases`.
        handler: Applies one event.
        types: Full names of the payloads that the handler knows; others cost no transaction. None is all.
    """

    def __init__(
        self,
        database: Database,
        redis: "Redis",
        *,
        stream: str,
        group: str,
        tables: tuple[Table, Table, Table],
        handler: Handler,
        types: Collection[str] | None = None,
    ) -> None:
        self._database = database
        self._redis = redis
        self._stream = stream
        self._group = group
        self._inbox, self._dead_letters, leases = tables
        self._handler = handler
        self._types = types
        self._lease = Lease(database, leases, name=f"consume:{stream}"[:100], holder=process_name(database.dialect))

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; trouble with Redis or the database is waited out."""
        position = "0"  # what a predecessor left pending comes first, then what is new
        while not stop.is_set():
            try:
                position = await self._step(position)
            except (RedisError, OSError, Unavailable) as error:
                if "NOGROUP" in str(error):
                    await self._create_group()
                else:
                    log.warning("consumer.waiting", stream=self._stream, detail=str(error))
                    await _pause(stop)
                position = "0"
        try:
            await self._lease.release()
        except Unavailable:
            log.info("consumer.lease_kept", stream=self._stream)

    async def _step(self, position: str) -> str:
        """Take one batch from a position; returns where to go on."""
        if not await self._lease.hold():
            await asyncio.sleep(_PAUSE_SECONDS)
            return "0"
        answer: Any = await self._redis.xreadgroup(
            self._group, "active", {self._stream: position}, count=BATCH, block=None if position == "0" else _BLOCK_MS
        )
        entries: Sequence[tuple[bytes, dict[bytes, bytes]]] = answer[0][1] if answer else ()
        for stream_id, fields in entries:
            await self._apply(stream_id, fields)
        return "0" if position == "0" and entries else ">"

    async def _create_group(self) -> None:
        """Create the group at the start of the stream: after a loss everything is read again, the inbox drops it."""
        try:
            await self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _apply(self, stream_id: bytes, fields: dict[bytes, bytes]) -> None:
        raw = fields.get(FIELD, b"") if fields else b""
        outcome = "applied"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._apply_once(raw)
                break
            except _AlreadyApplied:
                outcome = "repeated"
                break
            except _NotWanted:
                outcome = "ignored"
                break
            except Unavailable:
                raise  # not the event's fault: no attempt is used up
            except Exception as error:
                log.error("consumer.failed", stream=self._stream, attempt=attempt, exc_info=error)
                if attempt == _ATTEMPTS:
                    await self._bury(stream_id, raw, error)
                    outcome = "buried"
                else:
                    await asyncio.sleep(0.05 * 2**attempt)
        await self._redis.xack(self._stream, self._group, stream_id)
        EVENTS_CONSUMED.labels(self._stream, outcome).inc()

    async def _apply_once(self, raw: bytes) -> None:
        envelope = Envelope()
        try:
            envelope.ParseFromString(raw)
        except DecodeError as error:
            raise ValueError("not an envelope") from error
        if not envelope.id:
            raise ValueError("an entry without an envelope: trimmed before it was read")
        if self._types is not None and envelope.type not in self._types:
            raise _NotWanted

        async def work(connection: AsyncConnection) -> None:
            row = {"event_id": envelope.id, "applied_time": datetime.now(UTC)}
            try:
                await connection.execute(insert(self._inbox).values(row))
            except IntegrityError:
                raise _AlreadyApplied from None
            await self._handler(connection, envelope)

        await self._database.write(work)

    async def _bury(self, stream_id: bytes, raw: bytes, error: Exception) -> None:
        row: dict[str, Any] = {
            "stream": self._stream,
            "stream_id": stream_id.decode(),
            "envelope": raw,
            "error": repr(error)[:2000],
            "created_time": datetime.now(UTC),
        }

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(self._dead_letters).values(row))

        await self._database.write(work)


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)
    except TimeoutError:
        return
