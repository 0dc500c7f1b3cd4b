"""The events of this service, written into the outbox in the transaction of their cause."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.repository.revocations import Revocation
from auth.repository.users import User
from plaza.auth.v1 import auth_events_pb2 as pb
from plaza_kit.outbox import Outbox


class Events:
    """Adds events; all about one user keep their order."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def user_registered(self, connection: AsyncConnection, user: User, now: datetime) -> None:
        """An account was made."""
        payload = pb.UserRegistered(user=convert.user_summary(user, now))
        await self._outbox.add(connection, payload, subject=_subject(user.id))

    async def user_updated(self, connection: AsyncConnection, user: User, now: datetime) -> None:
        """Picture or role has changed."""
        payload = pb.UserUpdated(user=convert.user_summary(user, now))
        await self._outbox.add(connection, payload, subject=_subject(user.id))

    async def user_deleted(self, connection: AsyncConnection, user_id: int) -> None:
        """An account was ended."""
        await self._outbox.add(connection, pb.UserDeleted(user_id=user_id), subject=_subject(user_id))

    async def user_banned(
        self, connection: AsyncConnection, user_id: int, *, reason: str, until: datetime | None
    ) -> None:
        """A user is kept out."""
        payload = pb.UserBanned(user_id=user_id, reason=reason)
        if until is not None:
            payload.until_time.CopyFrom(convert.timestamp(until))
        await self._outbox.add(connection, payload, subject=_subject(user_id))

    async def user_unbanned(self, connection: AsyncConnection, user_id: int) -> None:
        """A ban was lifted."""
        await self._outbox.add(connection, pb.UserUnbanned(user_id=user_id), subject=_subject(user_id))

    async def tokens_revoked(self, connection: AsyncConnection, user_id: int, entries: Sequence[Revocation]) -> None:
        """Tokens of one user are refused from now on."""
        if entries:
            payload = pb.TokensRevoked(revocations=[convert.revocation(entry) for entry in entries])
            await self._outbox.add(connection, payload, subject=_subject(user_id))


def _subject(user_id: int) -> str:
    return f"user:{user_id}"
