"""Rows of `bookmarks`, `follows` and `blocks`: what a user collects, each target once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Table, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.forum.v1.target_pb2 import TARGET_KIND_USER, TargetKind

Key = tuple["TargetKind.ValueType", int]
"""Kind and id of a target."""


class CollectedRow(NamedTuple):
    """One target of a collection."""

    id: int
    kind: "TargetKind.ValueType"
    target_id: int
    created_time: datetime


class CollectedRepository:
    """All SQL about one of the tables.

    Args:
        table: Has `id`, `user_id`, `created_time`, and either `target_kind` and `target_id` or `blocked_user_id`.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._is_of_users = "blocked_user_id" in table.c
        self._kind: ColumnElement[Any] = literal(int(TARGET_KIND_USER)) if self._is_of_users else table.c["target_kind"]
        self._target = table.c["blocked_user_id" if self._is_of_users else "target_id"]

    async def has(self, connection: AsyncConnection, user_id: int, key: Key) -> bool:
        """Tell whether a target is in a user's collection."""
        return (await connection.execute(select(self._table.c.id).where(self._is_it(user_id, key)))).first() is not None

    async def count(self, connection: AsyncConnection, user_id: int, kinds: Collection[int]) -> int:
        """Return how many targets of these kinds are in a user's collection."""
        counted = select(func.count()).where(self._table.c.user_id == user_id, self._kind.in_(kinds))
        return int((await connection.execute(counted)).scalar_one())

    async def insert(self, connection: AsyncConnection, user_id: int, key: Key, *, now: datetime) -> None:
        """Add a target that is not there."""
        row: dict[str, Any] = {"user_id": user_id, self._target.name: key[1], "created_time": now}
        if not self._is_of_users:
            row["target_kind"] = int(key[0])
        await connection.execute(insert(self._table).values(row))

    async def delete(self, connection: AsyncConnection, user_id: int, key: Key) -> bool:
        """Remove a target; return whether it was there."""
        return (await connection.execute(delete(self._table).where(self._is_it(user_id, key)))).rowcount == 1

    async def delete_from_all(self, connection: AsyncConnection, key: Key) -> None:
        """Remove a target that is about to vanish from everybody's collection."""
        await connection.execute(delete(self._table).where(self._is_target(key)))

    async def list_before(
        self, connection: AsyncConnection, user_id: int, *, before_id: int, kinds: Collection[int], limit: int
    ) -> list[CollectedRow]:
        """Return up to `limit` targets of these kinds, newest first, that came before the row `before_id`."""
        columns = (self._table.c.id, self._kind, self._target, self._table.c.created_time)
        wanted = (self._table.c.user_id == user_id, self._kind.in_(kinds), self._table.c.id < before_id)
        newest = select(*columns).where(*wanted).order_by(self._table.c.id.desc()).limit(limit)
        return [
            CollectedRow(row[0], cast("TargetKind.ValueType", row[1]), row[2], row[3])
            for row in await connection.execute(newest)
        ]

    def _is_it(self, user_id: int, key: Key) -> ColumnElement[bool]:
        return (self._table.c.user_id == user_id) & self._is_target(key)

    def _is_target(self, key: Key) -> ColumnElement[bool]:
        return (self._kind == int(key[0])) & (self._target == key[1])
