"""Posts as their readers meet them: whom they exist for."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import Categories, CategoryDirectory
from forum.errors import PostNotFound
from forum.foundation import Foundation
from forum.ranks import rank_of
from forum.repository.posts import PostRow
from forum.visibility import is_visible
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
    """Tell whether a post exists for a caller: its category and its status decide."""
    is_place_readable = categories.may_read(post.category_id, rank_of(caller))
    return is_place_readable and is_visible(post.status, post.author_id, caller)
