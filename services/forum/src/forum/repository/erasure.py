"""Private rows of deleted users, erased a few at a time."""

from sqlalchemy import Column, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import (
    blocks,
    bookmarks,
    drafts,
    follows,
    notification_preferences,
    notifications,
    post_reads,
    read_horizons,
    users,
)

_TABLES: tuple[tuple[Table, "Column[int]"], ...] = (
    (drafts, drafts.c.id),
    (bookmarks, bookmarks.c.id),
    (follows, follows.c.id),
    (blocks, blocks.c.id),
    (notifications, notifications.c.id),
    (post_reads, post_reads.c.post_id),
    (read_horizons, read_horizons.c.user_id),
    (notification_preferences, notification_preferences.c.kind),
)
"""Whose rows go, and what names one row of a user."""


class ErasureRepository:
    """All SQL about erasure."""

    async def find_due(self, connection: AsyncConnection) -> int | None:
        """Return the user who has waited longest."""
        due = users.c.erasure_due_time
        found = await connection.execute(select(users.c.id).where(due.is_not(None)).order_by(due).limit(1))
        user_id: int | None = found.scalar()
        return user_id

    async def erase(self, connection: AsyncConnection, user_id: int, *, limit: int) -> int:
        """Delete up to `limit` rows of a user from the first table that has any; return how many."""
        for table, key in _TABLES:
            rows = await connection.execute(select(key).where(table.c.user_id == user_id).limit(limit))
            keys = rows.scalars().all()
            if keys:
                await connection.execute(delete(table).where(table.c.user_id == user_id, key.in_(keys)))
                return len(keys)
        return 0

    async def set_done(self, connection: AsyncConnection, user_id: int) -> None:
        """Note that nothing of a user is left."""
        await connection.execute(update(users).where(users.c.id == user_id).values(erasure_due_time=None))
