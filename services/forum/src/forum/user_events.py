"""What the auth service tells of users, applied to the forum's own copy of them.

Names and pictures go by the time of the event, so that an old one changes nothing. Bans and deletions go by the order
of the stream: a clock that is a little behind must not undo them.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.usernames import key_of
from plaza.auth.v1 import auth_events_pb2 as pb
from plaza.auth.v1.user_pb2 import ROLE_ADMIN, ROLE_MODERATOR, UserSummary
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1.forum_events_pb2 import AuthorChanged

SOURCE = "auth"

_ROLES: dict[int, str] = {ROLE_MODERATOR: "moderator", ROLE_ADMIN: "admin"}


class UserEvents:
    """Applies the events of the auth service."""

    def __init__(self, foundation: Foundation) -> None:
        self._users = foundation.repositories.users
        self._events = foundation.events
        self._clock = foundation.clock
        self._handlers: dict[str, Callable[[AsyncConnection, Envelope], Awaitable[None]]] = {
            pb.UserRegistered.DESCRIPTOR.full_name: self._registered,
            pb.UserUpdated.DESCRIPTOR.full_name: self._updated,
            pb.UserDeleted.DESCRIPTOR.full_name: self._deleted,
            pb.UserBanned.DESCRIPTOR.full_name: self._banned,
            pb.UserUnbanned.DESCRIPTOR.full_name: self._unbanned,
        }
        self.types = frozenset(self._handlers)
        """Full names of the payloads that count here."""

    async def apply(self, connection: AsyncConnection, envelope: Envelope) -> None:
        """Apply one event of the known types in the given transaction."""
        await self._handlers[envelope.type](connection, envelope)

    async def _registered(self, connection: AsyncConnection, envelope: Envelope) -> None:
        await self._learn(connection, pb.UserRegistered.FromString(envelope.payload).user, envelope)

    async def _updated(self, connection: AsyncConnection, envelope: Envelope) -> None:
        await self._learn(connection, pb.UserUpdated.FromString(envelope.payload).user, envelope)

    async def _learn(self, connection: AsyncConnection, heard: UserSummary, envelope: Envelope) -> None:
        values = _values_of(heard, _time_of(envelope))
        if await self._users.lock(connection, heard.id) is None and await self._users.insert(connection, values):
            return
        known = await self._users.lock(connection, heard.id)
        if known is None or known.is_deleted or known.updated_time > values["updated_time"]:
            return
        await self._users.update(connection, heard.id, values)
        if (known.username, known.avatar) != (heard.username, heard.avatar):
            await self._events.about_user(connection, heard.id, AuthorChanged(user_id=heard.id))

    async def _deleted(self, connection: AsyncConnection, envelope: Envelope) -> None:
        """What they wrote stays, without a name; what was only theirs is erased soon (`erasure.py`)."""
        user_id = pb.UserDeleted.FromString(envelope.payload).user_id
        erased = _ERASED | {"updated_time": _time_of(envelope), "erasure_due_time": self._clock()}
        known = await self._users.lock(connection, user_id)
        if known is None:
            # Whoever still holds a token of theirs must not bring the name in.
            unknown = {"id": user_id, "joined_time": _time_of(envelope)}
            if await self._users.insert(connection, erased | unknown | {"erasure_due_time": None}):
                return
        elif known.is_deleted:
            return
        await self._users.update(connection, user_id, erased)
        await self._events.about_user(connection, user_id, AuthorChanged(user_id=user_id))

    async def _banned(self, connection: AsyncConnection, envelope: Envelope) -> None:
        """One who never wrote here and of whom nothing was heard has no row: the auth service keeps them out."""
        payload = pb.UserBanned.FromString(envelope.payload)
        until = payload.until_time.ToDatetime(UTC) if payload.HasField("until_time") else None
        await self._users.update(connection, payload.user_id, {"is_banned": True, "ban_until_time": until})

    async def _unbanned(self, connection: AsyncConnection, envelope: Envelope) -> None:
        user_id = pb.UserUnbanned.FromString(envelope.payload).user_id
        await self._users.update(connection, user_id, {"is_banned": False, "ban_until_time": None})


def _values_of(heard: UserSummary, updated_time: datetime) -> dict[str, Any]:
    return {
        "id": heard.id,
        "username": heard.username,
        "username_key": key_of(heard.username),
        "avatar": heard.avatar,
        "role": _ROLES.get(heard.role, "user"),
        "joined_time": heard.joined_time.ToDatetime(UTC),
        "updated_time": updated_time,
    }


def _time_of(envelope: Envelope) -> datetime:
    return envelope.occurred_time.ToDatetime(UTC)


_ERASED: dict[str, Any] = {
    "username": "",
    "username_key": None,
    "avatar": "",
    "role": "user",
    "is_deleted": True,
    "is_banned": False,
    "ban_until_time": None,
}
