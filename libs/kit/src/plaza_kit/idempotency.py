"""A write that a client may repeat: same key, same caller, same body, same answer.

The key's row and the effect are one transaction, so a crash leaves neither. A second request with the key waits for
the first at the unique key and then answers what the first answered. Only successes are kept, sealed, for 72 hours;
an error has no effect and may be tried again.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.message import Message
from sqlalchemy import Column, MetaData, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.caller import current_caller
from plaza_kit.db import Database, UtcDateTime, key_bytes, medium_bytes
from plaza_kit.errors import Aborted, InvalidArgument
from plaza_kit.sealing import Sealer

ResponseT = TypeVar("ResponseT", bound=Message)

LIFETIME = timedelta(hours=72)


class IdempotencyKeyReused(InvalidArgument):
    """The key was used for another request."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class RequestInProgress(Aborted):
    """The first request with this key has not ended."""

    reason = "REQUEST_IN_PROGRESS"


class _KeyTaken(Exception):
    """There is a row for the key."""


def idempotency_table(metadata: MetaData) -> Table:
    """Add the table to a service's metadata."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("key_hash", key_bytes(32), primary_key=True, comment="of caller, method and key"),
        Column("fingerprint", key_bytes(32), nullable=False, comment="of the request"),
        Column("response", medium_bytes(), nullable=True, comment="sealed; null until the first one ends"),
        Column("created_time", UtcDateTime, nullable=False, index=True),
        mysql_charset="utf8mb4",
    )


class Idempotency:
    """Runs writes at most once per key."""

    def __init__(self, database: Database, table: Table, sealer: Sealer) -> None:
        self._database = database
        self._table = table
        self._sealer = sealer

    async def run(
        self,
        method: str,
        request: Message,
        response_type: type[ResponseT],
        work: Callable[[AsyncConnection], Awaitable[ResponseT]],
    ) -> ResponseT:
        """Run `work` in one transaction, or answer what it answered before.

        Args:
            method: Name of the RPC.
            request: The whole request; its content is what "same body" means.
            response_type: For reading a kept answer.
            work: See `Database.write`.

        Raises:
            IdempotencyKeyReused: The key belongs to another request.
            RequestInProgress: The first request with the key has not ended within the lock's time.
        """
        caller = current_caller()
        if not caller.idempotency_key:
            return await self._database.write(work)
        key_hash = self._sealer.fingerprint(
            str(caller.user_id).encode(), method.encode(), caller.idempotency_key.encode()
        )
        fingerprint = self._sealer.fingerprint(request.SerializeToString(deterministic=True))

        async def once(connection: AsyncConnection) -> ResponseT:
            row = {"key_hash": key_hash, "fingerprint": fingerprint, "created_time": datetime.now(UTC)}
            try:
                await connection.execute(insert(self._table).values(row))
            except IntegrityError:
                raise _KeyTaken from None
            response = await work(connection)
            sealed = self._sealer.seal(response.SerializeToString(), key_hash.hex())
            await connection.execute(
                update(self._table).where(self._table.c.key_hash == key_hash).values(response=sealed)
            )
            return response

        try:
            return await self._database.write(once)
        except _KeyTaken:
            return await self._kept(key_hash, fingerprint, response_type)

    async def purge(self, connection: AsyncConnection, *, limit: int = 1000) -> int:
        """Delete up to `limit` keys that are older than 72 hours; returns how many."""
        old = (
            select(self._table.c.key_hash)
            .where(self._table.c.created_time < datetime.now(UTC) - LIFETIME)
            .order_by(self._table.c.created_time)
            .limit(limit)
        )
        keys = (await connection.execute(old)).scalars().all()
        await connection.execute(delete(self._table).where(self._table.c.key_hash.in_(keys)))
        return len(keys)

    async def _kept(self, key_hash: bytes, fingerprint: bytes, response_type: type[ResponseT]) -> ResponseT:
        columns = select(self._table.c.fingerprint, self._table.c.response).where(self._table.c.key_hash == key_hash)
        async with self._database.read() as connection:
            row = (await connection.execute(columns)).first()
        if row is None or row.response is None:
            raise RequestInProgress(retry_after=1.0)
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused
        return response_type.FromString(self._sealer.open(row.response, key_hash.hex()))
