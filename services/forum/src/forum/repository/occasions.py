"""What an event is about, as it is now: `posts` and `replies` with what decides who may know of them."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import audit_entries, categories, post_tags, posts, replies
from forum.ranks import ADMIN, ANYONE
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, TargetKind

Target = tuple["TargetKind.ValueType", int]
"""Kind and id."""


class Occasion(NamedTuple):
    """A post, or a reply with its post.

    Attributes:
        post_id: The post.
        reply_id: The reply; 0 if it is about the post.
        parent_reply_id: What the reply answers; 0 if that is the post.
        author_id: Who wrote the reply, or the post.
        answered_author_id: Who wrote what the reply answers; 0 for a post.
        category_id: Where.
        read_rank: Least rank that may read there (see `forum.ranks`).
        title: Of the post.
        content: Markdown of the reply, or of the post.
        is_live: In sight: the reply, if it is about one, and the post.
        accepted_reply_id: The post's accepted answer; 0 if none.
    """

    post_id: int
    reply_id: int
    parent_reply_id: int
    author_id: int
    answered_author_id: int
    category_id: int
    read_rank: int
    title: str
    content: str
    is_live: bool
    accepted_reply_id: int

    @property
    def target(self) -> Target:
        """The reply, if it is about one, else the post."""
        if self.reply_id:
            return TARGET_KIND_REPLY, self.reply_id
        return TARGET_KIND_POST, self.post_id


_parents = categories.alias("parents")
_answered = replies.alias("answered")


def read_rank() -> ColumnElement[int]:
    """Return the expression of the least rank that may read in a post's category: its parent's counts too."""
    own, above = func.coalesce(categories.c.read_rank, ADMIN), func.coalesce(_parents.c.read_rank, ANYONE)
    return case((above > own, above), else_=own)


def with_category(statement: Select[Any]) -> Select[Any]:
    """Join what `read_rank` needs to a statement that selects from `posts`."""
    return statement.outerjoin(categories, categories.c.id == posts.c.category_id).outerjoin(
        _parents, _parents.c.id == categories.c.parent_id
    )


class OccasionRepository:
    """Reads occasions. Statements are built once, at construction."""

    def __init__(self) -> None:
        of_post = (posts.c.category_id, read_rank(), posts.c.title)
        self._post = with_category(
            select(
                posts.c.id,
                literal(0),
                literal(0),
                posts.c.author_id,
                literal(0),
                *of_post,
                posts.c.content,
                (posts.c.status == CONTENT_STATUS_LIVE).label("is_live"),
                func.coalesce(posts.c.accepted_reply_id, 0),
            ).select_from(posts)
        ).where(posts.c.id == bindparam("post_id"))
        self._reply = with_category(
            select(
                posts.c.id,
                replies.c.id,
                func.coalesce(replies.c.parent_id, 0),
                replies.c.author_id,
                func.coalesce(_answered.c.author_id, posts.c.author_id),
                *of_post,
                replies.c.content,
                and_(posts.c.status == CONTENT_STATUS_LIVE, replies.c.status == CONTENT_STATUS_LIVE).label("is_live"),
                func.coalesce(posts.c.accepted_reply_id, 0),
            )
            .select_from(replies)
            .join(posts, posts.c.id == replies.c.post_id)
            .outerjoin(_answered, _answered.c.id == replies.c.parent_id)
        ).where(replies.c.id == bindparam("reply_id"))
        self._tags = select(post_tags.c.tag_id).where(post_tags.c.post_id == bindparam("post_id"))

    async def find(self, connection: AsyncConnection, post_id: int, reply_id: int = 0) -> Occasion | None:
        """Return a reply, or a post if `reply_id` is 0, whatever its status; None if there is none."""
        if reply_id:
            rows = await connection.execute(self._reply, {"reply_id": reply_id})
        else:
            rows = await connection.execute(self._post, {"post_id": post_id})
        row = rows.first()
        return None if row is None else Occasion(*row)._replace(is_live=bool(row.is_live))

    async def list_tags(self, connection: AsyncConnection, post_id: int) -> list[int]:
        """Return the ids of a post's tags."""
        return list((await connection.execute(self._tags, {"post_id": post_id})).scalars())

    async def find_reason(self, connection: AsyncConnection, target: Target, action: str) -> str:
        """Return what was last written down about an action on a target; empty if nothing was."""
        statement = (
            select(audit_entries.c.detail)
            .where(
                audit_entries.c.target_kind == int(target[0]),
                audit_entries.c.target_id == target[1],
                audit_entries.c.action == action,
            )
            .order_by(audit_entries.c.id.desc())
            .limit(1)
        )
        return (await connection.execute(statement)).scalar() or ""
