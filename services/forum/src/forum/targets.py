"""Posts and replies by a `Target`, locked for what is about to be done to them."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.cases import TargetKey
from forum.errors import PostNotFound, ReplyNotFound
from forum.foundation import Foundation
from forum.posts import PostReads
from forum.repository.posts import PostRow
from forum.repository.replies import ReplyRow
from forum.visibility import is_visible
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.caller import Caller
from plaza_kit.errors import Aborted, InvalidArgument, Violation


@dataclass(frozen=True, slots=True)
class LockedTarget:
    """A post, or a reply with its post.

    Attributes:
        post: The post; its row is locked.
        reply: The reply; None if it is about the post.
    """

    post: PostRow
    reply: ReplyRow | None = None

    @property
    def key(self) -> TargetKey:
        """Its kind and id."""
        return (TARGET_KIND_REPLY, self.reply.id) if self.reply else (TARGET_KIND_POST, self.post.id)

    @property
    def author_id(self) -> int:
        """Who wrote it."""
        return self.reply.author_id if self.reply else self.post.author_id

    @property
    def status(self) -> int:
        """Its own `ContentStatus`."""
        return self.reply.status if self.reply else self.post.status


class Targets:
    """Finds and locks targets for a caller; what they may not read does not exist."""

    def __init__(self, foundation: Foundation, posts: PostReads) -> None:
        self._posts = posts
        self._replies = foundation.repositories.replies

    async def lock(self, connection: AsyncConnection, caller: Caller, target: Target) -> LockedTarget:
        """Return a target and keep the row of its post locked until the transaction ends.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            ReplyNotFound: (REPLY_NOT_FOUND.)
            InvalidArgument: It is neither a post nor a reply (INVALID_REQUEST).
            Aborted: The reply has just been moved to another post (ABORTED).
        """
        if target.kind == TARGET_KIND_POST:
            return LockedTarget(await self._posts.lock_readable(connection, caller, target.id))
        if target.kind == TARGET_KIND_REPLY:
            return await self._lock_reply(connection, caller, target.id)
        raise InvalidArgument("neither a post nor a reply", violations=[Violation("target", "NOT_ALLOWED")])

    async def _lock_reply(self, connection: AsyncConnection, caller: Caller, reply_id: int) -> LockedTarget:
        found = await self._replies.find(connection, reply_id)
        if found is None:
            raise ReplyNotFound
        try:
            post = await self._posts.lock_readable(connection, caller, found.post_id)
        except PostNotFound:
            raise ReplyNotFound from None
        reply = await self._replies.find(connection, reply_id)
        if reply is None or reply.post_id != post.id:
            raise Aborted("the reply was moved to another post")
        if not is_visible(reply.status, reply.author_id, caller):
            raise ReplyNotFound
        return LockedTarget(post, reply)
