"""Rows of `attempts`: what the throttles count."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import attempts


class AttemptRepository:
    """All SQL about attempts."""

    def __init__(self) -> None:
        self._count = (
            select(attempts.c.bucket, func.count(), func.min(attempts.c.attempt_time))
            .where(
                attempts.c.bucket.in_(bindparam("buckets", expanding=True)),
                attempts.c.attempt_time > bindparam("since"),
            )
            .group_by(attempts.c.bucket)
        )

    async def insert(self, connection: AsyncConnection, buckets: Sequence[bytes], now: datetime) -> None:
        """Record one attempt in each bucket."""
        await connection.execute(insert(attempts), [{"bucket": bucket, "attempt_time": now} for bucket in buckets])

    async def count(
        self, connection: AsyncConnection, buckets: Sequence[bytes], since: datetime
    ) -> dict[bytes, tuple[int, datetime]]:
        """Return for each bucket that has any: the number of attempts after `since`, and the time of the first."""
        rows = await connection.execute(self._count, {"buckets": list(buckets), "since": since})
        return {bucket: (count, first) for bucket, count, first in rows}

    async def purge(self, connection: AsyncConnection, before: datetime, limit: int) -> int:
        """Delete attempts older than a moment; return how many."""
        statement = select(attempts.c.id).where(attempts.c.attempt_time < before).limit(limit)
        ids = list((await connection.execute(statement)).scalars())
        if ids:
            await connection.execute(delete(attempts).where(attempts.c.id.in_(ids)))
        return len(ids)
