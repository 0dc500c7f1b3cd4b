"""Rows of `word_filters`."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import word_filters

FILTERS_MAX = 1000
"""Filters there may be (contract)."""


class WordFilterRow(NamedTuple):
    """One filter; the attributes are the columns."""

    id: int
    phrase: str
    action: str
    created_time: datetime


_COLUMNS = tuple(word_filters.c[name] for name in WordFilterRow._fields)


class WordFilterRepository:
    """All SQL about word filters."""

    async def list_phrases(self, connection: AsyncConnection) -> list[tuple[str, str]]:
        """Return the normalised phrase and the action of every filter."""
        statement = select(word_filters.c.phrase_key, word_filters.c.action).limit(FILTERS_MAX)
        return [(key.decode(), action) for key, action in await connection.execute(statement)]

    async def list_all(self, connection: AsyncConnection) -> list[WordFilterRow]:
        """Return every filter, by id."""
        rows = await connection.execute(select(*_COLUMNS).order_by(word_filters.c.id).limit(FILTERS_MAX))
        return [WordFilterRow(*row) for row in rows]

    async def lock_all(self, connection: AsyncConnection) -> int:
        """Lock the rows of all filters, so that they are not added to at the same time; return how many there are."""
        rows = await connection.execute(select(word_filters.c.id).with_for_update())
        return len(rows.all())

    async def insert(self, connection: AsyncConnection, row: WordFilterRow, *, phrase_key: bytes) -> int:
        """Add a filter, whatever `row.id` says, and return its id, or 0 if there is one for its phrase."""
        values = {**row._asdict(), "phrase_key": phrase_key}
        del values["id"]
        try:
            result = await connection.execute(insert(word_filters).values(values))
        except IntegrityError:
            return 0
        return int(result.lastrowid)

    async def find(self, connection: AsyncConnection, filter_id: int) -> WordFilterRow | None:
        """Return one filter."""
        row = (await connection.execute(select(*_COLUMNS).where(word_filters.c.id == filter_id))).first()
        return None if row is None else WordFilterRow(*row)

    async def delete(self, connection: AsyncConnection, filter_id: int) -> bool:
        """Drop a filter; return whether there was one."""
        result = await connection.execute(delete(word_filters).where(word_filters.c.id == filter_id))
        return result.rowcount == 1
