"""Rows of `votes`, and the counters of posts and replies that follow them."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import posts, replies, votes
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY

_COUNTED = {int(TARGET_KIND_POST): posts, int(TARGET_KIND_REPLY): replies}


class VoteRepository:
    """All SQL about votes. A key is the kind and the id of a target, whose row, or its post's, is locked."""

    def __init__(self) -> None:
        self._is_it = (
            (votes.c.user_id == bindparam("voter_id"))
            & (votes.c.target_kind == bindparam("kind"))
            & (votes.c.target_id == bindparam("id"))
        )
        self._value = select(votes.c.value).where(self._is_it)
        self._counts = {
            kind: update(table)
            .where(table.c.id == bindparam("counted_id"))
            .values(
                up_count=table.c.up_count + bindparam("up"),
                down_count=table.c.down_count + bindparam("down"),
                score=table.c.score + bindparam("up") - bindparam("down"),
            )
            for kind, table in _COUNTED.items()
        }

    async def find_value(self, connection: AsyncConnection, user_id: int, key: tuple[int, int]) -> int:
        """Return a user's vote: 1, -1, or 0 for none."""
        return (await connection.execute(self._value, _names(user_id, key))).scalar() or 0

    async def insert(
        self, connection: AsyncConnection, user_id: int, key: tuple[int, int], *, value: int, now: datetime
    ) -> None:
        """Add a vote where there is none."""
        row = {"user_id": user_id, "target_kind": key[0], "target_id": key[1], "value": value, "updated_time": now}
        await connection.execute(insert(votes).values(row))

    async def update(
        self, connection: AsyncConnection, user_id: int, key: tuple[int, int], *, value: int, now: datetime
    ) -> None:
        """Change a vote."""
        statement = update(votes).where(self._is_it).values(value=value, updated_time=now)
        await connection.execute(statement, _names(user_id, key))

    async def delete(self, connection: AsyncConnection, user_id: int, key: tuple[int, int]) -> None:
        """Remove a vote."""
        await connection.execute(delete(votes).where(self._is_it), _names(user_id, key))

    async def count(self, connection: AsyncConnection, key: tuple[int, int], *, up: int, down: int) -> None:
        """Add to the counters of the target."""
        kind, target_id = key
        await connection.execute(self._counts[kind], {"counted_id": target_id, "up": up, "down": down})


def _names(user_id: int, key: tuple[int, int]) -> dict[str, int]:
    return {"voter_id": user_id, "kind": key[0], "id": key[1]}
