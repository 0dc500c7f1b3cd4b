"""Replies on their way from one post to another."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import cases, replies
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY

CHUNK = 500
"""Replies in one statement."""


class MovingReply(NamedTuple):
    """What of a reply decides where it comes to stand."""

    id: int
    parent_id: int | None
    number: int
    depth: int
    status: int
    created_time: datetime


class NewPlace(NamedTuple):
    """Where a reply comes to stand in its new post; one that is not at the top keeps its parent."""

    reply_id: int
    number: int
    depth: int


class MergingRepository:
    """All SQL about replies that move."""

    async def list_subtrees(
        self, connection: AsyncConnection, post_id: int, *, reply_ids: Collection[int], limit: int
    ) -> list[MovingReply]:
        """Return up to `limit` of these replies of a post and all below them, whatever their status, by number."""
        named = select(replies.c.id).where(replies.c.post_id == post_id, replies.c.id.in_(reply_ids))
        tree = named.cte("tree", recursive=True)
        # UNION, not UNION ALL: one that is named and below another that is named comes once.
        tree = tree.union(select(replies.c.id).where(replies.c.parent_id == tree.c.id))
        columns = [replies.c[name] for name in MovingReply._fields]
        statement = select(*columns).join(tree, tree.c.id == replies.c.id).order_by(replies.c.number).limit(limit)
        return [MovingReply(*row) for row in await connection.execute(statement)]

    async def move(self, connection: AsyncConnection, places: Sequence[NewPlace], *, post_id: int) -> None:
        """Put replies into a post, with the cases about them. Their new numbers must be above all that are there."""
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            ids = [place.reply_id for place in chunk]
            numbers = {place.reply_id: place.number for place in chunk}
            depths = {place.reply_id: place.depth for place in chunk}
            values = {
                "post_id": post_id,
                "number": case(numbers, value=replies.c.id),
                "depth": case(depths, value=replies.c.id),
            }
            await connection.execute(update(replies).where(replies.c.id.in_(ids)).values(values))
            top_ids = [place.reply_id for place in chunk if not place.depth]
            if top_ids:
                await connection.execute(update(replies).where(replies.c.id.in_(top_ids)).values(parent_id=None))
            about = (cases.c.target_kind == TARGET_KIND_REPLY) & cases.c.target_id.in_(ids)
            await connection.execute(update(cases).where(about).values(post_id=post_id))
