"""PostService: posts, and lists of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.post_edits import PostEdits
from forum.post_lists import PostLists
from forum.post_pages import PostPages
from forum.post_views import PostViews
from forum.post_writing import PostWriting
from forum.servicers.writes import Writes
from forum.tree import Trees
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


@dataclass(frozen=True, slots=True)
class PostUseCases:
    """What the service can do with posts."""

    writing: PostWriting
    edits: PostEdits
    views: PostViews
    trees: Trees
    lists: PostLists
    pages: PostPages


class PostServicer(post_service_pb2_grpc.PostServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, posts: PostUseCases) -> None:
        self._database = database
        self._writes = writes
        self._posts = posts

    async def CreatePost(self, request: pb.CreatePostRequest, context: Any) -> pb.CreatePostResponse:
        """Write a post."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.CreatePostResponse:
            return await self._posts.writing.create(connection, caller, request)

        return await self._writes.run("CreatePost", request, pb.CreatePostResponse, work)

    async def UpdatePost(self, request: pb.UpdatePostRequest, context: Any) -> pb.UpdatePostResponse:
        """Change a post."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdatePostResponse:
            return await self._posts.edits.update(connection, caller, request)

        return await self._writes.run("UpdatePost", request, pb.UpdatePostResponse, work)

    async def DeletePost(self, request: pb.DeletePostRequest, context: Any) -> pb.DeletePostResponse:
        """Delete a post with its replies."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeletePostResponse:
            return await self._posts.writing.delete(connection, caller, request)

        return await self._writes.run("DeletePost", request, pb.DeletePostResponse, work)

    async def GetPost(self, request: pb.GetPostRequest, context: Any) -> pb.GetPostResponse:
        """Return one post with its text."""
        async with self._database.read() as connection:
            post = await self._posts.views.get(connection, current_caller(), request.post_id)
        return pb.GetPostResponse(post=post)

    async def GetPostTree(self, request: pb.GetPostTreeRequest, context: Any) -> pb.GetPostTreeResponse:
        """Return one post with the beginning of its reply tree."""
        return await self._posts.trees.get(current_caller(), request.post_id)

    async def ListPosts(self, request: pb.ListPostsRequest, context: Any) -> pb.ListPostsResponse:
        """Return posts page by page."""
        async with self._database.read() as connection:
            return await self._posts.lists.list_page(connection, current_caller(), request)

    async def ListPostPage(self, request: pb.ListPostPageRequest, context: Any) -> pb.ListPostPageResponse:
        """Return posts by page number."""
        return await self._posts.pages.list_page(current_caller(), request)
