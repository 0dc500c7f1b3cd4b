"""Rows of `posts`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import post_tags, posts, tags, users
from forum.repository.users import AUTHOR_COLUMNS
from plaza_kit.db import Database


class PostRow(NamedTuple):
    """One post without its text; the attributes are the columns."""

    id: int
    author_id: int
    category_id: int
    title: str
    excerpt: str
    status: int
    version: int
    created_time: datetime
    updated_time: datetime
    last_activity_time: datetime
    reply_seq: int
    reply_count: int
    up_count: int
    down_count: int
    score: int
    accepted_reply_id: int | None
    pin_scope: int
    is_locked: bool
    is_featured: bool


@dataclass(frozen=True, slots=True)
class AuthoredPost:
    """A post with who wrote it.

    Attributes:
        row: The post.
        author: The `AUTHOR_COLUMNS`.
        content: Markdown; empty unless it was asked for.
        content_html: Safe HTML; empty unless it was asked for.
    """

    row: PostRow
    author: tuple[Any, ...]
    content: str = ""
    content_html: str = ""


POST_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(posts.c[name] for name in PostRow._fields)


def authored(*more: ColumnElement[Any]) -> Select[Any]:
    """Return the start of a select of posts with their authors and further columns; see `authored_posts`.

    The outer join is one that nothing is left out by, since every post has an author. It keeps planners from starting
    with all users and sorting.
    """
    joined = posts.outerjoin(users, users.c.id == posts.c.author_id)
    return select(*POST_COLUMNS, *AUTHOR_COLUMNS, *more).select_from(joined)


def authored_posts(rows: Iterable[Any]) -> list[AuthoredPost]:
    """Return the rows of an `authored` select, whose further columns are content and content_html, as far as given."""
    posts_end, author_end = len(POST_COLUMNS), len(POST_COLUMNS) + len(AUTHOR_COLUMNS)
    return [
        AuthoredPost(PostRow(*row[:posts_end]), tuple(row[posts_end:author_end]), *row[author_end:]) for row in rows
    ]


class PostRepository:
    """All SQL about single posts. Statements are built once, at construction."""

    def __init__(self, database: Database) -> None:
        self._insert = database.prepare_write(insert(posts).values(_NEW))
        self._by_id = select(*POST_COLUMNS).where(posts.c.id == bindparam("post_id"))
        self._by_id_locked = self._by_id.with_for_update()
        self._text = select(posts.c.content).where(posts.c.id == bindparam("post_id"))
        self._tag_names = (
            select(post_tags.c.post_id, tags.c.name)
            .join(tags, tags.c.id == post_tags.c.tag_id)
            .where(post_tags.c.post_id.in_(bindparam("post_ids", expanding=True)), tags.c.name_key.is_not(None))
            .order_by(post_tags.c.post_id, post_tags.c.position)
        )
        self._whole = authored(posts.c.content, posts.c.content_html).where(posts.c.id == bindparam("post_id"))

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> int:
        """Add a post and return its id."""
        return (await self._insert.run(connection, **values)).last_id

    async def find(self, connection: AsyncConnection, post_id: int) -> PostRow | None:
        """Return a post, whoever may see it."""
        return _post((await connection.execute(self._by_id, {"post_id": post_id})).first())

    async def lock(self, connection: AsyncConnection, post_id: int) -> PostRow | None:
        """Return a post and keep its row locked until the transaction ends."""
        return _post((await connection.execute(self._by_id_locked, {"post_id": post_id})).first())

    async def find_content(self, connection: AsyncConnection, post_id: int) -> str:
        """Return the Markdown of a post that exists."""
        return str((await connection.execute(self._text, {"post_id": post_id})).scalar_one())

    async def find_whole(self, connection: AsyncConnection, post_id: int) -> AuthoredPost | None:
        """Return a post with its author and its text, whoever may see it."""
        found = authored_posts(await connection.execute(self._whole, {"post_id": post_id}))
        return found[0] if found else None

    async def list_by_ids(
        self, connection: AsyncConnection, post_ids: Collection[int], *, with_html: bool
    ) -> list[AuthoredPost]:
        """Return those of the posts that exist, in no order, without Markdown."""
        statement = authored(*html_columns(with_html)).where(posts.c.id.in_(post_ids))
        return authored_posts(await connection.execute(statement))

    async def list_tag_names(self, connection: AsyncConnection, post_ids: Collection[int]) -> dict[int, list[str]]:
        """Return the names of the tags of posts, in the order their authors gave them; without tags no entry."""
        names: dict[int, list[str]] = {}
        for post_id, name in await connection.execute(self._tag_names, {"post_ids": list(post_ids)}):
            names.setdefault(post_id, []).append(name)
        return names

    async def update(self, connection: AsyncConnection, post_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one post."""
        await connection.execute(update(posts).where(posts.c.id == post_id).values(dict(values)))


def html_columns(with_html: bool) -> tuple[ColumnElement[Any], ...]:
    """Return the further columns of a list: no content, and its HTML if wanted."""
    return (bindparam("no_content", "", unique=True), posts.c.content_html) if with_html else ()


def _post(row: Iterable[Any] | None) -> PostRow | None:
    return None if row is None else PostRow(*row)


_NEW: dict[str, Any] = {
    **{
        name: bindparam(name)
        for name in (
            "author_id",
            "category_id",
            "title",
            "content",
            "content_html",
            "content_hash",
            "excerpt",
            "status",
            "created_time",
            "updated_time",
            "last_activity_time",
        )
    },
    "version": 1,
    "reply_seq": 0,
    "reply_count": 0,
    "up_count": 0,
    "down_count": 0,
    "score": 0,
    "pin_scope": 0,
    "is_locked": False,
    "is_featured": False,
}
