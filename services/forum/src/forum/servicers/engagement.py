"""EngagementService: what people do with posts, replies and each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.answers import Answers
from forum.blocks import Blocks
from forum.bookmarks import Bookmarks
from forum.follows import Follows
from forum.reactions import Reactions
from forum.reading import Reading
from forum.servicers.writes import Writes
from forum.votes import Votes
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import engagement_service_pb2_grpc
from plaza_kit.caller import Caller, current_caller
from plaza_kit.db import Database

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True)
class EngagementParts:
    """The use cases behind the servicer."""

    votes: Votes
    reactions: Reactions
    answers: Answers
    bookmarks: Bookmarks
    follows: Follows
    blocks: Blocks
    reading: Reading


class EngagementServicer(engagement_service_pb2_grpc.EngagementServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, parts: EngagementParts) -> None:
        self._database = database
        self._writes = writes
        self._parts = parts

    async def SetVote(self, request: pb.SetVoteRequest, context: Any) -> pb.SetVoteResponse:
        """Vote, or take a vote back."""
        return await self._write("SetVote", request, pb.SetVoteResponse, self._parts.votes.set)

    async def AddReaction(self, request: pb.AddReactionRequest, context: Any) -> pb.AddReactionResponse:
        """Give an emoji."""
        return await self._write("AddReaction", request, pb.AddReactionResponse, self._parts.reactions.add)

    async def RemoveReaction(self, request: pb.RemoveReactionRequest, context: Any) -> pb.RemoveReactionResponse:
        """Take an emoji back."""
        return await self._write("RemoveReaction", request, pb.RemoveReactionResponse, self._parts.reactions.remove)

    async def AcceptAnswer(self, request: pb.AcceptAnswerRequest, context: Any) -> pb.AcceptAnswerResponse:
        """Say which reply answers a post."""
        return await self._write("AcceptAnswer", request, pb.AcceptAnswerResponse, self._parts.answers.accept)

    async def ClearAnswer(self, request: pb.ClearAnswerRequest, context: Any) -> pb.ClearAnswerResponse:
        """Take that back."""
        return await self._write("ClearAnswer", request, pb.ClearAnswerResponse, self._parts.answers.clear)

    async def AddBookmark(self, request: pb.AddBookmarkRequest, context: Any) -> pb.AddBookmarkResponse:
        """Keep a post or a reply."""
        return await self._write("AddBookmark", request, pb.AddBookmarkResponse, self._parts.bookmarks.add)

    async def RemoveBookmark(self, request: pb.RemoveBookmarkRequest, context: Any) -> pb.RemoveBookmarkResponse:
        """Forget it."""
        return await self._write("RemoveBookmark", request, pb.RemoveBookmarkResponse, self._parts.bookmarks.remove)

    async def ListBookmarks(self, request: pb.ListBookmarksRequest, context: Any) -> pb.ListBookmarksResponse:
        """Return a page of the caller's bookmarks."""
        async with self._database.read() as connection:
            return await self._parts.bookmarks.list_page(connection, current_caller(), request)

    async def Follow(self, request: pb.FollowRequest, context: Any) -> pb.FollowResponse:
        """Follow something or somebody."""
        return await self._write("Follow", request, pb.FollowResponse, self._parts.follows.add)

    async def Unfollow(self, request: pb.UnfollowRequest, context: Any) -> pb.UnfollowResponse:
        """Stop following."""
        return await self._write("Unfollow", request, pb.UnfollowResponse, self._parts.follows.remove)

    async def ListFollows(self, request: pb.ListFollowsRequest, context: Any) -> pb.ListFollowsResponse:
        """Return a page of what the caller follows."""
        async with self._database.read() as connection:
            return await self._parts.follows.list_page(connection, current_caller(), request)

    async def BlockUser(self, request: pb.BlockUserRequest, context: Any) -> pb.BlockUserResponse:
        """Block a user."""
        return await self._write("BlockUser", request, pb.BlockUserResponse, self._parts.blocks.add)

    async def UnblockUser(self, request: pb.UnblockUserRequest, context: Any) -> pb.UnblockUserResponse:
        """Unblock a user."""
        return await self._write("UnblockUser", request, pb.UnblockUserResponse, self._parts.blocks.remove)

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: Any) -> pb.ListBlocksResponse:
        """Return a page of the users whom the caller blocks."""
        async with self._database.read() as connection:
            return await self._parts.blocks.list_page(connection, current_caller(), request)

    async def MarkPostRead(self, request: pb.MarkPostReadRequest, context: Any) -> pb.MarkPostReadResponse:
        """Record how far the caller has read a post."""
        return await self._write("MarkPostRead", request, pb.MarkPostReadResponse, self._parts.reading.mark_post)

    async def MarkAllRead(self, request: pb.MarkAllReadRequest, context: Any) -> pb.MarkAllReadResponse:
        """Record that nothing is unread."""
        return await self._write("MarkAllRead", request, pb.MarkAllReadResponse, self._parts.reading.mark_all)

    async def _write(
        self,
        method: str,
        request: RequestT,
        response_type: type[ResponseT],
        use_case: Callable[[AsyncConnection, Caller, RequestT], Awaitable[ResponseT]],
    ) -> ResponseT:
        caller = current_caller()

        async def work(connection: AsyncConnection) -> ResponseT:
            return await use_case(connection, caller, request)

        return await self._writes.run(method, request, response_type, work)
