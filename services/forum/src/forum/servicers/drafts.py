"""DraftService: the caller's drafts."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.drafts import Drafts
from forum.servicers.writes import Writes
from plaza.forum.v1 import draft_service_pb2 as pb
from plaza.forum.v1 import draft_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class DraftServicer(draft_service_pb2_grpc.DraftServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, drafts: Drafts) -> None:
        self._database = database
        self._writes = writes
        self._drafts = drafts

    async def CreateDraft(self, request: pb.CreateDraftRequest, context: Any) -> pb.CreateDraftResponse:
        """Keep a new draft."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.CreateDraftResponse:
            return pb.CreateDraftResponse(draft=await self._drafts.create(connection, caller, request))

        return await self._writes.run("CreateDraft", request, pb.CreateDraftResponse, work)

    async def UpdateDraft(self, request: pb.UpdateDraftRequest, context: Any) -> pb.UpdateDraftResponse:
        """Replace a draft."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateDraftResponse:
            return pb.UpdateDraftResponse(draft=await self._drafts.update(connection, caller, request))

        return await self._writes.run("UpdateDraft", request, pb.UpdateDraftResponse, work)

    async def GetDraft(self, request: pb.GetDraftRequest, context: Any) -> pb.GetDraftResponse:
        """Return one draft."""
        async with self._database.read() as connection:
            draft = await self._drafts.get(connection, current_caller(), request.draft_id)
        return pb.GetDraftResponse(draft=draft)

    async def ListDrafts(self, request: pb.ListDraftsRequest, context: Any) -> pb.ListDraftsResponse:
        """Return a page of drafts."""
        async with self._database.read() as connection:
            return await self._drafts.list_page(connection, current_caller(), request)

    async def DeleteDraft(self, request: pb.DeleteDraftRequest, context: Any) -> pb.DeleteDraftResponse:
        """Throw a draft away."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeleteDraftResponse:
            await self._drafts.delete(connection, caller, request.draft_id)
            return pb.DeleteDraftResponse()

        return await self._writes.run("DeleteDraft", request, pb.DeleteDraftResponse, work)
