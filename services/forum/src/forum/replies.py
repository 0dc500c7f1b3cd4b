"""Replies: whom they exist for, and who may delete them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.cases import Cases
from forum.categories import CategoryDirectory
from forum.content import Rendered, Renderer, content_hash
from forum.errors import (
    NotReplyAuthor,
    ReplyContentRequired,
    ReplyNotFound,
    VersionMismatch,
)
from forum.foundation import Foundation
from forum.new_users import NewUserRules
from forum.ranks import rank_of
from forum.removal import Removal
from forum.reply_views import ReplyViews
from forum.repository.replies import ReplyRow
from forum.visibility import is_visible
from forum.word_filters import WordFilters
from forum.writers import Writers
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED
from plaza.forum.v1.reply_pb2 import Reply
from plaza_kit.caller import Caller
from plaza_kit.errors import InvalidArgument, PlazaError
from plaza_kit.field_values import in_order
from plaza_kit.fields import check, missing, violations_of


@dataclass(frozen=True)
class ReplyParts:
    """What reading, writing and editing replies takes.

    Attributes:
        directory: Who may read and write where.
        writers: Who may write at all.
        new_users: How much.
        word_filters: Which words.
        renderer: Makes the HTML.
        removal: Takes replies out of sight.
        cases: Asks moderators.
        views: Replies as callers see them.
    """

    directory: CategoryDirectory
    writers: Writers
    new_users: NewUserRules
    word_filters: WordFilters
    renderer: Renderer
    removal: Removal
    cases: Cases
    views: ReplyViews


class Replies:
    """Finds and deletes replies."""

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
        await self.lock(connection, request.reply_id, expected_version=request.expected_version)
        return count

    async def _readable(self, reply: ReplyRow | None, caller: Caller) -> ReplyRow:
        if reply is None or not is_visible(reply.status, reply.author_id, caller):
            raise ReplyNotFound
        categories = await self._parts.directory.current()
        may_read = categories.may_read(reply.post_category_id, rank_of(caller))
        if not may_read or not is_visible(reply.post_status, reply.post_author_id, caller):
            raise ReplyNotFound
        return reply

    async def lock(self, connection: AsyncConnection, reply_id: int, *, expected_version: int) -> ReplyRow:
        """Return a reply as it is once its row is locked, after its post's if that has to be.

        Raises:
            ReplyNotFound: There is none (REPLY_NOT_FOUND).
            VersionMismatch: It has another version than the expected one; 0 does not ask (VERSION_MISMATCH).
        """
        reply = await self._replies.lock(connection, reply_id)
        if reply is None:
            raise ReplyNotFound
        if expected_version and reply.version != expected_version:
            raise VersionMismatch(metadata={"version": str(reply.version)})
        return reply


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
