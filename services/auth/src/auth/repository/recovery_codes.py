"""Rows of `recovery_codes`."""

from collections.abc import Iterable

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import recovery_codes


class RecoveryCodeRepository:
    """All SQL about recovery codes."""

    async def replace(self, connection: AsyncConnection, user_id: int, code_hashes: Iterable[bytes]) -> None:
        """Drop the codes of a user and store these instead."""
        await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
        rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
        if rows:
            await connection.execute(insert(recovery_codes), rows)

    async def has(self, connection: AsyncConnection, user_id: int, code_hash: bytes) -> bool:
        """Tell whether the user holds this code."""
        statement = select(recovery_codes.c.user_id).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash
        )
        return (await connection.execute(statement)).first() is not None

    async def spend(self, connection: AsyncConnection, user_id: int, code_hash: bytes) -> bool:
        """Use a code up; return False if it is not there (any more)."""
        statement = delete(recovery_codes).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash
        )
        return (await connection.execute(statement)).rowcount == 1

    async def count(self, connection: AsyncConnection, user_id: int) -> int:
        """Return how many codes are left."""
        statement = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user_id)
        return int((await connection.execute(statement)).scalar_one())
