"""Making the first admin, from the command line of the machine."""

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import usernames
from auth.foundation import Foundation
from auth.registration import Registration
from auth.users import Users


class Admins:
    """Makes admins without asking an admin."""

    def __init__(self, foundation: Foundation, registration: Registration, users: Users) -> None:
        self._database = foundation.database
        self._repository = foundation.repositories.users
        self._registration = registration
        self._users = users

    async def ensure(self, username: str, password: str) -> tuple[int, bool]:
        """Create an admin, or make an existing user one; an existing password stays as it is.

        Returns:
            The user's id, and whether the account is new.

        Raises:
            UsernameInvalid: (USERNAME_INVALID.)
            PasswordTooShort: (PASSWORD_TOO_SHORT.)
        """
        async with self._database.read() as connection:
            user = await self._repository.find_by_username(connection, usernames.key_of(username))
        if user is not None:
            user_id = user.id

            async def promote(connection: AsyncConnection) -> None:
                await self._users.change_role(connection, user_id, "admin")

            await self._database.write(promote)
            return user_id, False
        draft = await self._registration.draft(username, password, role="admin")

        async def create(connection: AsyncConnection) -> int:
            return await self._registration.create(connection, draft)

        return await self._database.write(create), True
