"""SessionService: the caller's sign-in sessions."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.servicers.writes import Writes
from auth.sessions import Sessions
from plaza.auth.v1 import session_service_pb2 as pb
from plaza.auth.v1 import session_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class SessionServicer(session_service_pb2_grpc.SessionServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, sessions: Sessions) -> None:
        self._database = database
        self._writes = writes
        self._sessions = sessions

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        """Return the live sessions."""
        async with self._database.read() as connection:
            return await self._sessions.list_live(connection, current_caller())

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: Any) -> pb.RevokeSessionResponse:
        """End one session."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.RevokeSessionResponse:
            await self._sessions.revoke(connection, caller, request.session_id)
            return pb.RevokeSessionResponse()

        return await self._writes.run("RevokeSession", request, pb.RevokeSessionResponse, work)

    async def RevokeAllSessions(
        self, request: pb.RevokeAllSessionsRequest, context: Any
    ) -> pb.RevokeAllSessionsResponse:
        """End all sessions."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.RevokeAllSessionsResponse:
            count = await self._sessions.revoke_all(connection, caller, keep_current=request.keep_current)
            return pb.RevokeAllSessionsResponse(revoked_count=count)

        return await self._writes.run("RevokeAllSessions", request, pb.RevokeAllSessionsResponse, work)
