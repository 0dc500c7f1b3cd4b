"""How far users have read."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.posts import PostReads
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import PostRead
from plaza.forum.v1.post_pb2 import ReadPosition
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken


class Reading:
    """Records reading; it never goes back."""

    def __init__(self, foundation: Foundation, posts: PostReads, writers: Writers) -> None:
        self._reads = foundation.repositories.reading
        self._events = foundation.events
        self._clock = foundation.clock
        self._posts = posts
        self._writers = writers

    async def mark_post(
        self, connection: AsyncConnection, caller: Caller, request: pb.MarkPostReadRequest
    ) -> pb.MarkPostReadResponse:
        """Record how far the caller has read a post; beyond its newest reply is its newest reply.

        Raises:
            PostNotFound: There is no such post for the caller (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            InvalidArgument: The number is absent or negative (INVALID_REQUEST).
        """
        post = await self._posts.require_readable(connection, caller, request.post_id)
        await self._writers.require(connection, caller)
        refuse_broken(request)
        number, user_id = min(request.last_read_number, post.reply_seq), caller.user_id
        if await self._reads.advance(connection, user_id, post.id, number=number, now=self._clock()):
            event = PostRead(user_id=user_id, post_id=post.id, last_read_number=number)
            await self._events.about_user(connection, user_id, event)
        else:
            number = await self._reads.find(connection, user_id, post.id) or 0
        return pb.MarkPostReadResponse(read=ReadPosition(last_read_number=number))

    async def mark_all(
        self, connection: AsyncConnection, caller: Caller, request: pb.MarkAllReadRequest
    ) -> pb.MarkAllReadResponse:
        """Record that nothing is unread now.

        Raises:
            UserBanned: (USER_BANNED.)
        """
        await self._writers.require(connection, caller)
        await self._reads.advance_all(connection, caller.user_id, self._clock())
        return pb.MarkAllReadResponse()
