"""Making accounts."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import usernames
from auth.errors import CredentialsRequired, UsernameInvalid, UsernameTaken
from auth.foundation import Foundation
from auth.passwords import PasswordHasher
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse
from plaza_kit.fields import check, violations_of

_OF_USERNAME = {"TOO_LONG", "TOO_SHORT", "BLANK"}
"""Violations of the name that its own reason covers."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An account that keeps to all rules and waits to be stored."""

    username: str
    username_key: bytes
    password_hash: str = field(repr=False)
    role: str = "user"


class Registration:
    """Makes accounts."""

    def __init__(self, foundation: Foundation, hasher: PasswordHasher) -> None:
        self._database = foundation.database
        self._users = foundation.repositories.users
        self._events = foundation.events
        self._clock = foundation.clock
        self._hasher = hasher

    async def prepare(self, request: pb.RegisterRequest) -> Draft:
        """Check a registration and hash its password, in the order of the legacy contract (4.1).

        Raises:
            CredentialsRequired: Name or password is absent or empty (CREDENTIALS_REQUIRED).
            InvalidArgument: One of them is of a wrong type or too long (INVALID_REQUEST).
            UsernameInvalid: The name is not allowed (USERNAME_INVALID).
            UsernameTaken: The name is in use (USERNAME_TAKEN).
            PasswordTooShort: (PASSWORD_TOO_SHORT.)
            Unavailable: Too many passwords wait to be hashed (UNAVAILABLE).
        """
        require_credentials(request)
        refuse(
            [
                *violations_of(request),
                *(found for found in check(request) if not (found.field == "username" and found.code in _OF_USERNAME)),
            ]
        )
        return await self.draft(request.username, request.password)

    async def draft(self, username: str, password: str, *, role: str = "user") -> Draft:
        """Check a name and a password and hash the latter; errors as `prepare`, from USERNAME_INVALID on."""
        if not usernames.is_valid(username):
            code = "TOO_LONG" if len(username) > usernames.MAX_LENGTH else "BAD_FORMAT"
            raise UsernameInvalid(violations=[Violation("username", code)])
        username_key = usernames.key_of(username)
        async with self._database.read() as connection:
            if await self._users.find_by_username(connection, username_key):
                raise UsernameTaken
        self._hasher.check_new(password, "password")
        return Draft(username, username_key, await self._hasher.hash(password), role)

    async def create(self, connection: AsyncConnection, draft: Draft) -> int:
        """Store an account and return its id.

        Raises:
            UsernameTaken: Another request was faster (USERNAME_TAKEN).
        """
        now = self._clock()
        values = {
            "username": draft.username,
            "username_key": draft.username_key,
            "password_hash": draft.password_hash,
            "role": draft.role,
            "joined_time": now,
        }
        user_id = await self._users.insert(connection, values)
        user = await self._users.find(connection, user_id)
        assert user is not None  # noqa: S101 - inserted above
        await self._events.user_registered(connection, user, now)
        return user_id


def require_credentials(request: Any) -> None:
    """Let pass a request with a name and a password; one of a wrong type counts as present.

    Raises:
        CredentialsRequired: One is absent or empty (CREDENTIALS_REQUIRED).
    """
    reported = {violation.field for violation in request.violations}
    broken = [
        Violation(name, "BLANK" if request.HasField(name) else "REQUIRED")
        for name in ("username", "password")
        if name not in reported and not getattr(request, name)
    ]
    if broken:
        raise CredentialsRequired(violations=broken)
