"""UserService: who is who, for clients and for the other services."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.servicers.writes import Writes
from auth.users import Users
from plaza.auth.v1 import user_service_pb2 as pb
from plaza.auth.v1 import user_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, users: Users) -> None:
        self._database = database
        self._writes = writes
        self._users = users

    async def GetUser(self, request: pb.GetUserRequest, context: Any) -> pb.GetUserResponse:
        """Return one user."""
        async with self._database.read() as connection:
            return await self._users.get(connection, request.user_id)

    async def BatchGetUsers(self, request: pb.BatchGetUsersRequest, context: Any) -> pb.BatchGetUsersResponse:
        """Return users by id or name."""
        async with self._database.read() as connection:
            return await self._users.get_many(connection, request)

    async def ListUsers(self, request: pb.ListUsersRequest, context: Any) -> pb.ListUsersResponse:
        """Return users by id, page by page."""
        async with self._database.read() as connection:
            return await self._users.list_page(connection, request)

    async def BanUser(self, request: pb.BanUserRequest, context: Any) -> pb.BanUserResponse:
        """Keep a user out."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.BanUserResponse:
            return await self._users.ban(connection, caller, request)

        return await self._writes.run("BanUser", request, pb.BanUserResponse, work)

    async def UnbanUser(self, request: pb.UnbanUserRequest, context: Any) -> pb.UnbanUserResponse:
        """Let a user back in."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UnbanUserResponse:
            return await self._users.unban(connection, caller, request.user_id)

        return await self._writes.run("UnbanUser", request, pb.UnbanUserResponse, work)

    async def SetRole(self, request: pb.SetRoleRequest, context: Any) -> pb.SetRoleResponse:
        """Change a role."""

        async def work(connection: AsyncConnection) -> pb.SetRoleResponse:
            return await self._users.set_role(connection, request)

        return await self._writes.run("SetRole", request, pb.SetRoleResponse, work)
