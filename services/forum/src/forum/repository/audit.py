"""Rows of `audit_entries`."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import audit_entries, users
from forum.repository.users import AUTHOR_COLUMNS


class AuditRow(NamedTuple):
    """One entry."""

    id: int
    action: str
    target_kind: int
    target_id: int
    detail: str
    created_time: datetime
    actor: tuple[Any, ...]
    """The AUTHOR_COLUMNS."""


class AuditFilter(NamedTuple):
    """Which entries; 0 is all."""

    actor_id: int = 0
    target_kind: int = 0
    target_id: int = 0


class AuditRepository:
    """All SQL about the audit log."""

    async def insert(self, connection: AsyncConnection, values: dict[str, Any], now: datetime) -> None:
        """Add an entry."""
        await connection.execute(insert(audit_entries).values(values | {"created_time": now}))

    async def list_before(
        self, connection: AsyncConnection, wanted: AuditFilter, *, before_id: int, limit: int
    ) -> list[AuditRow]:
        """Return up to `limit` entries, newest first, from `before_id` (exclusive) on."""
        columns = [audit_entries.c[name] for name in AuditRow._fields[:-1]]
        statement = (
            select(*columns, *AUTHOR_COLUMNS)
            .join(users, users.c.id == audit_entries.c.actor_id)
            .where(audit_entries.c.id < before_id)
            .order_by(audit_entries.c.id.desc())
            .limit(limit)
        )
        if wanted.actor_id:
            statement = statement.where(audit_entries.c.actor_id == wanted.actor_id)
        if wanted.target_kind:
            statement = statement.where(
                audit_entries.c.target_kind == wanted.target_kind, audit_entries.c.target_id == wanted.target_id
            )
        rows = await connection.execute(statement)
        return [AuditRow(*(*row[: len(columns)], tuple(row[len(columns) :]))) for row in rows]
