"""Rows of `reactions`."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import reactions


class ReactionRepository:
    """All SQL about single reactions. A key is the kind and the id of a target, whose post's row is locked."""

    async def list_of_user(self, connection: AsyncConnection, user_id: int, key: tuple[int, int]) -> set[str]:
        """Return the emoji that a user gave to a target."""
        statement = select(reactions.c.emoji).where(
            reactions.c.target_kind == key[0], reactions.c.target_id == key[1], reactions.c.user_id == user_id
        )
        return {bytes(emoji).decode() for emoji in (await connection.execute(statement)).scalars()}

    async def list_of_target(self, connection: AsyncConnection, key: tuple[int, int]) -> dict[str, int]:
        """Return how many users gave each emoji to a target."""
        statement = (
            select(reactions.c.emoji, func.count())
            .where(reactions.c.target_kind == key[0], reactions.c.target_id == key[1])
            .group_by(reactions.c.emoji)
        )
        return {bytes(emoji).decode(): count for emoji, count in await connection.execute(statement)}

    async def insert(
        self, connection: AsyncConnection, user_id: int, key: tuple[int, int], *, emoji: str, now: datetime
    ) -> None:
        """Add a reaction that there is not."""
        row = {"target_kind": key[0], "target_id": key[1], "user_id": user_id, "created_time": now}
        await connection.execute(insert(reactions).values(row | {"emoji": emoji.encode()}))

    async def delete(self, connection: AsyncConnection, user_id: int, key: tuple[int, int], *, emoji: str) -> bool:
        """Remove a reaction; return whether there was one."""
        statement = delete(reactions).where(
            reactions.c.target_kind == key[0],
            reactions.c.target_id == key[1],
            reactions.c.emoji == emoji.encode(),
            reactions.c.user_id == user_id,
        )
        return (await connection.execute(statement)).rowcount == 1
