"""Posts as their readers meet them: whom they exist for."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import Categories, CategoryDirectory
from forum.errors import PostNotFound
from forum.foundation import Foundation
from forum.ranks import MODERATOR, rank_of
from forum.repository.posts import PostRow
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza_kit.caller import Caller


class PostReads:
    """Finds posts for a caller; what they may not read does not exist."""

    def __init__(self, foundation: Foundation, directory: CategoryDirectory) -> None:
        self._posts = foundation.repositories.posts
        self._directory = directory

    async def require_readable(self, connection: AsyncConnection, caller: Caller, post_id: int) -> PostRow:
        """Return a post.

        Raises:
            PostNotFound: There is none that the caller may read (POST_NOT_FOUND).
        """
        return await self._readable(await self._posts.find(connection, post_id), caller)

    async def lock_readable(self, connection: AsyncConnection, caller: Caller, post_id: int) -> PostRow:
        """Return a post and keep its row locked until the transaction ends; errors as `require_readable`."""
        return await self._readable(await self._posts.lock(connection, post_id), caller)

    async def _readable(self, post: PostRow | None, caller: Caller) -> PostRow:
        if post is None or not is_readable(post, caller, await self._directory.current()):
            raise PostNotFound
        return post


def is_readable(post: PostRow, caller: Caller, categories: Categories) -> bool:
    """Tell whether a post exists for a caller: see `ContentStatus`, and the rights of its category."""
    rank = rank_of(caller)
    if not categories.may_read(post.category_id, rank):
        return False
    if post.status == CONTENT_STATUS_LIVE or rank >= MODERATOR:
        return True
    return post.status == CONTENT_STATUS_HELD and post.author_id == caller.user_id
