"""What moderators do to posts and replies. What changes nothing leaves no trace."""

from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.cases import Cases
from forum.categories import CategoryDirectory
from forum.errors import CategoryNotFound
from forum.foundation import Foundation
from forum.posts import PostReads
from forum.ranks import rank_of
from forum.removal import Removal
from forum.repository.posts import PostRow
from forum.targets import LockedTarget, Targets
from forum.writers import Writers
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import PostModerated
from plaza.forum.v1.post_pb2 import (
    CONTENT_STATUS_HELD,
    CONTENT_STATUS_LIVE,
    CONTENT_STATUS_REMOVED,
    PIN_SCOPE_CATEGORY,
    PIN_SCOPE_GLOBAL,
    PIN_SCOPE_UNSPECIFIED,
)
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, Target
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken

_SCOPES = {"category": PIN_SCOPE_CATEGORY, "global": PIN_SCOPE_GLOBAL}


class _Change(NamedTuple):
    """What is done to a post: the columns that are to have new values, and what the audit log says of it."""

    action: str
    values: dict[str, Any]
    detail: str = ""


class PostModeration:
    """Pins, locks, recommends and moves posts."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        posts: PostReads,
        directory: CategoryDirectory,
        writers: Writers,
        audit: Audit,
    ) -> None:
        self._rows = foundation.repositories.posts
        self._categories = foundation.repositories.categories
        self._events = foundation.events
        self._posts = posts
        self._directory = directory
        self._writers = writers
        self._audit = audit

    async def pin(self, connection: AsyncConnection, caller: Caller, request: pb.PinPostRequest) -> pb.PinPostResponse:
        """Put a post before all others of a scope.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            InvalidArgument: There is no such scope (INVALID_REQUEST).
        """
        post = await self._lock(connection, caller, request.post_id)
        refuse_broken(request)
        change = _Change("post.pin", {"pin_scope": _SCOPES[request.scope]}, request.scope)
        await self._change(connection, caller, post, change)
        return pb.PinPostResponse()

    async def unpin(
        self, connection: AsyncConnection, caller: Caller, request: pb.UnpinPostRequest
    ) -> pb.UnpinPostResponse:
        """Take the pin out; errors as `pin`."""
        post = await self._lock(connection, caller, request.post_id)
        await self._change(connection, caller, post, _Change("post.unpin", {"pin_scope": PIN_SCOPE_UNSPECIFIED}))
        return pb.UnpinPostResponse()

    async def lock(
        self, connection: AsyncConnection, caller: Caller, request: pb.LockPostRequest
    ) -> pb.LockPostResponse:
        """Let nobody but moderators reply; errors as `pin`."""
        post = await self._lock(connection, caller, request.post_id)
        await self._change(connection, caller, post, _Change("post.lock", {"is_locked": True}))
        return pb.LockPostResponse()

    async def unlock(
        self, connection: AsyncConnection, caller: Caller, request: pb.UnlockPostRequest
    ) -> pb.UnlockPostResponse:
        """Let everybody reply again; errors as `pin`."""
        post = await self._lock(connection, caller, request.post_id)
        await self._change(connection, caller, post, _Change("post.unlock", {"is_locked": False}))
        return pb.UnlockPostResponse()

    async def feature(
        self, connection: AsyncConnection, caller: Caller, request: pb.FeaturePostRequest
    ) -> pb.FeaturePostResponse:
        """Recommend a post; errors as `pin`."""
        post = await self._lock(connection, caller, request.post_id)
        await self._change(connection, caller, post, _Change("post.feature", {"is_featured": True}))
        return pb.FeaturePostResponse()

    async def unfeature(
        self, connection: AsyncConnection, caller: Caller, request: pb.UnfeaturePostRequest
    ) -> pb.UnfeaturePostResponse:
        """Take the recommendation back; errors as `pin`."""
        post = await self._lock(connection, caller, request.post_id)
        await self._change(connection, caller, post, _Change("post.unfeature", {"is_featured": False}))
        return pb.UnfeaturePostResponse()

    async def move(
        self, connection: AsyncConnection, caller: Caller, request: pb.MovePostRequest
    ) -> pb.MovePostResponse:
        """Move a post into another category.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            InvalidArgument: No category is named (INVALID_REQUEST).
            CategoryNotFound: There is none that the caller may read (CATEGORY_NOT_FOUND).
        """
        post = await self._lock(connection, caller, request.post_id)
        refuse_broken(request)
        if not (await self._directory.current()).may_read(request.category_id, rank_of(caller)):
            raise CategoryNotFound
        detail = f"from {post.category_id} to {request.category_id}"
        change = _Change("post.move", {"category_id": request.category_id}, detail)
        await self._change(connection, caller, post, change)
        return pb.MovePostResponse()

    async def _lock(self, connection: AsyncConnection, caller: Caller, post_id: int) -> PostRow:
        post = await self._posts.lock_readable(connection, caller, post_id)
        await self._writers.require(connection, caller)
        return post

    async def _change(self, connection: AsyncConnection, caller: Caller, post: PostRow, change: _Change) -> None:
        if all(getattr(post, name) == value for name, value in change.values.items()):
            return
        await self._rows.update(connection, post.id, change.values)
        target = (TARGET_KIND_POST, post.id)
        await self._audit.record(connection, caller.user_id, action=change.action, target=target, detail=change.detail)
        if "category_id" in change.values:
            await self._recount(connection, post, change.values["category_id"])
        event = PostModerated(post_id=post.id, actor_id=caller.user_id, action=change.action)
        await self._events.about_post(connection, post.id, event)

    async def _recount(self, connection: AsyncConnection, post: PostRow, category_id: int) -> None:
        """Count a post where it is now; of one that is out of sight, make sure that its category still exists."""
        by = int(post.status == CONTENT_STATUS_LIVE)
        for counted_id, sign in sorted([(post.category_id, -1), (category_id, 1)]):
            await self._categories.count_posts(connection, counted_id, by=sign * by, is_change=bool(by))


class ContentModeration:
    """Removes and brings back posts and replies."""

    def __init__(self, targets: Targets, removal: Removal, cases: Cases, *, writers: Writers, audit: Audit) -> None:
        self._targets = targets
        self._removal = removal
        self._cases = cases
        self._writers = writers
        self._audit = audit

    async def remove(
        self, connection: AsyncConnection, caller: Caller, request: pb.RemoveContentRequest
    ) -> pb.RemoveContentResponse:
        """Remove a post, or a reply with those below it; its open case is resolved thereby.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            ReplyNotFound: (REPLY_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            InvalidArgument: No reason is given, or the target is neither (INVALID_REQUEST).
        """
        target = await self.lock(connection, caller, request.target)
        refuse_broken(request)
        await self.take_out(connection, caller, target, reason=request.reason)
        await self._cases.close(connection, target=target.key, moderator_id=caller.user_id, resolution="remove")
        return pb.RemoveContentResponse()

    async def restore(
        self, connection: AsyncConnection, caller: Caller, request: pb.RestoreContentRequest
    ) -> pb.RestoreContentResponse:
        """Bring back what is out of sight; what was held has thereby been reviewed.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            ReplyNotFound: (REPLY_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            InvalidArgument: The target is neither (INVALID_REQUEST).
            NotRemoved: It is in sight, or went with a reply above it (NOT_REMOVED).
        """
        target = await self.lock(connection, caller, request.target)
        await self.bring_back(connection, caller, target)
        if target.status == CONTENT_STATUS_HELD:
            await self._cases.close(connection, target=target.key, moderator_id=caller.user_id, resolution="dismiss")
        return pb.RestoreContentResponse()

    async def lock(self, connection: AsyncConnection, caller: Caller, target: Target) -> LockedTarget:
        """Return a target, locked, for a moderator who may act; errors as `restore`."""
        locked = await self._targets.lock(connection, caller, target)
        await self._writers.require(connection, caller)
        return locked

    async def take_out(self, connection: AsyncConnection, caller: Caller, target: LockedTarget, *, reason: str) -> None:
        """Remove a target as part of a transaction, and write it down; not if it is removed already."""
        if target.status == CONTENT_STATUS_REMOVED:
            return
        if target.reply is None:
            await self._removal.remove_post(
                connection, target.post, status=CONTENT_STATUS_REMOVED, actor_id=caller.user_id
            )
        elif not await self._removal.remove_reply(
            connection, target.reply, status=CONTENT_STATUS_REMOVED, actor_id=caller.user_id
        ):
            return  # it went with a reply above it
        await self._audit.record(connection, caller.user_id, action="content.remove", target=target.key, detail=reason)

    async def bring_back(self, connection: AsyncConnection, caller: Caller, target: LockedTarget) -> None:
        """Bring a target back as part of a transaction, and write it down; NotRemoved as `restore`."""
        if target.reply is None:
            await self._removal.restore_post(connection, target.post, actor_id=caller.user_id)
        else:
            await self._removal.restore_reply(connection, target.reply, actor_id=caller.user_id)
        await self._audit.record(connection, caller.user_id, action="content.restore", target=target.key)
