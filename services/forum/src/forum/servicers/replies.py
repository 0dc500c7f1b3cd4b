"""ReplyService: replies to posts and to each other."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.replies import Replies
from forum.reply_edits import ReplyEdits
from forum.reply_lists import ReplyLists
from forum.reply_writing import ReplyWriting
from forum.servicers.writes import Writes
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1 import reply_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


@dataclass(frozen=True, slots=True)
class ReplyUseCases:
    """What the service can do with replies."""

    replies: Replies
    writing: ReplyWriting
    edits: ReplyEdits
    lists: ReplyLists


class ReplyServicer(reply_service_pb2_grpc.ReplyServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, use_cases: ReplyUseCases) -> None:
        self._database = database
        self._writes = writes
        self._use_cases = use_cases

    async def CreateReply(self, request: pb.CreateReplyRequest, context: Any) -> pb.CreateReplyResponse:
        """Write a reply."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.CreateReplyResponse:
            return pb.CreateReplyResponse(reply=await self._use_cases.writing.create(connection, caller, request))

        return await self._writes.run("CreateReply", request, pb.CreateReplyResponse, work)

    async def UpdateReply(self, request: pb.UpdateReplyRequest, context: Any) -> pb.UpdateReplyResponse:
        """Change a reply."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateReplyResponse:
            return pb.UpdateReplyResponse(reply=await self._use_cases.edits.update(connection, caller, request))

        return await self._writes.run("UpdateReply", request, pb.UpdateReplyResponse, work)

    async def DeleteReply(self, request: pb.DeleteReplyRequest, context: Any) -> pb.DeleteReplyResponse:
        """Delete a reply with those below it."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeleteReplyResponse:
            return pb.DeleteReplyResponse(
                deleted_count=await self._use_cases.replies.delete(connection, caller, request)
            )

        return await self._writes.run("DeleteReply", request, pb.DeleteReplyResponse, work)

    async def GetReply(self, request: pb.GetReplyRequest, context: Any) -> pb.GetReplyResponse:
        """Return one reply."""
        async with self._database.read() as connection:
            return pb.GetReplyResponse(
                reply=await self._use_cases.replies.get(connection, current_caller(), request.reply_id)
            )

    async def ListReplies(self, request: pb.ListRepliesRequest, context: Any) -> pb.ListRepliesResponse:
        """Return a page of the live replies of a post."""
        async with self._database.read() as connection:
            return await self._use_cases.lists.list_page(connection, current_caller(), request)
