"""Bookmarks: posts and replies that a user keeps for later."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.collected import Collected, CollectionLimits
from forum.foundation import Foundation
from forum.reply_views import ReplyViews
from forum.repository.collected import CollectedRow
from forum.repository.replies import ReplyRow, WrittenReply
from forum.summaries import Summaries
from forum.targets import Targets
from forum.times import timestamp
from forum.visibility import is_visible
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.post_pb2 import PostSummary
from plaza.forum.v1.reply_pb2 import Reply
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY
from plaza_kit.caller import Caller

LIMITS = CollectionLimits(most=10_000, page_size=20, page_size_max=100)

_KINDS = (TARGET_KIND_POST, TARGET_KIND_REPLY)


class Bookmarks:
    """Keeps and lists bookmarks.

    Args:
        foundation: What to stand on.
        targets: Finds what to keep.
        writers: Knows who is banned.
        summaries: Shows posts.
        views: Shows replies.
    """

    def __init__(
        self, foundation: Foundation, targets: Targets, *, writers: Writers, summaries: Summaries, views: ReplyViews
    ) -> None:
        self._rows = foundation.repositories.bookmarks
        self._collected = Collected(foundation, self._rows, name="bookmarks", limits=LIMITS)
        self._targets = targets
        self._writers = writers
        self._summaries = summaries
        self._views = views

    async def add(
        self, connection: AsyncConnection, caller: Caller, request: pb.AddBookmarkRequest
    ) -> pb.AddBookmarkResponse:
        """Keep a target.

        Raises:
            NotFound: There is no such target for the caller (POST_NOT_FOUND, REPLY_NOT_FOUND).
            InvalidArgument: It is neither a post nor a reply (INVALID_REQUEST).
            UserBanned: (USER_BANNED.)
            LimitReached: There are 10,000 (LIMIT_REACHED).
        """
        target = await self._targets.lock(connection, caller, request.target)
        await self._writers.require(connection, caller)
        await self._collected.add(connection, caller.user_id, target.key, counted_kinds=_KINDS)
        return pb.AddBookmarkResponse()

    async def remove(
        self, connection: AsyncConnection, caller: Caller, request: pb.RemoveBookmarkRequest
    ) -> pb.RemoveBookmarkResponse:
        """Forget a target, be it out of the caller's sight by now; errors as `add`, if it was not kept."""
        key = (request.target.kind, request.target.id)
        if not await self._collected.remove(connection, caller.user_id, key):
            await self._targets.lock(connection, caller, request.target)
        await self._writers.require(connection, caller)
        return pb.RemoveBookmarkResponse()

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListBookmarksRequest
    ) -> pb.ListBookmarksResponse:
        """Return a page of the caller's bookmarks, without those that they may no longer read.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        rows, next_page_token = await self._collected.list_page(
            connection, caller.user_id, _KINDS, requested_size=request.page_size, page_token=request.page_token
        )
        written = await self._find_replies(connection, caller, rows)
        post_ids = [_post_id(row, written) for row in rows]
        summaries = await self._summaries.of(connection, caller, list({post_id for post_id in post_ids if post_id}))
        posts = {summary.id: summary for summary in summaries}
        readable = [item for item in written.values() if item.reply.post_id in posts]
        views = await self._views.of(connection, caller, readable, is_list=True)
        replies = {reply.id: reply for reply in views}
        bookmarks = (_bookmark(row, posts.get(post_id), replies) for row, post_id in zip(rows, post_ids, strict=True))
        return pb.ListBookmarksResponse(
            bookmarks=[bookmark for bookmark in bookmarks if bookmark], next_page_token=next_page_token
        )

    async def _find_replies(
        self, connection: AsyncConnection, caller: Caller, rows: Sequence[CollectedRow]
    ) -> dict[int, WrittenReply]:
        """Return the kept replies by id that the caller may read if they may read their posts."""
        reply_ids = [row.target_id for row in rows if row.kind == TARGET_KIND_REPLY]
        found = await self._rows.list_replies(connection, reply_ids) if reply_ids else {}
        return {reply_id: item for reply_id, item in found.items() if _is_visible(item.reply, caller)}


def _is_visible(reply: ReplyRow, caller: Caller) -> bool:
    return is_visible(reply.status, reply.author_id, caller)


def _post_id(row: CollectedRow, written: dict[int, WrittenReply]) -> int:
    """Return the post that is kept or to which the kept reply belongs; 0 if the caller may not know."""
    if row.kind == TARGET_KIND_POST:
        return row.target_id
    return written[row.target_id].reply.post_id if row.target_id in written else 0


def _bookmark(row: CollectedRow, post: PostSummary | None, replies: dict[int, Reply]) -> pb.Bookmark | None:
    if post is None:
        return None
    reply = replies[row.target_id] if row.kind == TARGET_KIND_REPLY else None
    return pb.Bookmark(created_time=timestamp(row.created_time), post=post, reply=reply)
