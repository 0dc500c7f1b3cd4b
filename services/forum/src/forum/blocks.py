"""Blocks: whose posts and texts a user does not want to see."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.collected import Collected, CollectionLimits
from forum.errors import OwnContent, UserNotFound
from forum.foundation import Foundation
from forum.times import timestamp
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.target_pb2 import TARGET_KIND_USER
from plaza_kit.caller import Caller

LIMITS = CollectionLimits(most=1000, page_size=50, page_size_max=200)

_KINDS = (TARGET_KIND_USER,)


class Blocks:
    """Keeps and lists whom users block."""

    def __init__(self, foundation: Foundation, writers: Writers) -> None:
        self._collected = Collected(foundation, foundation.repositories.blocks, name="blocks", limits=LIMITS)
        self._writers = writers

    async def add(
        self, connection: AsyncConnection, caller: Caller, request: pb.BlockUserRequest
    ) -> pb.BlockUserResponse:
        """Block a user.

        Raises:
            UserNotFound: Or deleted (USER_NOT_FOUND).
            UserBanned: The caller is (USER_BANNED).
            OwnContent: It is the caller (OWN_CONTENT).
            LimitReached: There are 1,000 (LIMIT_REACHED).
        """
        await self._require(connection, request.user_id)
        await self._writers.require(connection, caller)
        if request.user_id == caller.user_id:
            raise OwnContent
        key = (TARGET_KIND_USER, request.user_id)
        await self._collected.add(connection, caller.user_id, key, counted_kinds=_KINDS)
        return pb.BlockUserResponse()

    async def remove(
        self, connection: AsyncConnection, caller: Caller, request: pb.UnblockUserRequest
    ) -> pb.UnblockUserResponse:
        """Unblock a user.

        Raises:
            UserNotFound: There is none, and none was blocked (USER_NOT_FOUND).
            UserBanned: The caller is (USER_BANNED).
        """
        if not await self._collected.remove(connection, caller.user_id, (TARGET_KIND_USER, request.user_id)):
            await self._require(connection, request.user_id)
        await self._writers.require(connection, caller)
        return pb.UnblockUserResponse()

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListBlocksRequest
    ) -> pb.ListBlocksResponse:
        """Return a page of the users whom the caller blocks, deleted ones too.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        rows, next_page_token = await self._collected.list_page(
            connection, caller.user_id, _KINDS, requested_size=request.page_size, page_token=request.page_token
        )
        users = await self._writers.authors(connection, [row.target_id for row in rows])
        blocks = [pb.BlockedUser(user=users[row.target_id], created_time=timestamp(row.created_time)) for row in rows]
        return pb.ListBlocksResponse(blocks=blocks, next_page_token=next_page_token)

    async def _require(self, connection: AsyncConnection, user_id: int) -> None:
        if not await self._writers.exists(connection, user_id):
            raise UserNotFound
