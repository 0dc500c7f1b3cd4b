"""Rows of `reports`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import reports, users
from forum.repository.users import AUTHOR_COLUMNS

LISTED_MAX = 100
"""Reports that are shown of a case (contract)."""


class ReportRow(NamedTuple):
    """One report."""

    reason: str
    note: str
    created_time: datetime
    reporter: tuple[Any, ...]
    """The AUTHOR_COLUMNS."""


class ReportRepository:
    """All SQL about reports."""

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
        """Add a report; return False if its reporter has one in the case."""
        try:
            await connection.execute(insert(reports).values(dict(values)))
        except IntegrityError:
            return False
        return True

    async def list_of_case(self, connection: AsyncConnection, case_id: int) -> list[ReportRow]:
        """Return the reports of a case, oldest first, at most 100."""
        statement = (
            select(reports.c.reason, reports.c.note, reports.c.created_time, *AUTHOR_COLUMNS)
            .join(users, users.c.id == reports.c.reporter_id)
            .where(reports.c.case_id == case_id)
            .order_by(reports.c.id)
            .limit(LISTED_MAX)
        )
        return [ReportRow(*row[:3], reporter=tuple(row[3:])) for row in await connection.execute(statement)]
