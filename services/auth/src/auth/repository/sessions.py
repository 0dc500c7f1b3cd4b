"""Rows of `sessions` and `refresh_tokens`. Outside this module a session's id is the text of its UUID."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import refresh_tokens, sessions

SURPLUS_MAX = 1000
"""Sessions that give way at one sign-in; more than one only after the limit was lowered."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in; the attributes are the columns."""

    session_id: str
    user_id: int
    device: str
    address: str
    created_time: datetime
    last_seen_time: datetime
    expire_time: datetime
    revoked_time: datetime | None
    current_hash: bytes = field(repr=False)
    predecessor_hash: bytes | None = field(repr=False)
    sealed_pair: bytes | None = field(repr=False)
    grace_until_time: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session can still be used at `now`."""
        return self.revoked_time is None and now < self.expire_time


@dataclass(frozen=True, slots=True)
class Rotation:
    """What changes when a refresh token is spent."""

    session_id: str
    spent_hash: bytes = field(repr=False)
    next_hash: bytes = field(repr=False)
    sealed_pair: bytes = field(repr=False)
    grace_until_time: datetime
    now: datetime
    address: str


_COLUMNS = (
    sessions.c.session_id,
    sessions.c.user_id,
    sessions.c.device,
    sessions.c.address,
    sessions.c.created_time,
    sessions.c.last_seen_time,
    sessions.c.expire_time,
    sessions.c.revoked_time,
    sessions.c.current_hash,
    sessions.c.predecessor_hash,
    sessions.c.sealed_pair,
    sessions.c.grace_until_time,
)


class SessionRepository:
    """All SQL about sessions."""

    def __init__(self) -> None:
        self._by_token = select(refresh_tokens.c.session_id).where(
            refresh_tokens.c.token_hash == bindparam("token_hash")
        )
        self._locked = select(*_COLUMNS).where(sessions.c.session_id == bindparam("session_key")).with_for_update()
        self._live = select(*_COLUMNS).where(
            sessions.c.user_id == bindparam("user_id"),
            sessions.c.revoked_time.is_(None),
            sessions.c.expire_time > bindparam("now"),
        )

        self._surplus = (
            self._live.with_only_columns(sessions.c.session_id)
            .order_by(sessions.c.created_time.desc(), sessions.c.session_id)
            .limit(SURPLUS_MAX)
            .offset(bindparam("most"))
        )

    async def insert(self, connection: AsyncConnection, session: Session) -> None:
        """Add a session and its first refresh token."""
        key = _key(session.session_id)
        values = {column.name: getattr(session, column.name) for column in _COLUMNS} | {"session_id": key}
        await connection.execute(insert(sessions).values(values))
        await connection.execute(insert(refresh_tokens).values(token_hash=session.current_hash, session_id=key))

    async def lock_by_token(self, connection: AsyncConnection, token_hash: bytes) -> Session | None:
        """Return the session that a token, spent or not, belongs to, and keep its row locked."""
        key = (await connection.execute(self._by_token, {"token_hash": token_hash})).scalar_one_or_none()
        if key is None:
            return None
        return _session((await connection.execute(self._locked, {"session_key": key})).first())

    async def lock(self, connection: AsyncConnection, session_id: str) -> Session | None:
        """Return a session and keep its row locked; an id that is no UUID belongs to none."""
        try:
            key = _key(session_id)
        except ValueError:
            return None
        return _session((await connection.execute(self._locked, {"session_key": key})).first())

    async def rotate(self, connection: AsyncConnection, rotation: Rotation) -> None:
        """Replace the current refresh token; the row must be locked."""
        key = _key(rotation.session_id)
        await connection.execute(insert(refresh_tokens).values(token_hash=rotation.next_hash, session_id=key))
        await connection.execute(
            update(sessions)
            .where(sessions.c.session_id == key)
            .values(
                current_hash=rotation.next_hash,
                predecessor_hash=rotation.spent_hash,
                sealed_pair=rotation.sealed_pair,
                grace_until_time=rotation.grace_until_time,
                last_seen_time=rotation.now,
                address=rotation.address,
            )
        )

    async def list_live(
        self, connection: AsyncConnection, user_id: int, now: datetime, *, for_update: bool = False
    ) -> list[Session]:
        """Return the live sessions of a user, last used first; `for_update` keeps their rows locked.

        Locks are taken in the order of the primary key, as everywhere, so that two revocations cannot deadlock.
        """
        statement = self._live.order_by(sessions.c.session_id)
        if for_update:
            statement = statement.with_for_update()
        rows = await connection.execute(statement, {"user_id": user_id, "now": now})
        found = [_row(row) for row in rows]
        return sorted(found, key=lambda session: (session.last_seen_time, session.session_id), reverse=True)

    async def list_surplus(self, connection: AsyncConnection, user_id: int, now: datetime, *, most: int) -> list[str]:
        """Return the ids of the live sessions older than the newest `most`; usually none, and no row is read."""
        rows = await connection.execute(self._surplus, {"user_id": user_id, "now": now, "most": most})
        return [str(UUID(bytes=key)) for key in rows.scalars()]

    async def revoke(self, connection: AsyncConnection, session_ids: Sequence[str], now: datetime) -> None:
        """End sessions; what a spent token would still yield goes with them."""
        if not session_ids:
            return
        await connection.execute(
            update(sessions)
            .where(sessions.c.session_id.in_([_key(session_id) for session_id in session_ids]))
            .values(revoked_time=now, sealed_pair=None, grace_until_time=None)
        )

    async def erase_personal(self, connection: AsyncConnection, user_id: int) -> None:
        """Blank device and address in all sessions of a user."""
        await connection.execute(update(sessions).where(sessions.c.user_id == user_id).values(device="", address=""))

    async def clear_grace(self, connection: AsyncConnection, now: datetime, limit: int) -> int:
        """Drop sealed pairs whose grace is over; return how many."""
        keys = list(
            (
                await connection.execute(
                    select(sessions.c.session_id).where(sessions.c.grace_until_time < now).limit(limit)
                )
            ).scalars()
        )
        if keys:
            await connection.execute(
                update(sessions)
                .where(sessions.c.session_id.in_(keys), sessions.c.grace_until_time < now)
                .values(sealed_pair=None, grace_until_time=None)
            )
        return len(keys)

    async def purge_ended(self, connection: AsyncConnection, ended_before: datetime, limit: int) -> int:
        """Delete sessions that ended before a moment, their refresh tokens first; return how many rows went.

        At most `limit` rows of each table go, so that no transaction grows with the age of a session.
        """
        revoked = select(sessions.c.session_id).where(sessions.c.revoked_time < ended_before).limit(limit)
        expired = select(sessions.c.session_id).where(sessions.c.expire_time < ended_before).limit(limit)
        keys = list((await connection.execute(revoked)).scalars()) or list(
            (await connection.execute(expired)).scalars()
        )
        if not keys:
            return 0
        tokens = select(refresh_tokens.c.token_hash).where(refresh_tokens.c.session_id.in_(keys)).limit(limit)
        hashes = list((await connection.execute(tokens)).scalars())
        if hashes:
            await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.token_hash.in_(hashes)))
        if len(hashes) < limit:
            await connection.execute(delete(sessions).where(sessions.c.session_id.in_(keys)))
            return len(hashes) + len(keys)
        return len(hashes)


def _key(session_id: str) -> bytes:
    return UUID(session_id).bytes


def _session(row: Iterable[Any] | None) -> Session | None:
    return None if row is None else _row(row)


def _row(row: Iterable[Any]) -> Session:
    key, *rest = row
    return Session(str(UUID(bytes=key)), *rest)
