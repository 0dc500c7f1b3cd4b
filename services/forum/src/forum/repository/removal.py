"""Posts and replies going out of sight and coming back: status, counters and the subtree of a reply."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import posts, replies
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE, ContentStatus

CHUNK = 1000
"""Most ids in one statement."""


class PostState(NamedTuple):
    """What of a post decides over its removal."""

    category_id: int
    status: int
    accepted_reply_id: int | None


class ReplyState(NamedTuple):
    """What of a reply decides over its removal."""

    post_id: int
    parent_id: int | None
    status: int


class RemovalRepository:
    """All SQL about removal. Statements are built once, at construction."""

    def __init__(self) -> None:
        self._post = (
            select(posts.c.category_id, posts.c.status, posts.c.accepted_reply_id)
            .where(posts.c.id == bindparam("post_id"))
            .with_for_update()
        )
        state = (replies.c.post_id, replies.c.parent_id, replies.c.status)
        self._reply = select(*state).where(replies.c.id == bindparam("reply_id"))
        tree = select(replies.c.id).where(replies.c.id == bindparam("reply_id")).cte("tree", recursive=True)
        # Deeper by one level with each step: the deepest tree that the settings allow needs 901, the databases end
        # at 1,000.
        below = select(replies.c.id).where(replies.c.parent_id == tree.c.id, replies.c.status == CONTENT_STATUS_LIVE)
        self._live_subtree = select(tree.union_all(below).c.id)

    async def lock_post(self, connection: AsyncConnection, post_id: int) -> PostState:
        """Return a post and keep its row locked until the transaction ends."""
        return PostState(*(await connection.execute(self._post, {"post_id": post_id})).one())

    async def find_reply(self, connection: AsyncConnection, reply_id: int) -> ReplyState:
        """Return a reply as it is now; its post is locked."""
        return ReplyState(*(await connection.execute(self._reply, {"reply_id": reply_id})).one())

    async def set_post_status(
        self, connection: AsyncConnection, post_id: int, status: "ContentStatus.ValueType"
    ) -> None:
        """Set who can see a post."""
        await connection.execute(update(posts).where(posts.c.id == post_id).values(status=status))

    async def count_replies(
        self, connection: AsyncConnection, post_id: int, *, by: int, is_answer_gone: bool = False
    ) -> None:
        """Change the number of a post's live replies, and clear the accepted one if it is gone."""
        values: dict[str, Any] = {"reply_count": posts.c.reply_count + by}
        if is_answer_gone:
            values["accepted_reply_id"] = None
        await connection.execute(update(posts).where(posts.c.id == post_id).values(values))

    async def list_live_subtree(self, connection: AsyncConnection, reply_id: int) -> list[int]:
        """Return the ids of a live reply and of all live ones below it, ascending."""
        rows = await connection.execute(self._live_subtree, {"reply_id": reply_id})
        return sorted(rows.scalars())

    async def hide(
        self, connection: AsyncConnection, ids: Sequence[int], *, status: "ContentStatus.ValueType", root_id: int
    ) -> None:
        """Take live replies out of sight, together with the one that they were below."""
        for chunk in _chunks(ids):
            await connection.execute(
                update(replies).where(replies.c.id.in_(chunk)).values(status=status, removed_root_id=root_id)
            )

    async def set_hidden_status(
        self, connection: AsyncConnection, root_id: int, status: "ContentStatus.ValueType"
    ) -> int:
        """Say otherwise why the replies that vanished with one are out of sight; return how many there are."""
        found = update(replies).where(replies.c.removed_root_id == root_id)
        return int((await connection.execute(found.values(status=status))).rowcount)

    async def show(self, connection: AsyncConnection, root_id: int) -> int:
        """Bring back the replies that vanished with one; return how many."""
        found = update(replies).where(replies.c.removed_root_id == root_id)
        result = await connection.execute(found.values(status=CONTENT_STATUS_LIVE, removed_root_id=None))
        return int(result.rowcount)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
