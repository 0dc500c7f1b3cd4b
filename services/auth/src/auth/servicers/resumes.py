"""ResumeService: the caller's resume."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.resumes import Resumes
from auth.servicers.writes import Writes
from plaza.auth.v1 import resume_service_pb2 as pb
from plaza.auth.v1 import resume_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class ResumeServicer(resume_service_pb2_grpc.ResumeServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, resumes: Resumes) -> None:
        self._database = database
        self._writes = writes
        self._resumes = resumes

    async def GetResume(self, request: pb.GetResumeRequest, context: Any) -> pb.GetResumeResponse:
        """Return the whole resume."""
        async with self._database.read() as connection:
            return await self._resumes.get(connection, current_caller().user_id)

    async def SaveResume(self, request: pb.SaveResumeRequest, context: Any) -> pb.SaveResumeResponse:
        """Create or change the basic part."""
        user_id = current_caller().user_id

        async def work(connection: AsyncConnection) -> pb.SaveResumeResponse:
            return await self._resumes.save(connection, user_id, request)

        return await self._writes.run("SaveResume", request, pb.SaveResumeResponse, work)

    async def CreateItem(self, request: pb.CreateItemRequest, context: Any) -> pb.CreateItemResponse:
        """Add an item."""
        user_id = current_caller().user_id

        async def work(connection: AsyncConnection) -> pb.CreateItemResponse:
            return await self._resumes.create_item(connection, user_id, request)

        return await self._writes.run("CreateItem", request, pb.CreateItemResponse, work)

    async def UpdateItem(self, request: pb.UpdateItemRequest, context: Any) -> pb.UpdateItemResponse:
        """Change an item."""
        user_id = current_caller().user_id

        async def work(connection: AsyncConnection) -> pb.UpdateItemResponse:
            return await self._resumes.update_item(connection, user_id, request)

        return await self._writes.run("UpdateItem", request, pb.UpdateItemResponse, work)

    async def DeleteItem(self, request: pb.DeleteItemRequest, context: Any) -> pb.DeleteItemResponse:
        """Remove an item."""
        user_id = current_caller().user_id

        async def work(connection: AsyncConnection) -> pb.DeleteItemResponse:
            return await self._resumes.delete_item(connection, user_id, request)

        return await self._writes.run("DeleteItem", request, pb.DeleteItemResponse, work)
