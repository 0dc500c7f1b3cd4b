"""Rows of `replies`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import blocks, follows, posts, replies, users
from forum.repository.users import AUTHOR_COLUMNS
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST

END = 2**62
"""Beyond every number and score."""


class ReplyRow(NamedTuple):
    """One reply with what of its post decides over it; the attributes are the columns."""

    id: int
    post_id: int
    parent_id: int | None
    number: int
    depth: int
    author_id: int
    content: str
    content_html: str
    status: int
    removed_root_id: int | None
    version: int
    created_time: datetime
    updated_time: datetime
    up_count: int
    down_count: int
    score: int
    post_author_id: int
    post_category_id: int
    post_status: int
    is_post_locked: bool
    accepted_reply_id: int | None
    """Of the post."""


class WrittenReply(NamedTuple):
    """A reply with its author: the AUTHOR_COLUMNS."""

    reply: ReplyRow
    author: Sequence[Any]


class ReplyPlace(NamedTuple):
    """Where a new reply goes, read under the lock on its post."""

    number: int
    category_id: int
    post_author_id: int
    post_status: int
    is_post_locked: bool
    parent_post_id: int | None
    parent_status: int | None
    parent_depth: int | None


_POST_COLUMNS = (
    posts.c.author_id.label("post_author_id"),
    posts.c.category_id.label("post_category_id"),
    posts.c.status.label("post_status"),
    posts.c.is_locked.label("is_post_locked"),
    posts.c.accepted_reply_id,
)
_OWN_COUNT = len(ReplyRow._fields) - len(_POST_COLUMNS)
_COLUMNS = (*(replies.c[name] for name in ReplyRow._fields[:_OWN_COUNT]), *_POST_COLUMNS)


class ReplyRepository:
    """All SQL about replies. Statements are built once, at construction."""

    def __init__(self) -> None:
        with_post = select(*_COLUMNS).join(posts, posts.c.id == replies.c.post_id)
        self._by_id = with_post.where(replies.c.id == bindparam("reply_id"))
        self._locked = select(replies.c.id).where(replies.c.id == bindparam("reply_id")).with_for_update()
        self._written = select_written().where(replies.c.id == bindparam("reply_id"))
        self._place = _place_statement()

    async def find(self, connection: AsyncConnection, reply_id: int) -> ReplyRow | None:
        """Return a reply, whatever became of it."""
        row = (await connection.execute(self._by_id, {"reply_id": reply_id})).first()
        return None if row is None else ReplyRow(*row)

    async def lock(self, connection: AsyncConnection, reply_id: int) -> ReplyRow | None:
        """Return a reply as it is once its row is locked, which it stays until the transaction ends.

        Two statements: one that locked the joined row would take the post's lock after the reply's.
        """
        await connection.execute(self._locked, {"reply_id": reply_id})
        return await self.find(connection, reply_id)

    async def find_written(self, connection: AsyncConnection, reply_id: int) -> WrittenReply | None:
        """Return a reply with its author."""
        row = (await connection.execute(self._written, {"reply_id": reply_id})).first()
        return None if row is None else written_reply(row)

    async def take_number(self, connection: AsyncConnection, post_id: int, *, is_live: bool, now: datetime) -> bool:
        """Lock a post's row and count a new reply; return False if there is no such post."""
        values: dict[str, Any] = {"reply_seq": posts.c.reply_seq + 1}
        if is_live:
            values |= {"reply_count": posts.c.reply_count + 1, "last_activity_time": now}
        result = await connection.execute(update(posts).where(posts.c.id == post_id).values(values))
        return result.rowcount == 1

    async def find_place(self, connection: AsyncConnection, post_id: int, parent_id: int) -> ReplyPlace:
        """Return where the reply goes whose number was taken.

        Args:
            connection: The transaction.
            post_id: Its post.
            parent_id: What it answers; 0 is the post.
        """
        row = (await connection.execute(self._place, {"post_id": post_id, "parent_id": parent_id})).one()
        return ReplyPlace(*row)

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> int:
        """Add a reply and return its id."""
        reply_id = int((await connection.execute(insert(replies).values({**_NEW, **values}))).lastrowid)
        if values["status"] == CONTENT_STATUS_HELD:
            # As if it had been live and vanished alone.
            await connection.execute(update(replies).where(replies.c.id == reply_id).values(removed_root_id=reply_id))
        return reply_id

    async def update(self, connection: AsyncConnection, reply_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one reply."""
        await connection.execute(update(replies).where(replies.c.id == reply_id).values(dict(values)))

    async def count_children(self, connection: AsyncConnection, reply_ids: Collection[int]) -> dict[int, int]:
        """Return how many live replies answer each of these directly; those without one are left out."""
        statement = (
            select(replies.c.parent_id, func.count())
            .where(replies.c.parent_id.in_(reply_ids), replies.c.status == CONTENT_STATUS_LIVE)
            .group_by(replies.c.parent_id)
        )
        return {row[0]: row[1] for row in await connection.execute(statement)}

    async def find_relations(
        self, connection: AsyncConnection, user_id: int, *, author_ids: Collection[int], post_ids: Collection[int]
    ) -> tuple[set[int], set[int]]:
        """Return which of the authors a user blocks, and which of the posts they follow."""
        blocked = select(literal(True), blocks.c.blocked_user_id).where(
            blocks.c.user_id == user_id, blocks.c.blocked_user_id.in_(author_ids)
        )
        followed = select(literal(False), follows.c.target_id).where(
            follows.c.user_id == user_id, follows.c.target_kind == TARGET_KIND_POST, follows.c.target_id.in_(post_ids)
        )
        rows = (await connection.execute(blocked.union_all(followed))).all()
        return {row[1] for row in rows if row[0]}, {row[1] for row in rows if not row[0]}


def select_written() -> Select[Any]:
    """Return the start of a select of replies with their posts' state and their authors; see `written_reply`."""
    # Every reply has an author: the outer join leaves nothing out, and keeps planners from starting with all users.
    joined = replies.join(posts, posts.c.id == replies.c.post_id).outerjoin(users, users.c.id == replies.c.author_id)
    return select(*_COLUMNS, *AUTHOR_COLUMNS).select_from(joined)


def written_reply(row: Sequence[Any]) -> WrittenReply:
    """Return a row of `select_written`."""
    return WrittenReply(ReplyRow(*row[: len(_COLUMNS)]), row[len(_COLUMNS) :])


def _place_statement() -> Select[Any]:
    parents = replies.alias("parents")
    return (
        select(
            posts.c.reply_seq,
            posts.c.category_id,
            posts.c.author_id,
            posts.c.status,
            posts.c.is_locked,
            parents.c.post_id,
            parents.c.status,
            parents.c.depth,
        )
        .select_from(posts.outerjoin(parents, parents.c.id == bindparam("parent_id")))
        .where(posts.c.id == bindparam("post_id"))
    )


_NEW: dict[str, Any] = {"version": 1, "up_count": 0, "down_count": 0, "score": 0}
