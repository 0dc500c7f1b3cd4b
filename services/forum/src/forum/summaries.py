"""Posts as lists show them."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.foundation import Foundation
from forum.posts import is_readable
from forum.repository.posts import AuthoredPost
from forum.times import timestamp
from forum.viewers import Viewers
from forum.writers import author_of
from plaza.forum.v1 import post_pb2
from plaza_kit.caller import Caller


class Summaries:
    """Makes summaries for a caller, in a constant number of statements."""

    def __init__(self, foundation: Foundation, directory: CategoryDirectory, viewers: Viewers) -> None:
        self._posts = foundation.repositories.posts
        self._directory = directory
        self._viewers = viewers

    async def of(
        self, connection: AsyncConnection, caller: Caller, post_ids: Sequence[int], *, with_html: bool = False
    ) -> list[post_pb2.PostSummary]:
        """Return summaries in the order of the ids, without those posts that the caller may not read."""
        if not post_ids:
            return []
        categories = await self._directory.current()
        found = {
            post.row.id: post
            for post in await self._posts.list_by_ids(connection, set(post_ids), with_html=with_html)
            if is_readable(post.row, caller, categories)
        }
        readable = [found[post_id] for post_id in post_ids if post_id in found]
        return await self.of_rows(connection, caller, readable)

    async def of_rows(
        self, connection: AsyncConnection, caller: Caller, posts: Sequence[AuthoredPost]
    ) -> list[post_pb2.PostSummary]:
        """Return the summaries of posts that the caller may read."""
        if not posts:
            return []
        post_ids = {post.row.id for post in posts}
        tags = await self._posts.list_tag_names(connection, post_ids)
        reads = await self._viewers.reads(connection, caller, post_ids)
        return [_summary(post, tags=tags.get(post.row.id, ()), read=reads.get(post.row.id)) for post in posts]


def _summary(post: AuthoredPost, *, tags: Sequence[str], read: post_pb2.ReadPosition | None) -> post_pb2.PostSummary:
    row = post.row
    return post_pb2.PostSummary(
        id=row.id,
        title=row.title,
        excerpt=row.excerpt,
        author=author_of(post.author),
        category_id=row.category_id,
        tags=tags,
        created_time=timestamp(row.created_time),
        updated_time=timestamp(row.updated_time),
        last_activity_time=timestamp(row.last_activity_time),
        reply_count=row.reply_count,
        up_count=row.up_count,
        down_count=row.down_count,
        accepted_reply_id=row.accepted_reply_id or 0,
        pin_scope=cast("Any", row.pin_scope),
        is_locked=row.is_locked,
        is_featured=row.is_featured,
        status=cast("Any", row.status),
        version=row.version,
        last_reply_number=row.reply_seq,
        read=read,
        content_html=post.content_html,
    )
