"""New replies, written under the lock on their post.

The lock gives a reply its number, and shows what it answers as it is now.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.content import Rendered, content_hash
from forum.errors import (
    CategoryReadOnly,
    ContentRejected,
    ParentReplyNotFound,
    PostLocked,
    PostNotFound,
    ReplyTooDeep,
)
from forum.foundation import Foundation
from forum.ranks import MODERATOR, rank_of
from forum.replies import Replies, ReplyParts, refusal_of, text_values
from forum.repository.replies import ReplyPlace
from forum.visibility import is_visible
from forum.writers import Writer
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.reply_pb2 import Reply
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY
from plaza_kit.caller import Caller


class ReplyWriting:
    """Writes replies.

    Args:
        foundation: See there.
        parts: See there.
        replies: Shows the new one.
        levels: How deep replies may stand below a post.
    """

    def __init__(self, foundation: Foundation, parts: ReplyParts, *, replies: Replies, levels: int) -> None:
        self._rows = foundation.repositories.replies
        self._events = foundation.events
        self._clock = foundation.clock
        self._parts = parts
        self._replies = replies
        self._levels = levels

    async def create(self, connection: AsyncConnection, caller: Caller, request: pb.CreateReplyRequest) -> Reply:
        """Write a reply, held for review if a word filter says so.

        Raises:
            PostNotFound: There is no such post for the caller (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            PostLocked: And the caller is no moderator (POST_LOCKED).
            CategoryReadOnly: (CATEGORY_READ_ONLY.)
            ReplyContentRequired: Absent or empty (REPLY_CONTENT_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            ParentReplyNotFound: Unknown, out of sight, or another post's (PARENT_REPLY_NOT_FOUND).
            ReplyTooDeep: (REPLY_TOO_DEEP.)
            DuplicatePost: (DUPLICATE_POST.)
            NewUserRateLimit: (NEW_USER_RATE_LIMIT.)
            NewUserLinkLimit: (NEW_USER_LINK_LIMIT.)
            ContentRejected: (CONTENT_REJECTED.)
        """
        refusal = refusal_of(request)
        # Known before the lock, because it decides what is counted.
        filters = self._parts.word_filters
        verdict = "pass" if refusal else await filters.judge(request.content, rank=rank_of(caller))
        is_live = verdict != "hold"
        if not await self._rows.take_number(connection, request.post_id, is_live=is_live, now=self._clock()):
            raise PostNotFound
        place = await self._rows.find_place(connection, request.post_id, request.parent_reply_id)
        writer = await self._require_place(connection, caller, place, text_hash=content_hash(request.content))
        if refusal:
            raise refusal
        depth = self._depth(request, place)
        rendered = await self._parts.renderer.render(connection, request.content)
        await self._parts.new_users.check(connection, writer, link_count=rendered.link_count)
        if verdict == "reject":
            raise ContentRejected
        values = {
            "post_id": request.post_id,
            "parent_id": request.parent_reply_id or None,
            "number": place.number,
            "depth": depth,
            "author_id": writer.user_id,
            "status": CONTENT_STATUS_LIVE if is_live else CONTENT_STATUS_HELD,
            "created_time": (now := self._clock()),
            **text_values(request.content, rendered, now),
        }
        reply_id = await self._rows.insert(connection, values)
        await self._announce_new(connection, reply_id, values, rendered)
        return await self._replies.get(connection, caller, reply_id)

    async def _require_place(
        self, connection: AsyncConnection, caller: Caller, place: ReplyPlace, *, text_hash: bytes
    ) -> Writer:
        """Return the caller as one who may write there; errors as `create`."""
        categories = await self._parts.directory.current()
        may_read = categories.may_read(place.category_id, rank_of(caller))
        if not may_read or not is_visible(place.post_status, place.post_author_id, caller):
            raise PostNotFound
        writer = await self._parts.writers.require(connection, caller, content_hash=text_hash)
        if place.is_post_locked and writer.rank < MODERATOR:
            raise PostLocked
        if not categories.may_write(place.category_id, writer.rank):
            raise CategoryReadOnly
        return writer

    def _depth(self, request: pb.CreateReplyRequest, place: ReplyPlace) -> int:
        """Return how many replies stand above the new one."""
        if not request.parent_reply_id:
            return 0
        if place.parent_post_id != request.post_id or place.parent_status != CONTENT_STATUS_LIVE:
            raise ParentReplyNotFound
        depth = (place.parent_depth or 0) + 1
        if depth >= self._levels:
            raise ReplyTooDeep(metadata={"limit": str(self._levels)})
        return depth

    async def _announce_new(
        self, connection: AsyncConnection, reply_id: int, values: dict[str, Any], rendered: Rendered
    ) -> None:
        post_id = values["post_id"]
        if values["status"] == CONTENT_STATUS_HELD:
            await self._parts.cases.hold(connection, target=(TARGET_KIND_REPLY, reply_id), post_id=post_id)
        event = events_pb.ReplyCreated(
            reply_id=reply_id,
            post_id=post_id,
            parent_reply_id=values["parent_id"] or 0,
            number=values["number"],
            author_id=values["author_id"],
            status=values["status"],
            mentioned_user_ids=rendered.mentions,
        )
        await self._events.about_post(connection, post_id, event)
