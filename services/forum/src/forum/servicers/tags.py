"""TagService: what there is, for everybody; what becomes of it, by moderators."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.servicers.writes import Writes
from forum.tag_changes import TagChanges
from forum.tags import Tags
from plaza.forum.v1 import tag_service_pb2 as pb
from plaza.forum.v1 import tag_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class TagServicer(tag_service_pb2_grpc.TagServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, *, tags: Tags, changes: TagChanges) -> None:
        self._database = database
        self._writes = writes
        self._tags = tags
        self._changes = changes

    async def ListTags(self, request: pb.ListTagsRequest, context: Any) -> pb.ListTagsResponse:
        """Return tags, most used first."""
        async with self._database.read() as connection:
            return await self._tags.list_page(connection, request)

    async def GetTag(self, request: pb.GetTagRequest, context: Any) -> pb.GetTagResponse:
        """Return one tag."""
        async with self._database.read() as connection:
            return await self._tags.get(connection, request.tag_id)

    async def UpdateTag(self, request: pb.UpdateTagRequest, context: Any) -> pb.UpdateTagResponse:
        """Change a tag."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateTagResponse:
            return await self._changes.update(connection, caller, request)

        return await self._writes.run("UpdateTag", request, pb.UpdateTagResponse, work)

    async def DeleteTag(self, request: pb.DeleteTagRequest, context: Any) -> pb.DeleteTagResponse:
        """Take a tag off all posts."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeleteTagResponse:
            return await self._changes.delete(connection, caller, request.tag_id)

        return await self._writes.run("DeleteTag", request, pb.DeleteTagResponse, work)
