"""What the search index is made of, and what is shown of its hits."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import categories, post_tags, posts, replies, users
from forum.repository.users import AUTHOR_COLUMNS
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE

HTML_MAX = 200_000
"""Code points of kept HTML that are indexed: the longest text that can be written, with its markup."""

SHOWN_HTML_MAX = 40_000
"""Code points of kept HTML in which an excerpt is looked for."""


class SearchableText(NamedTuple):
    """A live post or reply; `reply_id` is 0 and `title` set if it is the post. Category: the post's."""

    post_id: int
    reply_id: int
    category_id: int
    author_id: int
    created_time: datetime
    title: str
    content_html: str


class HitRow(NamedTuple):
    """A live post or reply as it is now, with the AUTHOR_COLUMNS; `reply_id` is 0 if it is the post."""

    author: tuple[Any, ...]
    post_id: int
    reply_id: int
    category_id: int
    title: str
    content_html: str
    created_time: datetime


_SHOWN = len(HitRow._fields) - 1


class SearchRepository:
    """All SQL about searching. Statements are built once, at construction."""

    def __init__(self) -> None:
        post, reply = _searchable_posts(), _searchable_replies()
        post_ids: BindParameter[Any] = bindparam("post_ids", expanding=True)
        reply_ids: BindParameter[Any] = bindparam("reply_ids", expanding=True)
        first: BindParameter[int] = bindparam("first_id")
        last: BindParameter[int] = bindparam("last_id")
        self._posts = post.where(posts.c.id.in_(post_ids))
        self._posts_between = post.where(posts.c.id.between(first, last))
        self._replies = reply.where(replies.c.id.in_(reply_ids))
        self._replies_between = reply.where(replies.c.id.between(first, last))
        of_post = (replies.c.post_id == bindparam("post_id")) & (replies.c.number > bindparam("after_number"))
        self._reply_numbers = (
            select(replies.c.id, replies.c.number)
            .where(of_post, replies.c.status == int(CONTENT_STATUS_LIVE))
            .order_by(replies.c.number)
            .limit(bindparam("row_limit"))
        )
        self._tag_ids = select(post_tags.c.post_id, post_tags.c.tag_id).where(post_tags.c.post_id.in_(post_ids))
        self._last_ids = select(
            select(func.max(posts.c.id)).scalar_subquery(), select(func.max(replies.c.id)).scalar_subquery()
        )
        self._post_hits = _post_hits().where(posts.c.id.in_(post_ids))
        self._reply_hits = _reply_hits().where(replies.c.id.in_(reply_ids))

    async def find_origin(self, connection: AsyncConnection) -> str:
        """Return what tells this database from another one at the same address: when its first category was made."""
        statement = select(categories.c.id, categories.c.created_time).order_by(categories.c.id).limit(1)
        row = (await connection.execute(statement)).first()
        return "" if row is None else f"{row.id}:{row.created_time.isoformat()}"

    async def find_last_ids(self, connection: AsyncConnection) -> tuple[int, int]:
        """Return the highest ids of posts and of replies; 0 where there is none."""
        post_id, reply_id = (await connection.execute(self._last_ids)).one()
        return post_id or 0, reply_id or 0

    async def list_posts(self, connection: AsyncConnection, post_ids: Collection[int]) -> list[SearchableText]:
        """Return those of the posts that are live."""
        return _texts(await connection.execute(self._posts, {"post_ids": list(post_ids)}))

    async def list_posts_between(self, connection: AsyncConnection, *, first: int, last: int) -> list[SearchableText]:
        """Return the live posts with these ids and the ids between them."""
        return _texts(await connection.execute(self._posts_between, {"first_id": first, "last_id": last}))

    async def list_replies(self, connection: AsyncConnection, reply_ids: Collection[int]) -> list[SearchableText]:
        """Return those of the replies that are live, of live posts."""
        return _texts(await connection.execute(self._replies, {"reply_ids": list(reply_ids)}))

    async def list_replies_between(self, connection: AsyncConnection, *, first: int, last: int) -> list[SearchableText]:
        """Return the live replies of live posts with these ids and the ids between them."""
        return _texts(await connection.execute(self._replies_between, {"first_id": first, "last_id": last}))

    async def list_reply_ids(
        self, connection: AsyncConnection, post_id: int, *, after_number: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return ids and numbers of up to `limit` live replies of a post, by number."""
        values = {"post_id": post_id, "after_number": after_number, "row_limit": limit}
        return [(reply_id, number) for reply_id, number in await connection.execute(self._reply_numbers, values)]

    async def list_ids_below(self, connection: AsyncConnection, reply_ids: Collection[int]) -> list[int]:
        """Return the ids of all replies below these, whatever their status."""
        tree = select(replies.c.id).where(replies.c.parent_id.in_(reply_ids)).cte("tree", recursive=True)
        tree = tree.union(select(replies.c.id).where(replies.c.parent_id == tree.c.id))
        return list((await connection.execute(select(tree.c.id))).scalars())

    async def list_tag_ids(self, connection: AsyncConnection, post_ids: Collection[int]) -> dict[int, list[int]]:
        """Return the ids of the tags of posts, in no order; without tags no entry."""
        ids: dict[int, list[int]] = {}
        for post_id, tag_id in await connection.execute(self._tag_ids, {"post_ids": list(post_ids)}):
            ids.setdefault(post_id, []).append(tag_id)
        return ids

    async def list_post_hits(self, connection: AsyncConnection, post_ids: Collection[int]) -> list[HitRow]:
        """Return those of the posts that are live."""
        return _hit_rows(await connection.execute(self._post_hits, {"post_ids": list(post_ids)}))

    async def list_reply_hits(self, connection: AsyncConnection, reply_ids: Collection[int]) -> list[HitRow]:
        """Return those of the replies that are live, of live posts."""
        return _hit_rows(await connection.execute(self._reply_hits, {"reply_ids": list(reply_ids)}))


def _searchable_posts() -> Select[Any]:
    return select(
        posts.c.id,
        _zero(),
        posts.c.category_id,
        posts.c.author_id,
        posts.c.created_time,
        posts.c.title,
        func.substr(posts.c.content_html, 1, HTML_MAX),
    ).where(posts.c.status == int(CONTENT_STATUS_LIVE))


def _searchable_replies() -> Select[Any]:
    return (
        select(
            replies.c.post_id,
            replies.c.id,
            posts.c.category_id,
            replies.c.author_id,
            replies.c.created_time,
            bindparam("no_title", "", unique=True),
            func.substr(replies.c.content_html, 1, HTML_MAX),
        )
        .select_from(replies)
        .join(posts, posts.c.id == replies.c.post_id)
        .where(replies.c.status == int(CONTENT_STATUS_LIVE), posts.c.status == int(CONTENT_STATUS_LIVE))
    )


def _post_hits() -> Select[Any]:
    shown = func.substr(posts.c.content_html, 1, SHOWN_HTML_MAX)
    columns = (posts.c.id, _zero(), posts.c.category_id, posts.c.title, shown, posts.c.created_time)
    return (
        select(*columns, *AUTHOR_COLUMNS)
        .select_from(posts)
        .join(users, users.c.id == posts.c.author_id)
        .where(posts.c.status == int(CONTENT_STATUS_LIVE))
    )


def _reply_hits() -> Select[Any]:
    shown = func.substr(replies.c.content_html, 1, SHOWN_HTML_MAX)
    columns = (posts.c.id, replies.c.id, posts.c.category_id, posts.c.title, shown, replies.c.created_time)
    return (
        select(*columns, *AUTHOR_COLUMNS)
        .select_from(replies)
        .join(posts, posts.c.id == replies.c.post_id)
        .join(users, users.c.id == replies.c.author_id)
        .where(replies.c.status == int(CONTENT_STATUS_LIVE), posts.c.status == int(CONTENT_STATUS_LIVE))
    )


def _zero() -> ColumnElement[int]:
    return bindparam("zero", 0, unique=True)


def _texts(rows: Iterable[Any]) -> list[SearchableText]:
    return [SearchableText(*row) for row in rows]


def _hit_rows(rows: Iterable[Any]) -> list[HitRow]:
    return [HitRow(tuple(row[_SHOWN:]), *row[:_SHOWN]) for row in rows]
