"""What users did with the posts or replies of a page: one statement for all of them."""

from collections.abc import Collection
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import bookmarks, follows, post_reads, reactions, votes
from plaza.forum.v1.target_pb2 import TargetKind

MarkKind = Literal["vote", "reaction", "bookmark", "follow"]


class Mark(NamedTuple):
    """One thing that a user did with one target."""

    kind: MarkKind
    target_id: int
    value: int
    """Of a vote; 0 otherwise."""
    emoji: str
    """Of a reaction; empty otherwise."""


class ViewerRepository:
    """All SQL about what users did with a page of targets. Statements are built once, at construction."""

    def __init__(self) -> None:
        self._marks = union_all(
            _marks("vote", votes, value=votes.c.value),
            _marks("reaction", reactions, emoji=reactions.c.emoji),
            _marks("bookmark", bookmarks),
            _marks("follow", follows),
        )
        self._reactions = (
            select(reactions.c.target_id, reactions.c.emoji, func.count())
            .where(
                reactions.c.target_kind == bindparam("target_kind"),
                reactions.c.target_id.in_(bindparam("target_ids", expanding=True)),
            )
            .group_by(reactions.c.target_id, reactions.c.emoji)
        )
        self._reads = select(post_reads.c.post_id, post_reads.c.last_read_number).where(
            post_reads.c.user_id == bindparam("user_id"),
            post_reads.c.post_id.in_(bindparam("post_ids", expanding=True)),
        )

    async def list_marks(
        self, connection: AsyncConnection, user_id: int, kind: "TargetKind.ValueType", target_ids: Collection[int]
    ) -> list[Mark]:
        """Return what one user did with the targets, in no order."""
        values = {"user_id": user_id, "target_kind": kind, "target_ids": list(target_ids)}
        rows = await connection.execute(self._marks, values)
        return [Mark(cast("MarkKind", row[0]), row[1], row[2], bytes(row[3]).decode()) for row in rows]

    async def count_reactions(
        self, connection: AsyncConnection, kind: "TargetKind.ValueType", target_ids: Collection[int]
    ) -> list[tuple[int, str, int]]:
        """Return target, emoji and by how many users it was given, in no order."""
        values = {"target_kind": kind, "target_ids": list(target_ids)}
        rows = await connection.execute(self._reactions, values)
        return [(target_id, bytes(emoji).decode(), count) for target_id, emoji, count in rows]

    async def list_reads(self, connection: AsyncConnection, user_id: int, post_ids: Collection[int]) -> dict[int, int]:
        """Return the number of the last reply that a user has read, by post, for those they have opened."""
        rows = await connection.execute(self._reads, {"user_id": user_id, "post_ids": list(post_ids)})
        return {row.post_id: row.last_read_number for row in rows}


def _marks(
    kind: MarkKind,
    table: Table,
    *,
    value: ColumnElement[Any] | None = None,
    emoji: ColumnElement[Any] | None = None,
) -> Select[Any]:
    return select(
        literal(kind).label("kind"),
        table.c.target_id,
        literal(0).label("value") if value is None else value,
        literal(b"", reactions.c.emoji.type).label("emoji") if emoji is None else emoji,
    ).where(
        table.c.user_id == bindparam("user_id"),
        table.c.target_kind == bindparam("target_kind"),
        table.c.target_id.in_(bindparam("target_ids", expanding=True)),
    )
