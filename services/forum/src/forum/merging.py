"""Replies that move into another post.

A reply moves with everything below it, also with what is out of sight: else a reply that comes back later would answer
one of another post. Those that were named answer the post from then on; those below them keep what they answer. All
are numbered anew after what is there, in their old order.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.errors import LimitReached, PostNotFound, ReplyNotFound
from forum.foundation import Foundation
from forum.posts import PostReads
from forum.repository.merging import MovingReply, NewPlace
from forum.repository.posts import PostRow
from forum.writers import Writers
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse, refuse_broken

MOVED_MAX = 5000
"""Replies that move at once, those below the named ones included."""


class Merging:
    """Moves replies."""

    def __init__(self, foundation: Foundation, posts: PostReads, *, writers: Writers, audit: Audit) -> None:
        self._rows = foundation.repositories.merging
        self._post_rows = foundation.repositories.posts
        self._events = foundation.events
        self._posts = posts
        self._writers = writers
        self._audit = audit

    async def merge(
        self, connection: AsyncConnection, caller: Caller, request: pb.MergeRepliesRequest
    ) -> pb.MergeRepliesResponse:
        """Move replies of a post, each with those below it, into another post.

        Raises:
            PostNotFound: One of the posts does not exist (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            InvalidArgument: A field is broken, or both posts are the same (INVALID_REQUEST).
            ReplyNotFound: One of the replies is not in the post, or not in sight (REPLY_NOT_FOUND).
            LimitReached: More than 5,000 would move (LIMIT_REACHED).
        """
        source, target = await self._lock_both(connection, caller, request)
        await self._writers.require(connection, caller)
        refuse_broken(request)
        if request.target_post_id == request.post_id:
            refuse([Violation("target_post_id", "NOT_ALLOWED")])
        if target is None:
            raise PostNotFound
        named = frozenset(request.reply_ids)
        moving = await self._rows.list_subtrees(connection, source.id, reply_ids=named, limit=MOVED_MAX + 1)
        if len(moving) > MOVED_MAX:
            raise LimitReached(MOVED_MAX)
        if not named <= {reply.id for reply in moving if reply.status == CONTENT_STATUS_LIVE}:
            raise ReplyNotFound
        places = _places(moving, named, after=target.reply_seq)
        await self._rows.move(connection, places, post_id=target.id)
        await self._count(connection, source, target, moving)
        await self._announce(connection, caller, (source, target), [reply.id for reply in moving])
        return pb.MergeRepliesResponse(moved_count=len(moving))

    async def _lock_both(
        self, connection: AsyncConnection, caller: Caller, request: pb.MergeRepliesRequest
    ) -> tuple[PostRow, PostRow | None]:
        """Return the post in the path and the other one, if there is one; locked in the order of their ids."""
        found: dict[int, PostRow] = {}
        for post_id in sorted({request.post_id, request.target_post_id}):
            try:
                found[post_id] = await self._posts.lock_readable(connection, caller, post_id)
            except PostNotFound:
                if post_id == request.post_id:
                    raise
        return found[request.post_id], found.get(request.target_post_id)

    async def _count(
        self, connection: AsyncConnection, source: PostRow, target: PostRow, moved: Sequence[MovingReply]
    ) -> None:
        live = [reply for reply in moved if reply.status == CONTENT_STATUS_LIVE]
        of_source: dict[str, Any] = {"reply_count": source.reply_count - len(live)}
        if source.accepted_reply_id in {reply.id for reply in live}:
            of_source["accepted_reply_id"] = None
        of_target = {
            "reply_seq": target.reply_seq + len(moved),
            "reply_count": target.reply_count + len(live),
            "last_activity_time": max(target.last_activity_time, *(reply.created_time for reply in live)),
        }
        await self._post_rows.update(connection, source.id, of_source)
        await self._post_rows.update(connection, target.id, of_target)

    async def _announce(
        self, connection: AsyncConnection, caller: Caller, posts: tuple[PostRow, PostRow], moved: Sequence[int]
    ) -> None:
        source, target = posts
        detail = f"{len(moved)} to post {target.id}"
        await self._audit.record(
            connection, caller.user_id, action="replies.merge", target=(TARGET_KIND_POST, source.id), detail=detail
        )
        event = events_pb.RepliesMerged(
            from_post_id=source.id, to_post_id=target.id, reply_ids=moved, actor_id=caller.user_id
        )
        for post in posts:
            await self._events.about_post(connection, post.id, event)
        if source.accepted_reply_id in moved:
            answer = events_pb.AnswerAccepted(post_id=source.id, actor_id=caller.user_id)
            await self._events.about_post(connection, source.id, answer)


def _places(moving: Sequence[MovingReply], named: Collection[int], *, after: int) -> list[NewPlace]:
    """Return where the replies come to stand: depth counts from the named one that is next above.

    Args:
        moving: By number, so that each comes after what it answers.
        named: Which of them come to the top.
        after: The highest number that is taken.
    """
    depths: dict[int | None, int] = {}
    for reply in moving:
        depths[reply.id] = 0 if reply.id in named else depths[reply.parent_id] + 1
    return [NewPlace(reply.id, after + index, depths[reply.id]) for index, reply in enumerate(moving, start=1)]
