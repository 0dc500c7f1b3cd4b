"""RevisionService: the edit history of posts and replies."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.revision_history import RevisionHistory
from forum.servicers.writes import Writes
from plaza.forum.v1 import revision_service_pb2 as pb
from plaza.forum.v1 import revision_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class RevisionServicer(revision_service_pb2_grpc.RevisionServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, history: RevisionHistory) -> None:
        self._database = database
        self._writes = writes
        self._history = history

    async def ListRevisions(self, request: pb.ListRevisionsRequest, context: Any) -> pb.ListRevisionsResponse:
        """Return a page of versions."""
        async with self._database.read() as connection:
            return await self._history.list_page(connection, current_caller(), request)

    async def GetRevision(self, request: pb.GetRevisionRequest, context: Any) -> pb.GetRevisionResponse:
        """Return one version with what it changed."""
        async with self._database.read() as connection:
            revision = await self._history.get(connection, current_caller(), request)
        return pb.GetRevisionResponse(revision=revision)

    async def RestoreRevision(self, request: pb.RestoreRevisionRequest, context: Any) -> pb.RestoreRevisionResponse:
        """Make an old version the newest one."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.RestoreRevisionResponse:
            return await self._history.restore(connection, caller, request)

        return await self._writes.run("RestoreRevision", request, pb.RestoreRevisionResponse, work)
