"""ProfileService: the caller's profile."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.profiles import Profiles
from auth.servicers.writes import Writes
from plaza.auth.v1 import profile_service_pb2 as pb
from plaza.auth.v1 import profile_service_pb2_grpc
from plaza_kit.caller import current_caller


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """See the contract."""

    def __init__(self, writes: Writes, profiles: Profiles) -> None:
        self._writes = writes
        self._profiles = profiles

    async def GetProfile(self, request: pb.GetProfileRequest, context: Any) -> pb.GetProfileResponse:
        """Return the profile."""
        return await self._profiles.get(current_caller().user_id)

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Any) -> pb.UpdateProfileResponse:
        """Change the profile."""
        user_id = current_caller().user_id

        async def work(connection: AsyncConnection) -> pb.UpdateProfileResponse:
            await self._profiles.update(connection, user_id, request)
            return pb.UpdateProfileResponse()

        return await self._writes.run("UpdateProfile", request, pb.UpdateProfileResponse, work)
