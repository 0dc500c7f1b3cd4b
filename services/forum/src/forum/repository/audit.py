"""Rows of `audit_entries`."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import audit_entries


class AuditRepository:
    """All SQL about the audit log."""

    async def insert(self, connection: AsyncConnection, values: dict[str, Any], now: datetime) -> None:
        """Add an entry."""
        await connection.execute(insert(audit_entries).values(values | {"created_time": now}))
