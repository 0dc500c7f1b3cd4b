"""Rows of `held_notices`: whom to notify of a text once it comes into sight."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import held_notices
from forum.repository.occasions import Target


class HeldNotice(NamedTuple):
    """One of them.

    Attributes:
        is_new: The text itself is news, not only who it names.
        actor_id: Who wrote it.
        mentioned_user_ids: Whom it names.
    """

    is_new: bool
    actor_id: int
    mentioned_user_ids: Sequence[int]


class HeldNoticeRepository:
    """All SQL about held notices. The one consumer of the service's own events writes them."""

    async def find(self, connection: AsyncConnection, target: Target) -> HeldNotice | None:
        """Return what is held for a text."""
        columns = (held_notices.c.is_new, held_notices.c.actor_id, held_notices.c.mentioned_user_ids)
        row = (await connection.execute(select(*columns).where(_is(target)))).first()
        return None if row is None else HeldNotice(bool(row[0]), row[1], json.loads(row[2]))

    async def insert(self, connection: AsyncConnection, target: Target, notice: HeldNotice, now: datetime) -> None:
        """Hold a notice for a text that has none."""
        key = {"target_kind": int(target[0]), "target_id": target[1]}
        values = {
            "is_new": notice.is_new,
            "actor_id": notice.actor_id,
            "mentioned_user_ids": json.dumps(list(notice.mentioned_user_ids)),
            "created_time": now,
        }
        await connection.execute(insert(held_notices).values(key | values))

    async def set_mentioned(self, connection: AsyncConnection, target: Target, user_ids: Sequence[int]) -> None:
        """Say anew whom a held text names."""
        values = {"mentioned_user_ids": json.dumps(list(user_ids))}
        await connection.execute(update(held_notices).where(_is(target)).values(values))

    async def remove(self, connection: AsyncConnection, target: Target) -> None:
        """Forget what is held for a text."""
        await connection.execute(delete(held_notices).where(_is(target)))

    async def purge(self, connection: AsyncConnection, before: datetime, limit: int) -> int:
        """Delete notices that were held before a moment; return how many."""
        columns = (held_notices.c.target_kind, held_notices.c.target_id)
        old = select(*columns).where(held_notices.c.created_time < before).limit(limit)
        found = (await connection.execute(old)).all()
        for kind, target_id in found:
            await connection.execute(delete(held_notices).where(_is((kind, target_id))))
        return len(found)


def _is(target: Target) -> ColumnElement[bool]:
    return (held_notices.c.target_kind == int(target[0])) & (held_notices.c.target_id == target[1])
