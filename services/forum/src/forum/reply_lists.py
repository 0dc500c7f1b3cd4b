"""Lists of the live replies of a post."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.paging import page_size
from forum.posts import PostReads
from forum.reply_views import ReplyViews
from forum.repository.replies import ReplyRow
from forum.repository.reply_lists import START, ReplyFilter
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 50
PAGE_SIZE_MAX = 100


class ReplyLists:
    """Lists replies, in a constant number of statements."""

    def __init__(self, foundation: Foundation, posts: PostReads, views: ReplyViews) -> None:
        self._lists = foundation.repositories.reply_lists
        self._page_tokens = foundation.page_tokens
        self._posts = posts
        self._views = views

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListRepliesRequest
    ) -> pb.ListRepliesResponse:
        """Return a page of replies; those of users whom the caller blocks come without their text.

        Raises:
            PostNotFound: There is no such post for the caller (POST_NOT_FOUND).
            InvalidArgument: A negative page size, or an order that does not exist (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list with these filters (PAGE_TOKEN_INVALID).
        """
        await self._posts.require_readable(connection, caller, request.post_id)
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        wanted = _filter(request)
        list_name = f"replies:{wanted.post_id}:{wanted.parent_id}:{wanted.is_top_level:d}:{wanted.sort}"
        after = START[wanted.sort]
        if request.page_token:
            after = self._position(list_name, request.page_token)
        found = await self._lists.list_after(connection, wanted, after=after, limit=limit + 1)
        shown = await self._views.of(connection, caller, found[:limit], is_list=True)
        response = pb.ListRepliesResponse(replies=shown)
        if len(found) > limit:
            response.next_page_token = self._page_tokens.encode(list_name, *_place(found[limit - 1].reply))
        return response

    def _position(self, list_name: str, token: str) -> tuple[int, int]:
        position = self._page_tokens.decode(list_name, token)
        if len(position) != 2 or not all(isinstance(part, int) for part in position):
            raise PageTokenInvalid
        return int(position[0]), int(position[1])


def _filter(request: pb.ListRepliesRequest) -> ReplyFilter:
    sort = request.sort or pb.REPLY_SORT_OLD
    if sort not in START:
        refuse([Violation("sort", "NOT_ALLOWED")])
    return ReplyFilter(request.post_id, request.parent_reply_id, request.is_top_level, sort)


def _place(reply: ReplyRow) -> tuple[int, int]:
    return reply.score, reply.number
