"""A post with the beginning of its reply tree: hot, so plain tuples by prepared statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Integer, LargeBinary, Select, bindparam, func, select
from sqlalchemy import cast as sql_cast

from forum.models import posts, replies, users
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza_kit.db import Database


class TreePost(NamedTuple):
    """The post of a tree."""

    id: int
    author_id: int
    category_id: int
    status: int
    title: str
    content: str
    username: str
    created_time: datetime
    updated_time: datetime
    reply_count: int


class TreeRow(NamedTuple):
    """A live reply of a tree."""

    id: int
    parent_id: int | None
    number: int
    username: str
    content: str
    created_time: datetime
    updated_time: datetime


_ROW = (
    replies.c.id,
    replies.c.parent_id,
    replies.c.number,
    users.c.username,
    replies.c.content,
    replies.c.created_time,
    replies.c.updated_time,
)
_LIMIT = bindparam("row_limit", type_=Integer)


class TreeRepository:
    """All SQL about trees."""

    def __init__(self, database: Database) -> None:
        self._post = database.prepare(_post_statement())
        self._first = database.prepare(_first_statement())
        self._rest = database.prepare(_rest_statement())

    async def find_post(self, post_id: int) -> TreePost | None:
        """Return a post, whoever may see it."""
        row = await self._post.first(post_id=post_id)
        return None if row is None else TreePost(*row)

    async def list_first(self, post_id: int, *, limit: int) -> list[TreeRow]:
        """Return the oldest live replies of a post, in the order of writing."""
        return _rows(await self._first.all(post_id=post_id, row_limit=limit))

    async def list_rest(self, post_id: int, *, after: int, limit: int, size_limit: int) -> list[TreeRow]:
        """Return the next live replies of a post, the last of which is the first to exceed a size.

        Args:
            post_id: The post.
            after: The number of the last reply that is known.
            limit: How many at most.
            size_limit: In bytes of UTF-8, all their texts together.
        """
        return _rows(await self._rest.all(post_id=post_id, after=after, row_limit=limit, size_limit=size_limit))


def _rows(rows: Sequence[tuple[Any, ...]]) -> list[TreeRow]:
    return [TreeRow(*row) for row in rows]


def _post_statement() -> Select[Any]:
    values = (
        posts.c.id,
        posts.c.author_id,
        posts.c.category_id,
        posts.c.status,
        posts.c.title,
        posts.c.content,
        users.c.username,
        posts.c.created_time,
        posts.c.updated_time,
        posts.c.reply_count,
    )
    joined = posts.join(users, users.c.id == posts.c.author_id)
    return select(*values).select_from(joined).where(posts.c.id == bindparam("post_id"))


def _first_statement() -> Select[Any]:
    # Every reply has an author: the outer join leaves nothing out, and keeps planners from starting with all users.
    return (
        select(*_ROW)
        .select_from(replies.outerjoin(users, users.c.id == replies.c.author_id))
        .where(replies.c.post_id == bindparam("post_id"), replies.c.status == CONTENT_STATUS_LIVE)
        .order_by(replies.c.number)
        .limit(_LIMIT)
    )


def _rest_statement() -> Select[Any]:
    """Texts leave the database only as far as they fit, or a thousand of the longest would be eighty megabytes."""
    size = cast("Any", func.length(sql_cast(replies.c.content, LargeBinary)))
    candidates = (
        select(replies.c.id, replies.c.number, size.label("size"))
        .where(
            replies.c.post_id == bindparam("post_id"),
            replies.c.status == CONTENT_STATUS_LIVE,
            replies.c.number > bindparam("after"),
        )
        .order_by(replies.c.number)
        .limit(_LIMIT)
        .subquery("candidates")
    )
    before = func.sum(candidates.c.size).over(order_by=candidates.c.number) - candidates.c.size
    sized = select(candidates.c.id, before.label("before")).subquery("sized")
    joined = sized.join(replies, replies.c.id == sized.c.id).outerjoin(users, users.c.id == replies.c.author_id)
    return (
        select(*_ROW)
        .select_from(joined)
        .where(sized.c.before <= bindparam("size_limit", type_=Integer))
        .order_by(replies.c.number)
    )
