"""Lists of posts for everybody: in several orders, narrowed by filters, page by page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import Categories, CategoryDirectory
from forum.errors import CategoryNotFound, TagNotFound
from forum.foundation import Foundation
from forum.paging import from_micros, page_size, to_micros
from forum.ranks import rank_of
from forum.repository.post_lists import Selection, Sort
from forum.repository.posts import AuthoredPost
from forum.summaries import Summaries
from forum.tags import Tags
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse
from plaza_kit.interceptors import LoginRequired
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
PAGE_SIZE_WITH_HTML_MAX = 50
PINNED_MAX = 10
UNREAD_AGE = timedelta(days=30)
"""What was last active earlier counts as read."""

_SORTS: dict[int, Sort] = {
    pb.POST_SORT_UNSPECIFIED: "new",
    pb.POST_SORT_NEW: "new",
    pb.POST_SORT_ACTIVE: "active",
    pb.POST_SORT_TOP: "top",
    pb.POST_SORT_UNANSWERED: "unanswered",
}
_WINDOWS: dict[int, timedelta | None] = {
    pb.TOP_WINDOW_UNSPECIFIED: None,
    pb.TOP_WINDOW_DAY: timedelta(days=1),
    pb.TOP_WINDOW_WEEK: timedelta(days=7),
    pb.TOP_WINDOW_ALL: None,
}


class PostLists:
    """Answers lists in a constant number of statements: at most six."""

    def __init__(
        self, foundation: Foundation, directory: CategoryDirectory, *, summaries: Summaries, tags: Tags
    ) -> None:
        self._lists = foundation.repositories.post_lists
        self._page_tokens = foundation.page_tokens
        self._clock = foundation.clock
        self._directory = directory
        self._summaries = summaries
        self._tags = tags

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListPostsRequest
    ) -> pb.ListPostsResponse:
        """Return one page.

        Raises:
            InvalidArgument: A negative page size, an unknown order or window (INVALID_REQUEST).
            LoginRequired: A filter is about the caller, who is nobody (TOKEN_MISSING).
            CategoryNotFound: There is none for the caller (CATEGORY_NOT_FOUND).
            TagNotFound: (TAG_NOT_FOUND.)
            PageTokenInvalid: The token is not from this list with these filters (PAGE_TOKEN_INVALID).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_WITH_HTML_MAX if request.with_html else PAGE_SIZE_MAX)
        _check(request, caller)
        selection, list_name = await self._selection(connection, caller, request, limit + 1)
        posts = await self._lists.list_page(connection, selection)
        page = posts[:limit]
        pinned = [] if request.page_token else await self._pinned(connection, selection, request)
        summaries = await self._summaries.of_rows(connection, caller, [*page, *pinned])
        response = pb.ListPostsResponse(posts=summaries[: len(page)], pinned=summaries[len(page) :])
        if len(posts) > limit:
            response.next_page_token = self._page_tokens.encode(list_name, *_position_of(page[-1], selection))
        return response

    async def _selection(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListPostsRequest, limit: int
    ) -> tuple[Selection, str]:
        """Return what the request asks for, and the name of the list with its filters."""
        categories = await self._directory.current()
        rank = rank_of(caller)
        category_ids = _category_ids(categories, request.category_id, rank) if request.category_id else ()
        tag_id = await self._tag_id(connection, request.tag) if request.tag else 0
        now = self._clock()
        window = _WINDOWS[request.window] if request.sort == pb.POST_SORT_TOP else None
        unread_since = None
        if request.is_unread:
            horizon = await self._lists.find_horizon(connection, caller.user_id)
            unread_since = max(horizon or now - UNREAD_AGE, now - UNREAD_AGE)
        selection = Selection(
            sort=_SORTS[request.sort],
            limit=limit,
            reader_id=caller.user_id,
            hidden=categories.unreadable_ids(rank),
            category_ids=category_ids,
            author_id=request.author_id,
            tag_id=tag_id,
            since=None if window is None else now - window,
            followed=await self._lists.find_followed(connection, caller.user_id) if request.is_followed else None,
            unread_since=unread_since,
            with_html=request.with_html,
        )
        filters = (request.author_id, request.category_id, tag_id, request.is_followed, request.is_unread)
        list_name = f"posts:{selection.sort}:{window}:{filters}"
        if request.page_token:
            selection = _from_position(selection, self._page_tokens.decode(list_name, request.page_token))
        return selection, list_name

    async def _tag_id(self, connection: AsyncConnection, name: str) -> int:
        tag = await self._tags.find_by_name(connection, name)
        if tag is None:
            raise TagNotFound
        return tag.id

    async def _pinned(
        self, connection: AsyncConnection, selection: Selection, request: pb.ListPostsRequest
    ) -> list[AuthoredPost]:
        is_narrowed = request.author_id or request.tag or request.is_followed or request.is_unread
        if is_narrowed or selection.sort not in ("new", "active"):
            return []
        return await self._lists.list_pinned(connection, selection, category_id=request.category_id, limit=PINNED_MAX)


def _check(request: pb.ListPostsRequest, caller: Caller) -> None:
    violations = []
    if request.sort not in _SORTS:
        violations.append(Violation("sort", "NOT_ALLOWED"))
    if request.window not in _WINDOWS:
        violations.append(Violation("window", "NOT_ALLOWED"))
    refuse(violations)
    if caller.is_anonymous and (request.is_followed or request.is_unread):
        raise LoginRequired


def _category_ids(categories: Categories, category_id: int, rank: int) -> list[int]:
    """Return a category and those below it, as far as they exist for somebody of that rank."""
    if not categories.may_read(category_id, rank):
        raise CategoryNotFound
    return [below for below in categories.below(category_id) if categories.may_read(below, rank)]


def _position_of(post: AuthoredPost, selection: Selection) -> tuple[int, ...]:
    row = post.row
    if selection.is_by_id:
        return (row.id,)
    if selection.sort == "top":
        since = 0 if selection.since is None else to_micros(selection.since)  # the same on all pages
        return since, row.score, row.id
    return to_micros(row.last_activity_time if selection.sort == "active" else row.created_time), row.id


def _from_position(selection: Selection, position: Sequence[int | str]) -> Selection:
    numbers = [number for number in position if isinstance(number, int)]
    if selection.is_by_id and len(numbers) == 1:
        return replace(selection, position=(numbers[0],))
    if selection.sort == "top" and len(numbers) == 3:
        since, score, post_id = numbers
        return replace(selection, since=from_micros(since) if since else None, position=(score, post_id))
    if len(numbers) == 2:
        return replace(selection, position=(from_micros(numbers[0]), numbers[1]))
    raise PageTokenInvalid
