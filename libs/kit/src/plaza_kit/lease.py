"""A lease row with a fencing token: of several processes, one holds a name.

Times are the database's own clock. A holder stops by its own monotonic clock 3 s before the lease can be taken by
another. A holder that was frozen and wakes late finds its token gone: writes that join on the token change nothing.
"""

import time

from sqlalchemy import BigInteger, Column, MetaData, String, Table, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.db import Database, server_now_ms

TERM_SECONDS = 10.0
_RENEW_AFTER_SECONDS = TERM_SECONDS / 3
_MARGIN_SECONDS = 3.0


def lease_table(metadata: MetaData) -> Table:
    """Add the table to a service's metadata."""
    return Table(
        "leases",
        metadata,
        Column("name", String(100), primary_key=True),
        Column("holder", String(100), nullable=False),
        Column("token", BigInteger, nullable=False),
        Column("until_ms", BigInteger, nullable=False),
        mysql_charset="utf8mb4",
    )


class Lease:
    """One name, as one process sees it.

    Attributes:
        token: The fencing token; grows with every new holder.
    """

    def __init__(self, database: Database, table: Table, *, name: str, holder: str) -> None:
        self._database = database
        self._table = table
        self._name = name
        self._holder = holder
        self._renewed_at = -TERM_SECONDS
        self.token = 0

    async def hold(self) -> bool:
        """Take or renew the lease if due; returns whether it is held."""
        since = time.monotonic() - self._renewed_at
        if self.token and since < _RENEW_AFTER_SECONDS:
            return True
        asked_at = time.monotonic()
        if await self._database.write(self._claim):
            self._renewed_at = asked_at
            return True
        if since > TERM_SECONDS - _MARGIN_SECONDS:
            self.token = 0
        return self.is_held

    @property
    def is_held(self) -> bool:
        """The lease is held for some seconds more, by this process's own clock."""
        return bool(self.token) and time.monotonic() - self._renewed_at < TERM_SECONDS - _MARGIN_SECONDS

    async def release(self) -> None:
        """Give the lease up, so that another need not wait."""
        if not self.token:
            return
        mine = and_(self._table.c.name == self._name, self._table.c.token == self.token)

        async def expire(connection: AsyncConnection) -> None:
            await connection.execute(update(self._table).where(mine).values(until_ms=0))

        await self._database.write(expire)
        self.token = 0

    async def _claim(self, connection: AsyncConnection) -> bool:
        table = self._table
        now = server_now_ms(self._database.dialect)
        until = now + int(TERM_SECONDS * 1000)
        if self.token:
            renewal = update(table).where(table.c.name == self._name, table.c.token == self.token)
            if (await connection.execute(renewal.values(until_ms=until))).rowcount:
                return True
            self.token = 0
        free = or_(table.c.until_ms < now, table.c.holder == self._holder)
        takeover = update(table).where(table.c.name == self._name, free)
        taken = await connection.execute(takeover.values(holder=self._holder, token=table.c.token + 1, until_ms=until))
        if not taken.rowcount:
            try:
                await connection.execute(
                    insert(table).values(name=self._name, holder=self._holder, token=1, until_ms=until)
                )
            except IntegrityError:
                return False  # somebody else holds it
        row = await connection.execute(
            select(table.c.token).where(table.c.name == self._name, table.c.holder == self._holder)
        )
        self.token = int(row.scalar_one())
        return True
