"""Rows of `post_reads` and `read_horizons`: how far users have read."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import post_reads, read_horizons


class ReadingRepository:
    """All SQL that records reading; what lists show of it is in `viewers`."""

    async def find(self, connection: AsyncConnection, user_id: int, post_id: int) -> int | None:
        """Return the number of the last reply of a post that a user has read; None if they have not opened it."""
        statement = select(post_reads.c.last_read_number).where(
            post_reads.c.user_id == user_id, post_reads.c.post_id == post_id
        )
        number: int | None = (await connection.execute(statement)).scalar()
        return number

    async def advance(
        self, connection: AsyncConnection, user_id: int, post_id: int, *, number: int, now: datetime
    ) -> bool:
        """Record how far a user has read a post; return False if they have read as far before."""
        # Most posts that are read further were opened before.
        further = update(post_reads).where(
            post_reads.c.user_id == user_id, post_reads.c.post_id == post_id, post_reads.c.last_read_number < number
        )
        values = {"last_read_number": number, "read_time": now}
        if (await connection.execute(further.values(values))).rowcount == 1:
            return True
        try:
            await connection.execute(insert(post_reads).values({"user_id": user_id, "post_id": post_id, **values}))
        except IntegrityError:
            # There is a row; perhaps another device of the user has just made it, with a smaller number.
            return (await connection.execute(further.values(values))).rowcount == 1
        return True

    async def advance_all(self, connection: AsyncConnection, user_id: int, now: datetime) -> None:
        """Record that a user has read all that is there now."""
        try:
            await connection.execute(insert(read_horizons).values(user_id=user_id, read_time=now))
        except IntegrityError:
            earlier = (read_horizons.c.user_id == user_id) & (read_horizons.c.read_time < now)
            await connection.execute(update(read_horizons).where(earlier).values(read_time=now))
