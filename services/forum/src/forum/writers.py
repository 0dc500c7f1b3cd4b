"""Who may write, and who wrote: the forum's own copy of what it must know of users.

The copy follows the auth service's events (`user_events.py`). Who writes before their event has come is copied from
the call itself.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import UserBanned
from forum.foundation import Foundation
from forum.ranks import NAMES, USER, rank_of
from forum.repository.users import KnownUser, Recent, RecentBounds
from forum.usernames import key_of
from plaza.forum.v1 import post_pb2
from plaza_kit.caller import Caller
from plaza_kit.errors import Unauthenticated

NOTHING_HEARD = datetime(1970, 1, 1, tzinfo=UTC)
"""`updated_time` of a user of whom no event has come: every event is newer."""

RATE_WINDOW = timedelta(hours=1)

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WritingLimits:
    """How much may be written; the attributes are settings.

    Attributes:
        new_user_age: How long a user counts as new.
        texts_per_hour: Posts and replies of a new user.
        links: In one text of a new user.
        duplicate_window: Time in which the same text again is refused; 0 is off.
    """

    new_user_age: timedelta
    texts_per_hour: int
    links: int
    duplicate_window: timedelta


@dataclass(frozen=True, slots=True)
class Writer:
    """A caller who may write.

    Attributes:
        user_id: Their id.
        rank: See `forum.ranks`.
        is_new: The limits of new users apply; never to moderators.
        recent: What they wrote lately, if it was asked for.
    """

    user_id: int
    rank: int
    is_new: bool
    recent: Recent | None = None


class Writers:
    """Knows users."""

    def __init__(self, foundation: Foundation, limits: WritingLimits) -> None:
        self._users = foundation.repositories.users
        self._clock = foundation.clock
        self._limits = limits

    async def require(
        self, connection: AsyncConnection, caller: Caller, *, content_hash: bytes | None = None
    ) -> Writer:
        """Return the caller as a writer: one statement, for all but their first write.

        Args:
            connection: The transaction.
            caller: A user.
            content_hash: Of a new text: the same statement then also finds what `NewUserRules.check` wants to know,
                and locks the user's row. Take it after the rows of posts.

        Raises:
            UserBanned: (USER_BANNED.)
            Unauthenticated: The account is deleted (TOKEN_INVALID).
        """
        now = self._clock()
        user, recent = await self._known(connection, caller, content_hash, now)
        if user.is_deleted:
            raise Unauthenticated("the account is gone")
        if user.is_banned_at(now):
            raise UserBanned
        rank = rank_of(caller)
        is_new = rank <= USER and user.joined_time > now - self._limits.new_user_age
        return Writer(user.id, rank, is_new, recent)

    async def exists(self, connection: AsyncConnection, user_id: int) -> bool:
        """Tell whether there is such a user, not deleted."""
        user = await self._users.find(connection, user_id)
        return user is not None and not user.is_deleted

    async def authors(self, connection: AsyncConnection, ids: Collection[int]) -> dict[int, post_pb2.Author]:
        """Return those users by id, in one statement; unknown ones are left out."""
        rows = await self._users.find_authors(connection, ids) if ids else []
        return {row[0]: author_of(row) for row in rows}

    async def _known(
        self, connection: AsyncConnection, caller: Caller, content_hash: bytes | None, now: datetime
    ) -> tuple[KnownUser, Recent | None]:
        found = await self._find(connection, caller.user_id, content_hash, now)
        if found is None:
            # Somebody else may be faster: then their row is read.
            await self._users.insert(connection, _values_of(caller, now))
            found = await self._find(connection, caller.user_id, content_hash, now)
        if found is None:
            raise AssertionError("a user's row neither was there nor could be added")
        return found

    async def _find(
        self, connection: AsyncConnection, user_id: int, content_hash: bytes | None, now: datetime
    ) -> tuple[KnownUser, Recent | None] | None:
        if content_hash is not None:
            return await self._users.lock_with_recent(connection, user_id, self._bounds(content_hash, now))
        user = await self._users.find(connection, user_id)
        return None if user is None else (user, None)

    def _bounds(self, content_hash: bytes, now: datetime) -> RecentBounds:
        window = self._limits.duplicate_window
        return RecentBounds(
            content_hash=content_hash,
            duplicates_since=now - window if window else _NEVER,
            written_since=now - RATE_WINDOW,
            new_since=now - self._limits.new_user_age,
        )


def author_of(values: Sequence[Any]) -> post_pb2.Author:
    """Return an author from id, username, avatar and is_deleted (`repository.users.AUTHOR_COLUMNS`)."""
    user_id, username, avatar, is_deleted = values
    return post_pb2.Author(id=user_id, username=username, avatar=avatar, is_deleted=is_deleted)


def _values_of(caller: Caller, now: datetime) -> dict[str, Any]:
    return {
        "id": caller.user_id,
        "username": caller.username,
        "username_key": key_of(caller.username),
        "role": NAMES[rank_of(caller)],
        "joined_time": now,
        "updated_time": NOTHING_HEARD,
    }
