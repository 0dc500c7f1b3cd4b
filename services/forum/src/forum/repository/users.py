"""Rows of `users`: what the forum knows of the auth service's accounts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, case, func, insert, literal, literal_column, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import posts, replies, users
from plaza.forum.v1 import post_pb2
from plaza_kit.db import Database

AUTHOR_COLUMNS = (users.c.id, users.c.username, users.c.avatar, users.c.is_deleted)
"""What `writers.author_of` makes an author of, in this order."""


class KnownUser(NamedTuple):
    """One account as known here; the attributes are the columns."""

    id: int
    username: str
    avatar: str
    role: str
    is_deleted: bool
    is_banned: bool
    ban_until_time: datetime | None
    joined_time: datetime
    updated_time: datetime

    def is_banned_at(self, now: datetime) -> bool:
        """Tell whether a ban holds at `now`; a timed one ends by itself."""
        return self.is_banned and (self.ban_until_time is None or now < self.ban_until_time)


class Recent(NamedTuple):
    """What a user wrote a short while ago."""

    is_repeated: bool
    """The text in question was among it, and is in sight or held."""
    text_count: int
    """Posts and replies, whatever became of them; 0 for users who are not new."""


class RecentBounds(NamedTuple):
    """Which text, and how far back to look."""

    content_hash: bytes
    duplicates_since: datetime
    written_since: datetime
    new_since: datetime
    """Who joined later is new."""


_COLUMNS = tuple(users.c[name] for name in KnownUser._fields)
_IN_SIGHT = (post_pb2.CONTENT_STATUS_LIVE, post_pb2.CONTENT_STATUS_HELD)
_EVERY_STATUS = (*_IN_SIGHT, post_pb2.CONTENT_STATUS_DELETED, post_pb2.CONTENT_STATUS_REMOVED)


class UserRepository:
    """All SQL about users. Statements are built once, at construction."""

    def __init__(self, database: Database) -> None:
        self._by_id = select(*_COLUMNS).where(users.c.id == bindparam("user_id"))
        self._by_id_locked = self._by_id.with_for_update()
        # The lock makes two identical texts that are sent at once wait for each other: the second sees the first.
        self._with_recent = database.prepare(
            select(*_COLUMNS, _is_repeated(), _recent_count())
            .where(users.c.id == bindparam("user_id"))
            .with_for_update()
        )

    async def find(self, connection: AsyncConnection, user_id: int) -> KnownUser | None:
        """Return a user, deleted or not."""
        row = (await connection.execute(self._by_id, {"user_id": user_id})).first()
        return None if row is None else KnownUser(*row)

    async def lock(self, connection: AsyncConnection, user_id: int) -> KnownUser | None:
        """Return a user and keep their row locked until the transaction ends."""
        row = (await connection.execute(self._by_id_locked, {"user_id": user_id})).first()
        return None if row is None else KnownUser(*row)

    async def lock_with_recent(
        self, connection: AsyncConnection, user_id: int, bounds: RecentBounds
    ) -> tuple[KnownUser, Recent] | None:
        """Return a user with what they wrote lately, and keep their row locked until the transaction ends."""
        row = await self._with_recent.first_in(connection, user_id=user_id, **bounds._asdict())
        return None if row is None else (KnownUser(*row[:-2]), Recent(bool(row[-2]), int(row[-1])))

    async def find_oldest_recent(self, connection: AsyncConnection, user_id: int, since: datetime) -> datetime | None:
        """Return when the oldest of a user's texts that are younger than `since` was written."""
        written = [
            select(func.min(table.c.created_time)).where(table.c.author_id == user_id, table.c.created_time > since)
            for table in (posts, replies)
        ]
        rows = await connection.execute(written[0].union_all(written[1]))
        return min((moment for moment in rows.scalars() if moment is not None), default=None)

    async def find_authors(self, connection: AsyncConnection, user_ids: Collection[int]) -> list[tuple[Any, ...]]:
        """Return the AUTHOR_COLUMNS of those users that exist."""
        rows = await connection.execute(select(*AUTHOR_COLUMNS).where(users.c.id.in_(user_ids)))
        return [tuple(row) for row in rows]

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
        """Add a user; return False if there is one with that id by now."""
        try:
            await connection.execute(insert(users).values({**_NEW, **values}))
        except IntegrityError:
            return False
        return True

    async def update(self, connection: AsyncConnection, user_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one user."""
        await connection.execute(update(users).where(users.c.id == user_id).values(dict(values)))


_NEW: dict[str, Any] = {
    "avatar": "",
    "role": "user",
    "is_deleted": False,
    "is_banned": False,
}


def _is_repeated() -> ColumnElement[Any]:
    found = [
        select(literal(1))
        .where(
            table.c.author_id == bindparam("user_id"),
            table.c.status.in_(_numbers(_IN_SIGHT)),
            table.c.created_time > bindparam("duplicates_since", type_=table.c.created_time.type),
            table.c.content_hash == bindparam("content_hash", type_=table.c.content_hash.type),
        )
        .exists()
        for table in (posts, replies)
    ]
    return found[0] | found[1]


def _recent_count() -> ColumnElement[Any]:
    counts = [
        select(func.count())
        .select_from(table)
        .where(
            table.c.author_id == bindparam("user_id"),
            table.c.status.in_(_numbers(_EVERY_STATUS)),  # names the index's second column
            table.c.created_time > bindparam("written_since", type_=table.c.created_time.type),
        )
        .scalar_subquery()
        for table in (posts, replies)
    ]
    is_new = users.c.joined_time > bindparam("new_since", type_=users.c.joined_time.type)
    return case((is_new, counts[0] + counts[1]), else_=0)


def _numbers(statuses: Collection[int]) -> list[ColumnElement[int]]:
    """Return numbers that stand in the text of a statement: a prepared one takes no lists."""
    return [literal_column(str(int(status)), Integer) for status in statuses]
