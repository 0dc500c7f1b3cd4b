"""The profile of a user."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.foundation import Foundation
from auth.signed_in import lock_user
from auth.usernames import key_of
from plaza.auth.v1 import profile_service_pb2 as pb
from plaza_kit.errors import Unauthenticated
from plaza_kit.field_values import masked_values
from plaza_kit.fields import violations_of


class Profiles:
    """Reads and changes profiles."""

    def __init__(self, foundation: Foundation) -> None:
        self._users = foundation.repositories.users
        self._profiles = foundation.repositories.profiles
        self._events = foundation.events
        self._clock = foundation.clock

    async def get(self, user_id: int) -> pb.GetProfileResponse:
        """Return a user's profile.

        Raises:
            Unauthenticated: The account is gone (TOKEN_INVALID).
        """
        row = await self._profiles.find(user_id)
        if row is None:
            raise Unauthenticated("the account is gone")
        return pb.GetProfileResponse(profile=convert.profile(user_id, row))

    async def update(self, connection: AsyncConnection, user_id: int, request: pb.UpdateProfileRequest) -> None:
        """Change the fields that the mask names. A new e-mail address is unverified.

        Raises:
            InvalidArgument: A field is broken, or no field (INVALID_REQUEST).
            Unauthenticated: The account is gone (TOKEN_INVALID).
        """
        values = masked_values(request.fields, request.update_mask.paths, violations_of(request))
        if not values:
            return
        now = self._clock()
        user = await lock_user(self._users, connection, user_id, now)
        if "email" in values and key_of(values["email"]) != user.verified_email_key:
            values["verified_email_key"] = None
        await self._users.update(connection, user_id, values)
        if "avatar" in values and values["avatar"] != user.avatar:
            await self._events.user_updated(connection, replace(user, avatar=values["avatar"]), now)
