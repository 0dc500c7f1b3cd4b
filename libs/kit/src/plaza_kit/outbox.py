"""Events that cannot be lost: written in the business transaction, published afterwards, at least once.

Invariants

1. `Outbox.add` writes the event's row in the transaction of its cause: both happen, or neither.
2. One relay per shard publishes (see `Lease`). It reads rows that are not marked as sent, in the order of their ids,
   appends them to the shard's Redis stream in one MULTI, and then marks them by primary key. There is no cursor, so a
   row whose transaction committed late is found later.
3. Events of one subject are in one shard, and their ids follow the order of commits when their transactions hold a
   common row lock. Between subjects no order is promised.
4. The mark is fenced: it joins on the lease's token, so a relay that was frozen and replaced marks nothing. What such
   a relay appends on waking is a repetition with the same event id; consumers drop it.
5. Sent rows are kept for 24 hours with the stream id that Redis gave. When Redis restarts with a shorter stream (its
   run id changes), rows above the stream's last id are exactly the lost ones and are published again; when the stream
   is gone, all kept rows are. The relay looks before every append.

The form of the stream is in `event_stream.py`.
"""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from google.protobuf.message import Message
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.caller import current_caller
from plaza_kit.db import EVENTS_FLAG, BigId, UtcDateTime, medium_bytes
from plaza_kit.ids import uuid7
from plaza_kit.prepared import PreparedWrite


def outbox_table(metadata: MetaData) -> Table:
    """Add the table to a service's metadata."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False),
        Column("shard", Integer, nullable=False),
        Column("subject", String(100), nullable=False),
        Column("envelope", medium_bytes(), nullable=False),
        Column("created_time", UtcDateTime, nullable=False),
        Column("sent_time", UtcDateTime, nullable=True),
        Column("stream_id", String(40), nullable=True, comment="zero-padded, so that text order is stream order"),
        Index("ix_outbox_unsent", "shard", "sent_time", "id"),
        Index("ix_outbox_stream_id", "shard", "stream_id"),
        mysql_charset="utf8mb4",
        sqlite_autoincrement=True,  # an id must not be given out twice
    )


class Outbox:
    """Where a service's events go in."""

    def __init__(self, table: Table, *, source: str, shards: int = 1) -> None:
        self.table = table
        self.source = source
        self.shards = shards
        names = ("event_id", "shard", "subject", "envelope", "created_time")
        self._statement = insert(table).values({name: bindparam(name) for name in names})
        self._insert: PreparedWrite | None = None  # rendered when the kind of database is known

    async def add(self, connection: AsyncConnection, payload: Message, *, subject: str) -> None:
        """Write an event in the caller's transaction.

        Args:
            connection: The transaction.
            payload: One of the messages in the owner's `*_events.proto`.
            subject: What it is about, e.g. `user:42`.
        """
        await self.add_all(connection, [(payload, subject)])

    async def add_all(self, connection: AsyncConnection, events: Sequence[tuple[Message, str]]) -> None:
        """Write any number of events, each with its subject, in this order."""
        if not events:
            return
        now, traceparent = datetime.now(UTC), _traceparent()
        rows = [self._row(payload, subject, traceparent, now) for payload, subject in events]
        if len(rows) == 1:
            if self._insert is None:
                self._insert = PreparedWrite(self._statement, connection.dialect)
            await self._insert.run(connection, **rows[0])
        else:
            await connection.execute(insert(self.table), rows)
        cast("dict[str, bool]", connection.info)[EVENTS_FLAG] = True

    def _row(self, payload: Message, subject: str, traceparent: str, now: datetime) -> dict[str, Any]:
        envelope = Envelope(
            id=str(uuid7()),
            type=payload.DESCRIPTOR.full_name,
            source=self.source,
            subject=subject,
            traceparent=traceparent,
            payload=payload.SerializeToString(),
        )
        envelope.occurred_time.FromDatetime(now)
        return {
            "event_id": envelope.id,
            "shard": zlib.crc32(subject.encode()) % self.shards,
            "subject": subject,
            "envelope": envelope.SerializeToString(),
            "created_time": now,
        }


def _traceparent() -> str:
    try:
        return current_caller().traceparent
    except LookupError:
        return ""  # a background task or a command
