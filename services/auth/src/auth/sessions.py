"""Sessions: one per sign-in, carried on by refresh tokens that are good for one use.

Of each session one refresh token is current. Spending it makes the next one current and leaves the spent one as the
predecessor. A client that lost the answer may spend the predecessor again for some seconds and gets the same pair,
never another one; the pair is kept sealed for that time only. Any other spent token was copied: the session ends, for
nobody can tell the thief from the owner.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.errors import RefreshTokenInvalid, SessionNotFound
from auth.foundation import Foundation
from auth.metrics import REFRESH_REUSE
from auth.repository.sessions import Rotation, Session
from auth.repository.users import User
from auth.revocations import Revocations
from auth.signed_in import lock_user
from auth.tokens import REFRESH_PREFIX, AccessTokens, Subject, hash_token, new_opaque_token
from plaza.auth.v1 import auth_service_pb2, session_service_pb2, token_pb2
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken

DEVICE_LENGTH = 200
ADDRESS_LENGTH = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last, and how many a user may have."""

    ttl: timedelta
    grace: timedelta
    most: int


@dataclass(frozen=True, slots=True)
class _Refreshed:
    """What came of a refresh: a pair, nothing, or the end of a session whose spent token came again."""

    pair: token_pb2.TokenPair | None = None
    reused_session: Session | None = None


class Sessions:
    """Opens, carries on and ends sessions."""

    def __init__(
        self, foundation: Foundation, *, revocations: Revocations, access_tokens: AccessTokens, rules: SessionRules
    ) -> None:
        self._database = foundation.database
        self._users = foundation.repositories.users
        self._sessions = foundation.repositories.sessions
        self._sealer = foundation.sealer
        self._clock = foundation.clock
        self._revocations = revocations
        self._access_tokens = access_tokens
        self._rules = rules

    async def open(self, connection: AsyncConnection, user: User, caller: Caller) -> token_pb2.TokenPair:
        """Start a session for a user whose row is locked; beyond the limit the oldest session ends."""
        now = self._clock()
        surplus = await self._sessions.list_surplus(connection, user.id, now, most=self._rules.most - 1)
        if surplus:
            await self._revocations.end_sessions(connection, user.id, surplus)
        session_id = str(uuid.uuid4())
        pair = self._pair(user, session_id, now)
        await self._sessions.insert(
            connection,
            Session(
                session_id=session_id,
                user_id=user.id,
                device=caller.user_agent[:DEVICE_LENGTH],
                address=caller.address[:ADDRESS_LENGTH],
                created_time=now,
                last_seen_time=now,
                expire_time=now + self._rules.ttl,
                revoked_time=None,
                current_hash=hash_token(pair.refresh_token),
                predecessor_hash=None,
                sealed_pair=None,
                grace_until_time=None,
            ),
        )
        return pair

    async def refresh(self, request: auth_service_pb2.RefreshTokenRequest, caller: Caller) -> token_pb2.TokenPair:
        """Exchange a refresh token for the next pair.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            RefreshTokenInvalid: See the error. If the token was spent before, its session has ended by then.
        """
        refuse_broken(request)
        token_hash = hash_token(request.refresh_token)

        async def work(connection: AsyncConnection) -> _Refreshed:
            return await self._refresh(connection, token_hash, caller)

        # The transaction commits before the error: a revocation that is rolled back would be none.
        outcome = await self._database.write(work)
        if outcome.reused_session is not None:
            REFRESH_REUSE.inc()
            session = outcome.reused_session
            log.warning("refresh_token.reused", user_id=session.user_id, session_id=session.session_id)
        if outcome.pair is None:
            raise RefreshTokenInvalid
        return outcome.pair

    async def list_live(self, connection: AsyncConnection, caller: Caller) -> session_service_pb2.ListSessionsResponse:
        """Return the caller's live sessions, last used first."""
        live = await self._sessions.list_live(connection, caller.user_id, self._clock())
        return session_service_pb2.ListSessionsResponse(
            sessions=[convert.session(session, caller.session_id) for session in live]
        )

    async def revoke(self, connection: AsyncConnection, caller: Caller, session_id: str) -> None:
        """End one session of the caller; an empty id is the calling one.

        Raises:
            SessionNotFound: The caller has no such live session (SESSION_NOT_FOUND).
        """
        session = await self._sessions.lock(connection, session_id or caller.session_id)
        if session is None or session.user_id != caller.user_id or not session.is_live(self._clock()):
            raise SessionNotFound
        await self._revocations.end_sessions(connection, caller.user_id, [session.session_id])

    async def revoke_all(self, connection: AsyncConnection, caller: Caller, *, keep_current: bool) -> int:
        """End the caller's sessions, all or all others; return how many.

        Raises:
            Unauthenticated: The account is gone (TOKEN_INVALID).
        """
        user = await lock_user(self._users, connection, caller.user_id, self._clock())
        if keep_current:
            return await self._revocations.end_others(connection, user.id, caller.session_id)
        return await self._revocations.end_all(connection, user)

    async def _refresh(self, connection: AsyncConnection, token_hash: bytes, caller: Caller) -> "_Refreshed":
        now = self._clock()
        session = await self._sessions.lock_by_token(connection, token_hash)
        if session is None or not session.is_live(now):
            return _Refreshed()
        if token_hash == session.current_hash:
            return _Refreshed(await self._rotate(connection, session, caller, now))
        if token_hash == session.predecessor_hash:
            pair = self._kept_pair(session, now)
            if pair is not None:
                return _Refreshed(pair)
        await self._revocations.end_sessions(connection, session.user_id, [session.session_id])
        return _Refreshed(reused_session=session)

    async def _rotate(
        self, connection: AsyncConnection, session: Session, caller: Caller, now: datetime
    ) -> token_pb2.TokenPair | None:
        user = await self._users.find(connection, session.user_id)
        if user is None or not user.may_sign_in(now):
            return None
        pair = self._pair(user, session.session_id, now)
        rotation = Rotation(
            session_id=session.session_id,
            spent_hash=session.current_hash,
            next_hash=hash_token(pair.refresh_token),
            sealed_pair=self._sealer.seal(pair.SerializeToString(), _context(session.session_id)),
            grace_until_time=now + self._rules.grace,
            now=now,
            address=caller.address[:ADDRESS_LENGTH],
        )
        await self._sessions.rotate(connection, rotation)
        return pair

    def _kept_pair(self, session: Session, now: datetime) -> token_pb2.TokenPair | None:
        """Return the pair that the predecessor was exchanged for, while its grace lasts."""
        if session.sealed_pair is None or session.grace_until_time is None or now > session.grace_until_time:
            return None
        pair = token_pb2.TokenPair.FromString(self._sealer.open(session.sealed_pair, _context(session.session_id)))
        age = now - (session.grace_until_time - self._rules.grace)
        pair.expires_in_seconds = max(0, pair.expires_in_seconds - int(age.total_seconds()))
        return pair

    def _pair(self, user: User, session_id: str, now: datetime) -> token_pb2.TokenPair:
        subject = Subject(user.id, user.username, user.role, user.token_version, session_id)
        return token_pb2.TokenPair(
            access_token=self._access_tokens.issue(subject, now),
            refresh_token=new_opaque_token(REFRESH_PREFIX),
            expires_in_seconds=self._access_tokens.ttl_seconds,
        )


def _context(session_id: str) -> str:
    return f"pair:{session_id}"
