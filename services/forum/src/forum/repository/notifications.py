"""Rows of `notifications` and `notification_preferences`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Update, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import notification_preferences, notifications, posts, users
from forum.repository.occasions import read_rank, with_category
from plaza.forum.v1.notification_pb2 import NotificationKind
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE

COUNT_MAX = 1000
"""Where counting stops (contract)."""


class Notice(NamedTuple):
    """What users are notified of.

    Attributes:
        kind: Of what kind it is.
        group_key: What is counted together while it is unread.
        actor_id: Who did it; None if that is nobody's business.
        post_id: Where.
        reply_id: The reply; 0 if it is about the post.
        detail: See the contract.
        reason: A moderator's words.
    """

    kind: "NotificationKind.ValueType"
    group_key: bytes
    actor_id: int | None
    post_id: int
    reply_id: int
    detail: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A notification with what is shown of its actor and its post."""

    id: int
    user_id: int
    kind: int
    post_id: int
    reply_id: int
    detail: str
    reason: str
    count: int
    is_read: bool
    updated_time: datetime
    actor_id: int | None
    actor_username: str | None
    actor_avatar: str | None
    is_actor_deleted: bool | None
    post_title: str
    post_author_id: int
    is_post_live: bool
    read_rank: int


_actors = users.alias("actors")
_SHOWN = with_category(
    select(
        notifications.c.id,
        notifications.c.user_id,
        notifications.c.kind,
        notifications.c.post_id,
        func.coalesce(notifications.c.reply_id, 0),
        notifications.c.detail,
        notifications.c.reason,
        notifications.c.count,
        notifications.c.is_read,
        notifications.c.updated_time,
        _actors.c.id,
        _actors.c.username,
        _actors.c.avatar,
        _actors.c.is_deleted,
        posts.c.title,
        posts.c.author_id,
        posts.c.status == CONTENT_STATUS_LIVE,
        read_rank(),
    )
    .select_from(notifications)
    .join(posts, posts.c.id == notifications.c.post_id)
    .outerjoin(_actors, _actors.c.id == notifications.c.actor_id)
)


