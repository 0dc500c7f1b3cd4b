"""Refusing access tokens before they expire, and ending the sessions that would yield new ones.

SQL is the record: an entry stands as long as a token could live, and every entry goes out as an event of the same
transaction. An entry names one session, or all tokens of a user below a version.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.foundation import Foundation
from auth.repository.revocations import Revocation
from auth.repository.users import User
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.page_token import PageTokenInvalid

LEEWAY = timedelta(seconds=60)
"""By how much a verifier's clock may lag: an entry stands for so much longer than a token lives."""

PAGE_SIZE = 1000
_LIST = "revocations"


class Revocations:
    """Writes and lists the deny-list."""

    def __init__(self, foundation: Foundation, access_ttl: timedelta) -> None:
        self._users = foundation.repositories.users
        self._sessions = foundation.repositories.sessions
        self._revocations = foundation.repositories.revocations
        self._events = foundation.events
        self._page_tokens = foundation.page_tokens
        self._clock = foundation.clock
        self._lifetime = access_ttl + LEEWAY

    async def end_sessions(self, connection: AsyncConnection, user_id: int, session_ids: Sequence[str]) -> None:
        """End sessions of one user and refuse their access tokens."""
        now = self._clock()
        await self._sessions.revoke(connection, session_ids, now)
        until = now + self._lifetime
        await self._add(connection, user_id, [Revocation(each, user_id, 0, until) for each in session_ids])

    async def end_others(self, connection: AsyncConnection, user_id: int, keep_session_id: str) -> int:
        """End all sessions of a user but one; return how many. The user's row must be locked."""
        live = await self._sessions.list_live(connection, user_id, self._clock(), for_update=True)
        others = [session.session_id for session in live if session.session_id != keep_session_id]
        await self.end_sessions(connection, user_id, others)
        return len(others)

    async def end_all(self, connection: AsyncConnection, user: User) -> int:
        """End all sessions of a user and refuse every token there is; return how many. The row must be locked."""
        now = self._clock()
        live = await self._sessions.list_live(connection, user.id, now, for_update=True)
        await self._sessions.revoke(connection, [session.session_id for session in live], now)
        await self.refuse_tokens(connection, user)
        return len(live)

    async def refuse_tokens(self, connection: AsyncConnection, user: User) -> User:
        """Refuse every access token there is; sessions stay and yield new ones. The row must be locked.

        Returns:
            The user with the next token version.
        """
        version = user.token_version + 1
        await self._users.update(connection, user.id, {"token_version": version})
        await self._add(connection, user.id, [Revocation("", user.id, version, self._clock() + self._lifetime)])
        return replace(user, token_version=version)

    async def list_page(
        self, connection: AsyncConnection, request: pb.ListRevocationsRequest
    ) -> pb.ListRevocationsResponse:
        """Return what is refused now, oldest first.

        Raises:
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        limit = min(request.page_size, PAGE_SIZE) if request.page_size > 0 else PAGE_SIZE
        after_id = 0
        if request.page_token:
            position = self._page_tokens.decode(_LIST, request.page_token)
            if len(position) != 1 or not isinstance(position[0], int):
                raise PageTokenInvalid
            after_id = position[0]
        rows = await self._revocations.list_after(connection, after_id=after_id, now=self._clock(), limit=limit + 1)
        response = pb.ListRevocationsResponse(revocations=[convert.revocation(entry) for _, entry in rows[:limit]])
        if len(rows) > limit:
            response.next_page_token = self._page_tokens.encode(_LIST, rows[limit - 1][0])
        return response

    async def _add(self, connection: AsyncConnection, user_id: int, entries: Sequence[Revocation]) -> None:
        await self._revocations.insert(connection, entries)
        await self._events.tokens_revoked(connection, user_id, entries)
