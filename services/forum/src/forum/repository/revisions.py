"""Rows of `revisions`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import revisions

Key = tuple[int, int]
"""Kind and id of a target."""


class RevisionRepository:
    """All SQL about versions. Statements are built once, at construction."""

    def __init__(self) -> None:
        columns = revisions.c
        of_target = (columns.target_kind == bindparam("kind"), columns.target_id == bindparam("target_id"))
        newest_first = columns.version.desc()
        self._page = (
            select(columns.version, columns.editor_id, columns.title, columns.created_time)
            .where(*of_target, columns.version < bindparam("before"))
            .order_by(newest_first)
            .limit(bindparam("count"))
        )
        self._pair = (
            select(columns.version, columns.editor_id, columns.title, columns.content, columns.created_time)
            .where(*of_target, columns.version <= bindparam("version"))
            .order_by(newest_first)
            .limit(2)
        )

    async def insert(self, connection: AsyncConnection, target: Key, versions: Sequence[Mapping[str, Any]]) -> None:
        """Add versions of a target: mappings of the other columns."""
        key = {"target_kind": int(target[0]), "target_id": target[1]}
        await connection.execute(insert(revisions).values([key | dict(version) for version in versions]))

    async def list_before(
        self, connection: AsyncConnection, target: Key, before: int, *, count: int
    ) -> list[tuple[Any, ...]]:
        """Return version, editor_id, title and created_time of at most `count` older versions, newest first."""
        values = {"kind": int(target[0]), "target_id": target[1], "before": before, "count": count}
        return [tuple(row) for row in await connection.execute(self._page, values)]

    async def list_pair(self, connection: AsyncConnection, target: Key, version: int) -> list[tuple[Any, ...]]:
        """Return a version and the one before it, or else the two newest before it.

        Returns:
            version, editor_id, title, content and created_time of each, newest first.
        """
        values = {"kind": int(target[0]), "target_id": target[1], "version": version}
        return [tuple(row) for row in await connection.execute(self._pair, values)]