class NotificationRepository:
    """All SQL about notifications and what users want of them."""

    async def record(
        self, connection: AsyncConnection, user_ids: Sequence[int], notice: Notice, now: datetime
    ) -> list[NotificationRow]:
        """Give a notice to users, in a constant number of statements, and return their notifications by id.

        A row of the group that is unread counts one more; one that was read begins again at 1.
        """
        group = and_(notifications.c.group_key == notice.group_key, notifications.c.user_id.in_(user_ids))
        found = await connection.execute(
            select(notifications.c.id, notifications.c.user_id)
            .where(group)
            .order_by(notifications.c.id)
            .with_for_update()
        )
        known = {user_id: row_id for row_id, user_id in found}
        if known:
            await connection.execute(_again(list(known.values()), notice, now))
        new = [_first(user_id, notice, now) for user_id in user_ids if user_id not in known]
        if new:
            await connection.execute(insert(notifications), new)
        rows = await connection.execute(_SHOWN.where(group).order_by(notifications.c.id))
        return [NotificationRow(*row) for row in rows]

    async def find_detail(self, connection: AsyncConnection, user_id: int, group_key: bytes) -> str:
        """Return the detail of the notification that a user has in a group; empty if there is none."""
        statement = select(notifications.c.detail).where(
            notifications.c.user_id == user_id, notifications.c.group_key == group_key
        )
        return (await connection.execute(statement)).scalar() or ""

    async def list_before(
        self, connection: AsyncConnection, user_id: int, *, position: tuple[datetime, int], is_unread: bool, limit: int
    ) -> list[NotificationRow]:
        """Return a user's notifications, last changed first, from a time and id (exclusive)."""
        statement = _SHOWN.where(notifications.c.user_id == user_id, _is_before(*position))
        if is_unread:
            statement = statement.where(notifications.c.is_read.is_(False))
        order = (notifications.c.updated_time.desc(), notifications.c.id.desc())
        rows = await connection.execute(statement.order_by(*order).limit(limit))
        return [NotificationRow(*row) for row in rows]

    async def count_unread(self, connection: AsyncConnection, user_id: int) -> int:
        """Return how many are unread, at most 1,000."""
        some = (
            select(notifications.c.id)
            .where(notifications.c.user_id == user_id, notifications.c.is_read.is_(False))
            .limit(COUNT_MAX)
            .subquery()
        )
        return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())

    async def count_unread_of(self, connection: AsyncConnection, user_ids: Sequence[int]) -> dict[int, int]:
        """Return how many are unread, at most 1,000, by user; users without any are left out."""
        statement = (
            select(notifications.c.user_id, func.count())
            .where(notifications.c.user_id.in_(user_ids), notifications.c.is_read.is_(False))
            .group_by(notifications.c.user_id)
        )
        return {user_id: min(count, COUNT_MAX) for user_id, count in await connection.execute(statement)}

    async def mark_read(self, connection: AsyncConnection, user_id: int, ids: Collection[int]) -> int:
        """Mark some of a user's notifications as read; return how many were not."""
        return await self._mark(connection, user_id, notifications.c.id.in_(ids))

    async def mark_read_up_to(self, connection: AsyncConnection, user_id: int, last_id: int) -> int:
        """Mark one and all that have not changed since as read; return how many were not."""
        statement = select(notifications.c.updated_time).where(
            notifications.c.id == last_id, notifications.c.user_id == user_id
        )
        updated_time = (await connection.execute(statement)).scalar()
        if updated_time is None:
            return 0
        return await self._mark(connection, user_id, _is_before(updated_time, last_id + 1))

    async def find_preferences(self, connection: AsyncConnection, user_id: int) -> dict[int, bool]:
        """Return what a user has said about kinds of notifications."""
        columns = (notification_preferences.c.kind, notification_preferences.c.is_enabled)
        rows = await connection.execute(select(*columns).where(notification_preferences.c.user_id == user_id))
        return {kind: bool(is_enabled) for kind, is_enabled in rows}

    async def set_preferences(self, connection: AsyncConnection, user_id: int, changes: Mapping[int, bool]) -> None:
        """Set what a user wants; the user's row must be locked."""
        mine = notification_preferences.c.user_id == user_id
        await connection.execute(
            delete(notification_preferences).where(mine, notification_preferences.c.kind.in_(list(changes)))
        )
        rows = [{"user_id": user_id, "kind": kind, "is_enabled": wanted} for kind, wanted in changes.items()]
        await connection.execute(insert(notification_preferences), rows)

    async def purge(self, connection: AsyncConnection, before: datetime, limit: int) -> int:
        """Delete notifications that last changed before a moment; return how many."""
        old = select(notifications.c.id).where(notifications.c.updated_time < before)
        ids = list((await connection.execute(old.order_by(notifications.c.updated_time).limit(limit))).scalars())
        if ids:
            await connection.execute(delete(notifications).where(notifications.c.id.in_(ids)))
        return len(ids)

    async def _mark(self, connection: AsyncConnection, user_id: int, which: ColumnElement[bool]) -> int:
        unread = and_(notifications.c.user_id == user_id, notifications.c.is_read.is_(False), which)
        return int((await connection.execute(update(notifications).where(unread).values(is_read=True))).rowcount)


def _is_before(updated_time: datetime, notification_id: int) -> ColumnElement[bool]:
    """Compare with a position; the first condition alone lets the database begin at the right place of the index."""
    return and_(
        notifications.c.updated_time <= updated_time,
        or_(notifications.c.updated_time < updated_time, notifications.c.id < notification_id),
    )


def _again(ids: Sequence[int], notice: Notice, now: datetime) -> Update:
    # In this order: MySQL sets one column after the other, and the count depends on what `is_read` was.
    values = (
        (notifications.c.count, case((notifications.c.is_read.is_(True), 1), else_=notifications.c.count + 1)),
        (notifications.c.is_read, False),
        (notifications.c.actor_id, notice.actor_id),
        (notifications.c.reply_id, notice.reply_id or None),
        (notifications.c.detail, notice.detail),
        (notifications.c.reason, notice.reason),
        (notifications.c.updated_time, now),
    )
    return update(notifications).where(notifications.c.id.in_(ids)).ordered_values(*values)


def _first(user_id: int, notice: Notice, now: datetime) -> dict[str, object]:
    return {
        "user_id": user_id,
        "kind": int(notice.kind),
        "group_key": notice.group_key,
        "actor_id": notice.actor_id,
        "post_id": notice.post_id,
        "reply_id": notice.reply_id or None,
        "detail": notice.detail,
        "reason": notice.reason,
        "count": 1,
        "is_read": False,
        "created_time": now,
        "updated_time": now,
    }
