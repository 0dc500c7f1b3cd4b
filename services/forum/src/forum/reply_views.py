"""Replies as a caller sees them."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.repository.replies import WrittenReply
from forum.times import timestamp
from forum.viewers import Viewers
from forum.writers import author_of
from plaza.forum.v1 import reply_pb2
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY
from plaza_kit.caller import Caller


class ReplyViews:
    """Makes messages for a caller, in at most four statements for any number of replies."""

    def __init__(self, foundation: Foundation, viewers: Viewers) -> None:
        self._replies = foundation.repositories.replies
        self._viewers = viewers

    async def of(
        self,
        connection: AsyncConnection,
        caller: Caller,
        written: Sequence[WrittenReply],
        *,
        is_list: bool = False,
    ) -> list[reply_pb2.Reply]:
        """Return replies in the given order.

        Args:
            connection: Where to read.
            caller: Whose view it is.
            written: Replies that the caller may read.
            is_list: The caller did not ask for each by itself: those of users whom they block come without their text.
        """
        if not written:
            return []
        author_ids = {reply.id: reply.author_id for reply, _ in written}
        child_counts = await self._replies.count_children(connection, author_ids)
        reactions = await self._viewers.reactions(connection, TARGET_KIND_REPLY, author_ids)
        viewers = await self._viewers.of(connection, caller, TARGET_KIND_REPLY, author_ids)
        blocked, followed = await self._relations(connection, caller, written)
        for reply, _ in written:
            if reply.post_id in followed:
                viewers[reply.id].is_followed = True
        return [
            _message(
                item,
                child_count=child_counts.get(item.reply.id, 0),
                is_blocked=item.reply.author_id in blocked,
                is_hidden=is_list and item.reply.author_id in blocked,
                more={"reactions": reactions.get(item.reply.id, ()), "viewer": viewers.get(item.reply.id)},
            )
            for item in written
        ]

    async def _relations(
        self, connection: AsyncConnection, caller: Caller, written: Sequence[WrittenReply]
    ) -> tuple[Collection[int], Collection[int]]:
        """Return which of the authors the caller blocks, and which of the posts they follow."""
        if caller.is_anonymous:
            return (), ()
        return await self._replies.find_relations(
            connection,
            caller.user_id,
            author_ids={reply.author_id for reply, _ in written},
            post_ids={reply.post_id for reply, _ in written},
        )


def _message(
    item: WrittenReply, *, child_count: int, is_blocked: bool, is_hidden: bool, more: dict[str, Any]
) -> reply_pb2.Reply:
    reply = item.reply
    return reply_pb2.Reply(
        id=reply.id,
        post_id=reply.post_id,
        parent_reply_id=reply.parent_id or 0,
        number=reply.number,
        depth=reply.depth,
        author=author_of(item.author),
        content="" if is_hidden else reply.content,
        content_html="" if is_hidden else reply.content_html,
        created_time=timestamp(reply.created_time),
        updated_time=timestamp(reply.updated_time),
        up_count=reply.up_count,
        down_count=reply.down_count,
        child_count=child_count,
        is_accepted=reply.accepted_reply_id == reply.id,
        status=cast("Any", reply.status),
        version=reply.version,
        is_from_blocked=is_blocked,
        **more,
    )
