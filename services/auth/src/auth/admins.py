"""Making the first admin, from the command line of the machine."""

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import usernames
from auth.registration import Registration
from auth.repository.users import UserRepository
from auth.users import Users
from plaza_kit.db import Database


async def ensure_admin(
    *,
    database: Database,
    repository: UserRepository,
    registration: Registration,
    users: Users,
    username: str,
    password: str,
) -> tuple[int, bool]:
    """Create an admin, or make an existing user one; an existing password stays as it is.

    Returns:
        The user's id, and whether the account is new.

    Raises:
        UsernameInvalid: (USERNAME_INVALID.)
        PasswordTooShort: (PASSWORD_TOO_SHORT.)
    """
    async with database.read() as connection:
        user = await repository.find_by_username(connection, usernames.key_of(username))
    if user is not None:
        user_id = user.id

        async def promote(connection: AsyncConnection) -> None:
            await users.change_role(connection, user_id, "admin")

        await database.write(promote)
        return user_id, False
    draft = await registration.draft(username, password, role="admin")

    async def create(connection: AsyncConnection) -> int:
        return await registration.create(connection, draft)

    return await database.write(create), True
