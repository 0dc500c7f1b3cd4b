"""The reply that answers a post's question."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import NotPostAuthor, ReplyNotFound
from forum.foundation import Foundation
from forum.posts import PostReads
from forum.ranks import MODERATOR
from forum.repository.posts import PostRow
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import AnswerAccepted
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken


class Answers:
    """Accepts answers. Every change of the reply happens under the lock on its post, which is taken first."""

    def __init__(self, foundation: Foundation, posts: PostReads, writers: Writers) -> None:
        self._posts = foundation.repositories.posts
        self._replies = foundation.repositories.replies
        self._events = foundation.events
        self._reads = posts
        self._writers = writers

    async def accept(
        self, connection: AsyncConnection, caller: Caller, request: pb.AcceptAnswerRequest
    ) -> pb.AcceptAnswerResponse:
        """Say which reply answers a post.

        Raises:
            PostNotFound: There is no such post for the caller (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotPostAuthor: Nor a moderator (NOT_POST_AUTHOR).
            InvalidArgument: `reply_id` is absent or broken (INVALID_REQUEST).
            ReplyNotFound: It is no live reply of the post (REPLY_NOT_FOUND).
        """
        post = await self._lock(connection, caller, request.post_id)
        refuse_broken(request)
        reply = await self._replies.find(connection, request.reply_id)
        if reply is None or reply.post_id != post.id or reply.status != CONTENT_STATUS_LIVE:
            raise ReplyNotFound
        await self._set(connection, caller, post, reply_id=reply.id)
        return pb.AcceptAnswerResponse()

    async def clear(
        self, connection: AsyncConnection, caller: Caller, request: pb.ClearAnswerRequest
    ) -> pb.ClearAnswerResponse:
        """Take that back; errors as `accept`, as far as they apply."""
        post = await self._lock(connection, caller, request.post_id)
        await self._set(connection, caller, post, reply_id=0)
        return pb.ClearAnswerResponse()

    async def _lock(self, connection: AsyncConnection, caller: Caller, post_id: int) -> PostRow:
        post = await self._reads.lock_readable(connection, caller, post_id)
        writer = await self._writers.require(connection, caller)
        if post.author_id != writer.user_id and writer.rank < MODERATOR:
            raise NotPostAuthor
        return post

    async def _set(self, connection: AsyncConnection, caller: Caller, post: PostRow, *, reply_id: int) -> None:
        if (post.accepted_reply_id or 0) == reply_id:
            return
        await self._posts.update(connection, post.id, {"accepted_reply_id": reply_id or None})
        event = AnswerAccepted(post_id=post.id, reply_id=reply_id, actor_id=caller.user_id)
        await self._events.about_post(connection, post.id, event)
