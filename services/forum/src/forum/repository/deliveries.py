"""Rows of `webhook_deliveries`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import webhook_deliveries, webhooks
from plaza.forum.v1.webhook_service_pb2 import (
    DELIVERY_STATE_DEAD,
    DELIVERY_STATE_DELIVERED,
    DELIVERY_STATE_PENDING,
)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event as webhooks get it; `body` is the JSON that is signed and sent."""

    event_id: str
    event: str
    body: bytes = field(repr=False)


class DeliveryRow(NamedTuple):
    """A delivery without its body."""

    id: int
    event_id: str
    event: str
    state: int
    attempt_count: int
    last_status: int
    last_error: str
    created_time: datetime
    next_attempt_time: datetime | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery with all it takes to make it."""

    id: int
    webhook_id: int
    event_id: str
    body: bytes = field(repr=False)
    attempt_count: int
    url: str = field(repr=False)
    sealed_secret: bytes = field(repr=False)


class Outcome(NamedTuple):
    """What came of an attempt: the HTTP status (0 if there was no answer) and what was wrong (empty if nothing)."""

    status: int
    error: str


_COLUMNS = tuple(webhook_deliveries.c[name] for name in DeliveryRow._fields)


class DeliveryRepository:
    """All SQL about deliveries."""

    async def insert(
        self, connection: AsyncConnection, webhook_ids: Sequence[int], delivery: NewDelivery, now: datetime
    ) -> None:
        """Queue an event for webhooks; it is due now."""
        rows = [
            {
                "webhook_id": webhook_id,
                "event_id": delivery.event_id,
                "event": delivery.event,
                "body": delivery.body,
                "state": int(DELIVERY_STATE_PENDING),
                "attempt_count": 0,
                "last_status": 0,
                "last_error": "",
                "created_time": now,
                "next_attempt_time": now,
            }
            for webhook_id in webhook_ids
        ]
        await connection.execute(insert(webhook_deliveries), rows)

    async def list_before(
        self, connection: AsyncConnection, webhook_id: int, *, before_id: int, state: int, limit: int
    ) -> list[DeliveryRow]:
        """Return a webhook's deliveries, newest first, from an id (exclusive); state 0 is all."""
        statement = select(*_COLUMNS).where(
            webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.id < before_id
        )
        if state:
            statement = statement.where(webhook_deliveries.c.state == state)
        rows = await connection.execute(statement.order_by(webhook_deliveries.c.id.desc()).limit(limit))
        return [DeliveryRow(*row) for row in rows]

    async def find(self, connection: AsyncConnection, delivery_id: int) -> DeliveryRow:
        """Return a delivery that there is."""
        row = await connection.execute(select(*_COLUMNS).where(webhook_deliveries.c.id == delivery_id))
        return DeliveryRow(*row.one())

    async def replay(self, connection: AsyncConnection, webhook_id: int, delivery_id: int, now: datetime) -> bool:
        """Make a delivery due now, as if it had never been tried; False if the webhook has no such delivery."""
        mine = and_(webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.webhook_id == webhook_id)
        values = {"state": int(DELIVERY_STATE_PENDING), "attempt_count": 0, "next_attempt_time": now}
        return bool((await connection.execute(update(webhook_deliveries).where(mine).values(values))).rowcount)

    async def find_due(self, connection: AsyncConnection, webhook_id: int, now: datetime) -> DueDelivery | None:
        """Return the most overdue delivery of a webhook that is on."""
        d = webhook_deliveries.c
        statement = (
            select(d.id, d.webhook_id, d.event_id, d.body, d.attempt_count, webhooks.c.url, webhooks.c.sealed_secret)
            .join(webhooks, webhooks.c.id == d.webhook_id)
            .where(
                d.webhook_id == webhook_id,
                d.state == int(DELIVERY_STATE_PENDING),
                d.next_attempt_time <= now,
                webhooks.c.is_active.is_(True),
                webhooks.c.is_deleted.is_(False),
            )
            .order_by(d.next_attempt_time, d.id)
            .limit(1)
        )
        row = (await connection.execute(statement)).first()
        return None if row is None else DueDelivery(*row)

    async def claim(self, connection: AsyncConnection, due: DueDelivery, until: datetime) -> bool:
        """Count an attempt and keep others away until a moment; False if another process was faster."""
        values = {"attempt_count": due.attempt_count + 1, "next_attempt_time": until}
        statement = update(webhook_deliveries).where(_is_attempt(due.id, due.attempt_count)).values(values)
        return bool((await connection.execute(statement)).rowcount)

    async def finish(
        self, connection: AsyncConnection, due: DueDelivery, outcome: Outcome, *, next_attempt_time: datetime | None
    ) -> None:
        """Write down what came of a claimed attempt, unless the delivery is to be sent again by now.

        Args:
            connection: The transaction.
            due: As it was before the claim.
            outcome: Without an error it is delivered.
            next_attempt_time: When to try again; None makes a failed one a dead letter.
        """
        state = DELIVERY_STATE_DEAD if next_attempt_time is None else DELIVERY_STATE_PENDING
        values = {
            "state": int(state if outcome.error else DELIVERY_STATE_DELIVERED),
            "last_status": outcome.status,
            "last_error": outcome.error[:300],
            "next_attempt_time": next_attempt_time,
        }
        await connection.execute(
            update(webhook_deliveries).where(_is_attempt(due.id, due.attempt_count + 1)).values(values)
        )

    async def purge(self, connection: AsyncConnection, before: datetime, limit: int) -> int:
        """Delete deliveries that were queued before a moment; return how many."""
        old = select(webhook_deliveries.c.id).where(webhook_deliveries.c.created_time < before)
        ids = list((await connection.execute(old.order_by(webhook_deliveries.c.created_time).limit(limit))).scalars())
        if ids:
            await connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids)))
        return len(ids)


def _is_attempt(delivery_id: int, attempt_count: int) -> ColumnElement[bool]:
    return and_(
        webhook_deliveries.c.id == delivery_id,
        webhook_deliveries.c.state == int(DELIVERY_STATE_PENDING),
        webhook_deliveries.c.attempt_count == attempt_count,
    )
