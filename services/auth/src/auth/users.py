"""Who is who; roles and bans."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.errors import LastAdmin, RoleTooLow, UserNotFound
from auth.foundation import Foundation
from auth.repository.users import User
from auth.revocations import Revocations
from auth.usernames import key_of
from plaza.auth.v1 import user_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import InvalidArgument, Violation
from plaza_kit.field_values import refuse, refuse_broken
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
BATCH_MAX = 500
PREFIX_MAX = 150

_RANK = {"user": 1, "moderator": 2, "admin": 3}


class Users:
    """Looks users up, and changes what they may do."""

    def __init__(self, foundation: Foundation, revocations: Revocations) -> None:
        self._users = foundation.repositories.users
        self._events = foundation.events
        self._page_tokens = foundation.page_tokens
        self._clock = foundation.clock
        self._revocations = revocations

    async def get(self, connection: AsyncConnection, user_id: int) -> pb.GetUserResponse:
        """Return one user, deleted or not.

        Raises:
            UserNotFound: (USER_NOT_FOUND.)
        """
        user = await self._users.find(connection, user_id)
        if user is None:
            raise UserNotFound
        return pb.GetUserResponse(user=convert.user_summary(user, self._clock()))

    async def get_many(self, connection: AsyncConnection, request: pb.BatchGetUsersRequest) -> pb.BatchGetUsersResponse:
        """Return the users with one of the ids or names, by id, each once; unknown ones are left out.

        Raises:
            InvalidArgument: More than 500 keys (INVALID_REQUEST).
        """
        if len(request.user_ids) + len(request.usernames) > BATCH_MAX:
            refuse([Violation("user_ids" if request.user_ids else "usernames", "TOO_LONG", BATCH_MAX)])
        found = await self._users.find_many(
            connection,
            user_ids=list(request.user_ids),
            username_keys=[key_of(username) for username in request.usernames],
        )
        now = self._clock()
        return pb.BatchGetUsersResponse(users=[convert.user_summary(user, now) for user in found])

    async def list_page(self, connection: AsyncConnection, request: pb.ListUsersRequest) -> pb.ListUsersResponse:
        """Return users by id.

        Raises:
            InvalidArgument: A negative page size, or a prefix that no name can have (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list with this prefix (PAGE_TOKEN_INVALID).
        """
        if request.page_size < 0:
            refuse([Violation("page_size", "OUT_OF_RANGE")])
        if len(request.username_prefix) > PREFIX_MAX:
            refuse([Violation("username_prefix", "TOO_LONG", PREFIX_MAX)])
        limit = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
        prefix = key_of(request.username_prefix)
        list_name = f"users:{prefix.hex()}"
        after_id = 0
        if request.page_token:
            position = self._page_tokens.decode(list_name, request.page_token)
            if len(position) != 1 or not isinstance(position[0], int):
                raise PageTokenInvalid
            after_id = position[0]
        found = await self._users.list_after(connection, after_id=after_id, prefix=prefix, limit=limit + 1)
        now = self._clock()
        response = pb.ListUsersResponse(users=[convert.managed_user(user, now) for user in found[:limit]])
        if len(found) > limit:
            response.next_page_token = self._page_tokens.encode(list_name, found[limit - 1].id)
        return response

    async def ban(self, connection: AsyncConnection, caller: Caller, request: pb.BanUserRequest) -> pb.BanUserResponse:
        """Keep a user out until a time or for good, and end their sessions; a second ban replaces the first.

        Raises:
            InvalidArgument: A field is broken, or `until` is not ahead (INVALID_REQUEST).
            UserNotFound: Or deleted (USER_NOT_FOUND).
            RoleTooLow: The caller does not outrank the user (ROLE_TOO_LOW).
        """
        refuse_broken(request)
        now = self._clock()
        until = _parse_until(request, now)
        user = await self._lock_below(connection, caller, request.user_id)
        values = {"banned_time": now, "ban_until_time": until, "ban_reason": request.reason}
        await self._users.update(connection, user.id, values)
        await self._events.user_banned(connection, user.id, reason=request.reason, until=until)
        await self._revocations.end_all(connection, user)
        banned = replace(user, banned_time=now, ban_until_time=until, ban_reason=request.reason)
        return pb.BanUserResponse(user=convert.managed_user(banned, now))

    async def unban(self, connection: AsyncConnection, caller: Caller, user_id: int) -> pb.UnbanUserResponse:
        """Let a user back in; nothing changes for one who is not banned.

        Raises:
            UserNotFound: Or deleted (USER_NOT_FOUND).
            RoleTooLow: The caller does not outrank the user (ROLE_TOO_LOW).
        """
        user = await self._lock_below(connection, caller, user_id)
        if user.banned_time is not None:
            cleared = {"banned_time": None, "ban_until_time": None, "ban_reason": None}
            await self._users.update(connection, user.id, cleared)
            await self._events.user_unbanned(connection, user.id)
        free = replace(user, banned_time=None, ban_until_time=None, ban_reason=None)
        return pb.UnbanUserResponse(user=convert.managed_user(free, self._clock()))

    async def set_role(self, connection: AsyncConnection, request: pb.SetRoleRequest) -> pb.SetRoleResponse:
        """Change a role and refuse the tokens that name the old one.

        Raises:
            InvalidArgument: There is no such role (INVALID_REQUEST).
            UserNotFound: Or deleted (USER_NOT_FOUND).
            LastAdmin: Nobody would be admin (LAST_ADMIN).
        """
        refuse_broken(request)
        if request.role not in _RANK:
            refuse([Violation("role", "NOT_ALLOWED")])
        return pb.SetRoleResponse(
            user=convert.managed_user(await self.change_role(connection, request.user_id, request.role), self._clock())
        )

    async def change_role(self, connection: AsyncConnection, user_id: int, role: str) -> User:
        """Change a role that is known to exist; errors as `set_role`.

        The rows of all admins are locked before the user's own: two admins who demote each other at the same time
        must not both succeed.
        """
        admin_ids = await self._users.lock_admin_ids(connection)
        user = await self._users.lock(connection, user_id)
        if user is None or user.is_deleted:
            raise UserNotFound
        if user.role == role:
            return user
        refuse_last_admin(user, admin_ids)
        await self._users.update(connection, user.id, {"role": role})
        changed = await self._revocations.refuse_tokens(connection, replace(user, role=role))
        await self._events.user_updated(connection, changed, self._clock())
        return changed

    async def _lock_below(self, connection: AsyncConnection, caller: Caller, user_id: int) -> User:
        user = await self._users.lock(connection, user_id)
        if user is None or user.is_deleted:
            raise UserNotFound
        if _rank(caller.roles) <= _RANK[user.role]:
            raise RoleTooLow
        return user


def refuse_last_admin(user: User, admin_ids: Iterable[int]) -> None:
    """Let pass a user without whom there is still an admin.

    Raises:
        LastAdmin: There is not (LAST_ADMIN).
    """
    if list(admin_ids) == [user.id]:
        raise LastAdmin


def _rank(roles: Iterable[str]) -> int:
    return max((_RANK.get(role, 0) for role in roles), default=0)


def _parse_until(request: pb.BanUserRequest, now: datetime) -> datetime | None:
    if not request.HasField("until"):
        return None
    try:
        until = datetime.fromisoformat(request.until)
        if until.tzinfo is None:
            raise ValueError("no offset")
        until = until.astimezone(UTC)  # overflows at the ends of the calendar
    except (ValueError, OverflowError):
        raise InvalidArgument("not a moment", violations=[Violation("until", "BAD_FORMAT")]) from None
    if until <= now:
        raise InvalidArgument("not ahead", violations=[Violation("until", "OUT_OF_RANGE")])
    return until
