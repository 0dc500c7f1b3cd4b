"""Search: the best hits of the index, put in order by relevance and freshness, and shown as the database has them.

    score = BM25 (a title counts twice) x (1 + 2 ** (-age / 180 days))

is the order of the 200 hits that are best by BM25: what is new counts up to twice what is old.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from forum.categories import Categories, CategoryDirectory
from forum.excerpts import Marker, plain_text
from forum.foundation import Foundation
from forum.indexing import Indexing
from forum.paging import page_size
from forum.ranks import rank_of
from forum.repository.search import HitRow
from forum.search_index import HITS_MAX, Found, Wanted
from forum.tags import Tags
from forum.threads import Threads
from forum.times import timestamp
from forum.tokens import Term, terms_of
from forum.writers import author_of
from plaza.forum.v1 import search_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Unavailable, Violation
from plaza_kit.field_values import refuse
from plaza_kit.page_token import PageTokenInvalid

QUERY_MAX = 200
PAGE_SIZE = 20
PAGE_SIZE_MAX = 50
HALF_LIFE = timedelta(days=180)
BUILDING_SECONDS = 10.0
"""When to ask again while the index is being built."""

_KINDS: dict[int, bool | None] = {
    pb.SEARCH_KIND_UNSPECIFIED: None,
    pb.SEARCH_KIND_POST: False,
    pb.SEARCH_KIND_REPLY: True,
}


class Search:
    """Answers searches, in at most four statements.

    Args:
        foundation: What to stand on.
        directory: Who may read where.
        tags: Finds the tag of a name.
        indexing: Has the index.
        threads: Search in it and mark what was found.
    """

    def __init__(
        self, foundation: Foundation, directory: CategoryDirectory, *, tags: Tags, indexing: Indexing, threads: Threads
    ) -> None:
        self._database = foundation.database
        self._rows = foundation.repositories.search
        self._clock = foundation.clock
        self._page_tokens = foundation.page_tokens
        self._directory = directory
        self._tags = tags
        self._indexing = indexing
        self._threads = threads

    async def find(self, caller: Caller, request: pb.SearchRequest) -> pb.SearchResponse:
        """Return one page of hits.

        Raises:
            InvalidArgument: The query is empty or too long, the kind unknown, the page size negative
                (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this search (PAGE_TOKEN_INVALID).
            Unavailable: The index is being built, or too many searches are waiting (UNAVAILABLE).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        _check(request)
        list_name = _list_name(request)
        offset = self._offset(list_name, request.page_token)
        index = self._indexing.index
        if index is None:
            raise Unavailable("the search index is being built", retry_after=BUILDING_SECONDS)
        terms = terms_of(request.query)
        categories = await self._directory.current()
        wanted = await self._wanted(terms, categories, caller, request)
        if wanted is None:
            return pb.SearchResponse()
        found = in_order(await self._threads.run(index.search, wanted), self._clock())
        page = found[offset : offset + limit]
        rows = await self._readable(page, categories, rank_of(caller))
        response = pb.SearchResponse(hits=await self._threads.run(_hits, rows, terms))
        if offset + limit < len(found):
            response.next_page_token = self._page_tokens.encode(list_name, offset + limit)
        return response

    def _offset(self, list_name: str, page_token: str) -> int:
        if not page_token:
            return 0
        match self._page_tokens.decode(list_name, page_token):
            case [int(offset)] if 0 <= offset <= HITS_MAX:
                return offset
            case _:
                raise PageTokenInvalid

    async def _wanted(
        self, terms: Sequence[Term], categories: Categories, caller: Caller, request: pb.SearchRequest
    ) -> Wanted | None:
        """Return what to look for; None if nothing can be found: no words, or nothing that bears the filters."""
        rank = rank_of(caller)
        tag_id = 0
        if not terms or (request.category_id and not categories.may_read(request.category_id, rank)):
            return None
        if request.tag:
            async with self._database.read() as connection:
                tag = await self._tags.find_by_name(connection, request.tag)
            if tag is None:
                return None
            tag_id = tag.id
        return Wanted(
            terms=terms,
            category_ids=categories.below(request.category_id) if request.category_id else (),
            hidden_category_ids=tuple(categories.unreadable_ids(rank)),
            author_id=request.author_id,
            tag_id=tag_id,
            is_reply=_KINDS[request.kind],
        )

    async def _readable(self, page: Sequence[Found], categories: Categories, rank: int) -> list[HitRow]:
        """Return the hits as they are now, without those that the index should not have any more."""
        post_ids = [hit.post_id for hit in page if not hit.reply_id]
        reply_ids = [hit.reply_id for hit in page if hit.reply_id]
        rows: list[HitRow] = []
        async with self._database.read() as connection:
            if post_ids:
                rows += await self._rows.list_post_hits(connection, post_ids)
            if reply_ids:
                rows += await self._rows.list_reply_hits(connection, reply_ids)
        current: Mapping[tuple[int, int], HitRow] = {_identity(row): row for row in rows}
        shown = (current.get(_identity(hit)) for hit in page)
        return [row for row in shown if row is not None and categories.may_read(row.category_id, rank)]


def in_order(found: Sequence[Found], now: datetime) -> list[Found]:
    """Return hits by relevance and freshness, best first; of two that are equal, the newer one."""
    seconds_now, half_life = now.timestamp(), HALF_LIFE.total_seconds()

    def rank(hit: Found) -> tuple[float, int, int]:
        age = max(0.0, seconds_now - hit.created_seconds)
        return hit.score * (1.0 + 2.0 ** (-age / half_life)), hit.created_seconds, hit.reply_id or hit.post_id

    return sorted(found, key=rank, reverse=True)


def _check(request: pb.SearchRequest) -> None:
    violations = []
    if not request.query:
        violations.append(Violation("query", "BLANK", 1))
    elif len(request.query) > QUERY_MAX:
        violations.append(Violation("query", "TOO_LONG", QUERY_MAX))
    if request.kind not in _KINDS:
        violations.append(Violation("kind", "NOT_ALLOWED"))
    refuse(violations)


def _list_name(request: pb.SearchRequest) -> str:
    return f"search:{request.query!r}:{request.category_id}:{request.tag!r}:{request.author_id}:{request.kind}"


def _identity(hit: Found | HitRow) -> tuple[int, int]:
    """Return post and reply, but for a reply only itself: it may be another post's by now."""
    return (0, hit.reply_id) if hit.reply_id else (hit.post_id, 0)


def _hits(rows: Sequence[HitRow], terms: Sequence[Term]) -> list[pb.SearchHit]:
    """Return hits as messages; takes a core for up to some milliseconds each."""
    marker = Marker(terms)
    return [
        pb.SearchHit(
            post_id=row.post_id,
            reply_id=row.reply_id,
            title=row.title,
            title_html=marker.mark(row.title),
            excerpt_html=marker.excerpt(plain_text(row.content_html)),
            author=author_of(row.author),
            category_id=row.category_id,
            created_time=timestamp(row.created_time),
        )
        for row in rows
    ]
