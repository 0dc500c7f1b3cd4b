"""One post with its text, as its page shows it."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.errors import PostNotFound
from forum.foundation import Foundation
from forum.posts import is_readable
from forum.summaries import Summaries
from forum.viewers import Viewers
from plaza.forum.v1 import post_pb2
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST
from plaza_kit.caller import Caller


class PostViews:
    """Reads posts, in a constant number of statements."""

    def __init__(
        self, foundation: Foundation, directory: CategoryDirectory, *, summaries: Summaries, viewers: Viewers
    ) -> None:
        self._posts = foundation.repositories.posts
        self._directory = directory
        self._summaries = summaries
        self._viewers = viewers

    async def get(self, connection: AsyncConnection, caller: Caller, post_id: int) -> post_pb2.Post:
        """Return a post with its text and what the caller has to do with it.

        Raises:
            PostNotFound: There is none that the caller may read (POST_NOT_FOUND).
        """
        post = await self._posts.find_whole(connection, post_id)
        if post is None or not is_readable(post.row, caller, await self._directory.current()):
            raise PostNotFound
        [summary] = await self._summaries.of_rows(connection, caller, [replace(post, content_html="")])
        reactions = await self._viewers.reactions(connection, TARGET_KIND_POST, [post_id])
        viewers = await self._viewers.of(connection, caller, TARGET_KIND_POST, {post_id: post.row.author_id})
        return post_pb2.Post(
            summary=summary,
            content=post.content,
            content_html=post.content_html,
            reactions=reactions.get(post_id),
            viewer=viewers.get(post_id),
        )
