"""Rows of `revocations`: what is refused although it has not expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import revocations


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry: a session, or with an empty `session_id` all tokens of the user below `minimum_version`."""

    session_id: str
    user_id: int
    minimum_version: int
    until_time: datetime


class RevocationRepository:
    """All SQL about revocations."""

    def __init__(self) -> None:
        self._page = (
            select(
                revocations.c.id,
                revocations.c.session_id,
                revocations.c.user_id,
                revocations.c.minimum_version,
                revocations.c.until_time,
            )
            .where(revocations.c.id > bindparam("after_id"), revocations.c.until_time > bindparam("now"))
            .order_by(revocations.c.id)
            .limit(bindparam("page_size"))
        )

    async def insert(self, connection: AsyncConnection, entries: Sequence[Revocation]) -> None:
        """Add entries."""
        if entries:
            await connection.execute(insert(revocations), [_values(entry) for entry in entries])

    async def list_after(
        self, connection: AsyncConnection, *, after_id: int, now: datetime, limit: int
    ) -> list[tuple[int, Revocation]]:
        """Return up to `limit` entries that still matter, with their ids, from `after_id` (exclusive)."""
        rows = await connection.execute(self._page, {"after_id": after_id, "now": now, "page_size": limit})
        return [
            (entry_id, Revocation(str(UUID(bytes=key)) if key else "", user_id, version, until))
            for entry_id, key, user_id, version, until in rows
        ]

    async def purge(self, connection: AsyncConnection, now: datetime, limit: int) -> int:
        """Delete entries that no longer matter; return how many."""
        statement = select(revocations.c.id).where(revocations.c.until_time <= now).limit(limit)
        ids = list((await connection.execute(statement)).scalars())
        if ids:
            await connection.execute(delete(revocations).where(revocations.c.id.in_(ids)))
        return len(ids)


def _values(entry: Revocation) -> dict[str, object]:
    return {
        "session_id": UUID(entry.session_id).bytes if entry.session_id else None,
        "user_id": entry.user_id,
        "minimum_version": entry.minimum_version,
        "until_time": entry.until_time,
    }
