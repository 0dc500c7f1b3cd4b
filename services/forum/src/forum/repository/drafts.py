"""Rows of `drafts`."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import drafts


class DraftRow(NamedTuple):
    """One draft; the attributes are the columns."""

    id: int
    fields: str
    version: int
    created_time: datetime
    updated_time: datetime


class DraftPosition(NamedTuple):
    """Where a draft stands in the list."""

    id: int
    updated_time: datetime
    length: int = 0
    """Letters of its JSON."""


_COLUMNS = tuple(drafts.c[name] for name in DraftRow._fields)
_FIRST = DraftPosition(0, datetime(9999, 1, 1, tzinfo=UTC))


class DraftRepository:
    """All SQL about drafts."""

    async def count(self, connection: AsyncConnection, user_id: int) -> int:
        """Return how many a user has."""
        counted = select(func.count()).select_from(drafts).where(drafts.c.user_id == user_id)
        return int((await connection.execute(counted)).scalar_one())

    async def insert(self, connection: AsyncConnection, user_id: int, fields: str, *, now: datetime) -> int:
        """Add a draft and return its id."""
        row = {"user_id": user_id, "fields": fields, "version": 1, "created_time": now, "updated_time": now}
        return int((await connection.execute(insert(drafts).values(row))).lastrowid)

    async def find(self, connection: AsyncConnection, user_id: int, draft_id: int) -> DraftRow | None:
        """Return a draft of a user."""
        found = select(*_COLUMNS).where(drafts.c.id == draft_id, drafts.c.user_id == user_id)
        row = (await connection.execute(found)).first()
        return None if row is None else DraftRow(*row)

    async def lock(self, connection: AsyncConnection, user_id: int, draft_id: int) -> DraftRow | None:
        """Return a draft of a user and keep its row locked until the transaction ends."""
        found = select(*_COLUMNS).where(drafts.c.id == draft_id, drafts.c.user_id == user_id)
        row = (await connection.execute(found.with_for_update())).first()
        return None if row is None else DraftRow(*row)

    async def update(self, connection: AsyncConnection, row: DraftRow) -> None:
        """Set what a draft holds, its version and when it was changed."""
        values = {"fields": row.fields, "version": row.version, "updated_time": row.updated_time}
        await connection.execute(update(drafts).where(drafts.c.id == row.id).values(values))

    async def delete(self, connection: AsyncConnection, user_id: int, draft_id: int) -> bool:
        """Delete a draft of a user; return whether there was one."""
        gone = delete(drafts).where(drafts.c.id == draft_id, drafts.c.user_id == user_id)
        return (await connection.execute(gone)).rowcount == 1

    async def list_positions(
        self, connection: AsyncConnection, user_id: int, after: DraftPosition | None, *, limit: int
    ) -> list[DraftPosition]:
        """Return up to `limit` drafts of a user behind a position, last changed first; None is the beginning."""
        last = after or _FIRST
        moment = drafts.c.updated_time
        behind = or_(moment < last.updated_time, and_(moment == last.updated_time, drafts.c.id < last.id))
        found = (
            select(drafts.c.id, moment, func.length(drafts.c.fields))
            .where(drafts.c.user_id == user_id, moment <= last.updated_time, behind)
            .order_by(moment.desc(), drafts.c.id.desc())
            .limit(limit)
        )
        return [DraftPosition(*row) for row in await connection.execute(found)]

    async def list_by_ids(self, connection: AsyncConnection, user_id: int, ids: Collection[int]) -> list[DraftRow]:
        """Return those drafts of a user, in no order."""
        found = select(*_COLUMNS).where(drafts.c.id.in_(ids), drafts.c.user_id == user_id)
        return [DraftRow(*row) for row in await connection.execute(found)]
