"""Replies: whom they exist for, and who may change and delete them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.cases import Cases
from forum.categories import CategoryDirectory
from forum.content import Rendered, Renderer, content_hash
from forum.errors import (
    ContentRejected,
    NotReplyAuthor,
    PostLocked,
    ReplyContentRequired,
    ReplyNotFound,
    VersionMismatch,
)
from forum.foundation import Foundation
from forum.new_users import NewUserRules
from forum.ranks import MODERATOR, rank_of
from forum.removal import Removal
from forum.reply_views import ReplyViews
from forum.repository.replies import ReplyRow
from forum.revisions import Revisions, Version
from forum.visibility import is_visible
from forum.word_filters import WordFilters
from forum.writers import Writer, Writers
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED, CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.reply_pb2 import Reply
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY
from plaza_kit.caller import Caller
from plaza_kit.errors import InvalidArgument, PlazaError
from plaza_kit.field_values import in_order
from plaza_kit.fields import check, missing, violations_of


@dataclass(frozen=True)
class ReplyParts:
    """What the life of a reply needs beyond the foundation.

    Attributes:
        directory: Who may read and write where.
        writers: Who may write at all.
        new_users: How much.
        word_filters: Which words.
        renderer: Makes the HTML.
        revisions: Keeps old texts.
        removal: Takes replies out of sight.
        cases: Asks moderators.
        audit: What moderators did.
        views: Replies as callers see them.
    """

    directory: CategoryDirectory
    writers: Writers
    new_users: NewUserRules
    word_filters: WordFilters
    renderer: Renderer
    revisions: Revisions
    removal: Removal
    cases: Cases
    audit: Audit
    views: ReplyViews


class Replies:
    """Finds, changes and deletes replies."""

    def __init__(self, foundation: Foundation, parts: ReplyParts) -> None:
        self._replies = foundation.repositories.replies
        self._events = foundation.events
        self._clock = foundation.clock
        self._parts = parts

    async def require_readable(self, connection: AsyncConnection, caller: Caller, reply_id: int) -> ReplyRow:
        """Return a reply: one statement.

        Raises:
            ReplyNotFound: There is none that the caller may read (REPLY_NOT_FOUND).
        """
        return await self._readable(await self._replies.find(connection, reply_id), caller)

    async def get(self, connection: AsyncConnection, caller: Caller, reply_id: int) -> Reply:
        """Return a reply as the caller sees it; errors as `require_readable`."""
        written = await self._replies.find_written(connection, reply_id)
        if written is None:
            raise ReplyNotFound
        await self._readable(written.reply, caller)
        return (await self._parts.views.of(connection, caller, [written]))[0]

    async def update(self, connection: AsyncConnection, caller: Caller, request: pb.UpdateReplyRequest) -> Reply:
        """Change the text of a reply.

        Raises:
            ReplyNotFound: There is none that the caller may read (REPLY_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotReplyAuthor: Nor a moderator (NOT_REPLY_AUTHOR).
            PostLocked: And the caller is no moderator (POST_LOCKED).
            ReplyContentRequired: Absent or empty (REPLY_CONTENT_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            VersionMismatch: It is not the expected one any more (VERSION_MISMATCH).
            NewUserLinkLimit: (NEW_USER_LINK_LIMIT.)
            ContentRejected: (CONTENT_REJECTED.)
        """
        found = await self.require_readable(connection, caller, request.reply_id)
        writer = await self._parts.writers.require(connection, caller)
        if writer.user_id != found.author_id and writer.rank < MODERATOR:
            raise NotReplyAuthor
        if found.is_post_locked and writer.rank < MODERATOR:
            raise PostLocked
        if refusal := refusal_of(request):
            raise refusal
        rendered = await self._parts.renderer.render(connection, request.content)
        verdict = await self._parts.word_filters.judge(request.content)
        if verdict == "hold" and found.status == CONTENT_STATUS_LIVE:
            # It takes the lock on the post, which comes before that on the reply.
            await self._hold(connection, found, actor_id=writer.user_id)
        old = await self._lock(connection, request.reply_id, expected_version=request.expected_version)
        self._parts.new_users.check_links(writer, rendered.link_count)
        if verdict == "reject":
            raise ContentRejected
        await self._rewrite(connection, old, request.content, rendered=rendered, writer=writer)
        return await self.get(connection, caller, request.reply_id)

    async def delete(self, connection: AsyncConnection, caller: Caller, request: pb.DeleteReplyRequest) -> int:
        """Delete the caller's own reply with those below it; return how many vanished.

        Raises:
            ReplyNotFound: There is none that the caller may read, or it is deleted (REPLY_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotReplyAuthor: (NOT_REPLY_AUTHOR.)
            VersionMismatch: It is not the expected one any more (VERSION_MISMATCH).
        """
        found = await self.require_readable(connection, caller, request.reply_id)
        writer = await self._parts.writers.require(connection, caller)
        if writer.user_id != found.author_id:
            raise NotReplyAuthor
        count = await self._parts.removal.remove_reply(
            connection, found, status=CONTENT_STATUS_DELETED, actor_id=writer.user_id
        )
        if count == 0:
            raise ReplyNotFound
        await self._lock(connection, request.reply_id, expected_version=request.expected_version)
        return count

    async def _readable(self, reply: ReplyRow | None, caller: Caller) -> ReplyRow:
        if reply is None or not is_visible(reply.status, reply.author_id, caller):
            raise ReplyNotFound
        categories = await self._parts.directory.current()
        may_read = categories.may_read(reply.post_category_id, rank_of(caller))
        if not may_read or not is_visible(reply.post_status, reply.post_author_id, caller):
            raise ReplyNotFound
        return reply

    async def _hold(self, connection: AsyncConnection, reply: ReplyRow, *, actor_id: int) -> None:
        await self._parts.removal.remove_reply(connection, reply, status=CONTENT_STATUS_HELD, actor_id=actor_id)
        await self._parts.cases.hold(connection, target=(TARGET_KIND_REPLY, reply.id), post_id=reply.post_id)

    async def _lock(self, connection: AsyncConnection, reply_id: int, *, expected_version: int) -> ReplyRow:
        """Return a reply as it is once its row is locked."""
        reply = await self._replies.lock(connection, reply_id)
        if reply is None:
            raise ReplyNotFound
        if expected_version and reply.version != expected_version:
            raise VersionMismatch(metadata={"version": str(reply.version)})
        return reply

    async def _rewrite(
        self, connection: AsyncConnection, old: ReplyRow, content: str, *, rendered: Rendered, writer: Writer
    ) -> None:
        now = self._clock()
        version = old.version
        if content != old.content:
            version += 1
            first = Version(1, old.author_id, "", old.content, old.created_time) if old.version == 1 else None
            new = Version(version, writer.user_id, "", content, now)
            await self._parts.revisions.keep(connection, target=(TARGET_KIND_REPLY, old.id), old=first, new=new)
        await self._replies.update(connection, old.id, {"version": version, **text_values(content, rendered, now)})
        if writer.user_id != old.author_id:
            target = (TARGET_KIND_REPLY, old.id)
            await self._parts.audit.record(connection, writer.user_id, action="content.edit", target=target)
        event = events_pb.ReplyUpdated(
            reply_id=old.id,
            post_id=old.post_id,
            editor_id=writer.user_id,
            version=version,
            mentioned_user_ids=await self._new_mentions(connection, old.content, rendered),
        )
        await self._events.about_post(connection, old.post_id, event)

    async def _new_mentions(self, connection: AsyncConnection, old_content: str, rendered: Rendered) -> list[int]:
        """Return who is named now and was not before."""
        if not rendered.mentions:
            return []
        before = (await self._parts.renderer.render(connection, old_content)).mentions
        return [user_id for user_id in rendered.mentions if user_id not in before]


def refusal_of(request: pb.CreateReplyRequest | pb.UpdateReplyRequest) -> PlazaError | None:
    """Return why a request's fields are refused, None if they keep to their rules.

    Returns:
        ReplyContentRequired if the content is absent or empty, InvalidArgument if a field is broken otherwise.
    """
    reported = violations_of(request)
    broken = in_order(request, [*reported, *check(request)])
    absent = missing(request, reported) or [violation for violation in broken if violation.code == "BLANK"]
    if absent:
        return ReplyContentRequired(violations=absent)
    return InvalidArgument("broken fields", violations=broken) if broken else None


def text_values(content: str, rendered: Rendered, now: datetime) -> dict[str, Any]:
    """Return the columns that hold a text and what is made of it."""
    return {
        "content": content,
        "content_html": rendered.html,
        "content_hash": content_hash(content),
        "updated_time": now,
    }
