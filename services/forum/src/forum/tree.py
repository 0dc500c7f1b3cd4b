"""The legacy detail of a post: its text and the beginning of its reply tree, in three statements at most.

Most posts have few replies and take two. Replies are cut in the order of writing, and a reply is older than those
below it: what is left is a whole tree.
"""

from collections.abc import Iterable

from forum.categories import CategoryDirectory
from forum.errors import PostNotFound
from forum.foundation import Foundation
from forum.ranks import rank_of
from forum.repository.trees import TreePost, TreeRow
from forum.times import timestamp
from forum.visibility import is_visible
from plaza.forum.v1 import post_pb2, reply_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.caller import Caller

FIRST = 100
"""Replies that are read whatever their size: at most 8 MB, of which a client gets what the limit allows."""


class Trees:
    """Reads trees.

    Args:
        foundation: See there.
        directory: Who may read where.
        limit: Most replies.
        size_limit: Most bytes of their texts together.
    """

    def __init__(self, foundation: Foundation, directory: CategoryDirectory, *, limit: int, size_limit: int) -> None:
        self._trees = foundation.repositories.trees
        self._directory = directory
        self._limit = limit
        self._size_limit = size_limit

    async def get(self, caller: Caller, post_id: int) -> pb.GetPostTreeResponse:
        """Return a post with its oldest live replies, as many as the limits allow.

        Raises:
            PostNotFound: There is no such post for the caller (POST_NOT_FOUND).
        """
        post = await self._trees.find_post(post_id)
        categories = await self._directory.current()
        if (
            post is None
            or not categories.may_read(post.category_id, rank_of(caller))
            or not is_visible(post.status, post.author_id, caller)
        ):
            raise PostNotFound
        rows = await self._rows(post_id)
        kept = self._fitting(rows)
        return pb.GetPostTreeResponse(
            post=_post(post), replies=[_reply(row) for row in kept], is_truncated=len(kept) < len(rows)
        )

    async def _rows(self, post_id: int) -> list[TreeRow]:
        """Return what may be shown, and at least one row more if there are more."""
        first = await self._trees.list_first(post_id, limit=min(FIRST, self._limit) + 1)
        if len(first) <= FIRST or self._limit <= FIRST:
            return first
        size_left = self._size_limit - _size(first)
        if size_left < 0:
            return first
        rest = await self._trees.list_rest(
            post_id, after=first[-1].number, limit=self._limit + 1 - len(first), size_limit=size_left
        )
        return first + rest

    def _fitting(self, rows: list[TreeRow]) -> list[TreeRow]:
        size = 0
        for count, row in enumerate(rows):
            size += _size((row,))
            if count == self._limit or size > self._size_limit:
                return rows[:count]
        return rows


def _size(rows: Iterable[TreeRow]) -> int:
    return sum(len(row.content.encode()) for row in rows)


def _post(post: TreePost) -> post_pb2.ListedPost:
    return post_pb2.ListedPost(
        id=post.id,
        title=post.title,
        content=post.content,
        author=post.username,
        created_time=timestamp(post.created_time),
        updated_time=timestamp(post.updated_time),
        reply_count=post.reply_count,
    )


def _reply(row: TreeRow) -> reply_pb2.TreeReply:
    return reply_pb2.TreeReply(
        id=row.id,
        parent_reply_id=row.parent_id or 0,
        author=row.username,
        content=row.content,
        created_time=timestamp(row.created_time),
        updated_time=timestamp(row.updated_time),
    )
