"""Rows of `webhooks`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import webhook_deliveries, webhooks


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One webhook."""

    id: int
    url: str = field(repr=False)  # its path may be a secret
    events: Sequence[str]
    sealed_secret: bytes = field(repr=False)
    is_active: bool
    created_time: datetime


_COLUMNS = (
    webhooks.c.id,
    webhooks.c.url,
    webhooks.c.events,
    webhooks.c.sealed_secret,
    webhooks.c.is_active,
    webhooks.c.created_time,
)
_STANDING = webhooks.c.is_deleted.is_(False)


class WebhookRepository:
    """All SQL about webhooks. There are at most a hundred."""

    async def insert(self, connection: AsyncConnection, *, url: str, events: Sequence[str], now: datetime) -> int:
        """Add an active webhook without a secret, which is sealed for its id, and return the id."""
        values = {
            "url": url,
            "events": json.dumps(list(events)),
            "sealed_secret": b"",
            "is_active": True,
            "is_deleted": False,
            "created_time": now,
        }
        return int((await connection.execute(insert(webhooks).values(values))).lastrowid)

    async def update(self, connection: AsyncConnection, webhook_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one webhook; `events` is a list."""
        columns = dict(values)
        if "events" in columns:
            columns["events"] = json.dumps(list(columns["events"]))
        await connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(columns))

    async def find(self, connection: AsyncConnection, webhook_id: int) -> WebhookRow | None:
        """Return a webhook."""
        statement = select(*_COLUMNS).where(webhooks.c.id == webhook_id, _STANDING)
        row = (await connection.execute(statement)).first()
        return None if row is None else _row(row)

    async def lock(self, connection: AsyncConnection, webhook_id: int) -> WebhookRow | None:
        """Return a webhook and keep its row locked until the transaction ends."""
        statement = select(*_COLUMNS).where(webhooks.c.id == webhook_id, _STANDING).with_for_update()
        row = (await connection.execute(statement)).first()
        return None if row is None else _row(row)

    async def list_all(self, connection: AsyncConnection) -> list[WebhookRow]:
        """Return all webhooks by id."""
        rows = await connection.execute(select(*_COLUMNS).where(_STANDING).order_by(webhooks.c.id))
        return [_row(row) for row in rows]

    async def list_active(self, connection: AsyncConnection) -> list[WebhookRow]:
        """Return the webhooks that are on, by id."""
        return [row for row in await self.list_all(connection) if row.is_active]

    async def lock_and_count(self, connection: AsyncConnection) -> int:
        """Return how many webhooks there are; while there are some, two transactions do this one after the other."""
        rows = await connection.execute(select(webhooks.c.id).where(_STANDING).with_for_update())
        return len(rows.all())

    async def list_due(self, connection: AsyncConnection, pending: int, now: datetime) -> list[int]:
        """Return the ids of active webhooks that have a delivery to make, in state `pending`."""
        is_due = exists().where(
            webhook_deliveries.c.webhook_id == webhooks.c.id,
            webhook_deliveries.c.state == pending,
            webhook_deliveries.c.next_attempt_time <= now,
        )
        statement = select(webhooks.c.id).where(_STANDING, webhooks.c.is_active.is_(True), is_due)
        return list((await connection.execute(statement)).scalars())

    async def purge(self, connection: AsyncConnection, limit: int) -> int:
        """Delete deliveries of removed webhooks, and those of the latter that have none left; return how many rows."""
        gone = select(webhooks.c.id).where(webhooks.c.is_deleted.is_(True))
        removed = list((await connection.execute(gone.order_by(webhooks.c.id))).scalars())
        count = 0
        for webhook_id in removed:
            mine = webhook_deliveries.c.webhook_id == webhook_id
            some = select(webhook_deliveries.c.id).where(mine).limit(limit - count)
            ids = list((await connection.execute(some)).scalars())
            if ids:
                await connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids)))
            count += len(ids)
            if count >= limit:
                break
            left = select(func.count()).where(mine)
            if not (await connection.execute(left)).scalar():
                await connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
                count += 1
        return count


def _row(row: Sequence[Any]) -> WebhookRow:
    webhook_id, url, events, sealed_secret, is_active, created_time = row
    return WebhookRow(webhook_id, url, tuple(json.loads(events)), sealed_secret, bool(is_active), created_time)
