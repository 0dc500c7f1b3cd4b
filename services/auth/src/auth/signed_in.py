"""The account behind a signed-in caller."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.repository.users import User, UserRepository
from plaza_kit.errors import Unauthenticated


async def require_user(users: UserRepository, connection: AsyncConnection, user_id: int, now: datetime) -> User:
    """Return the caller's account.

    Raises:
        Unauthenticated: It is deleted or banned, and the token outlived it by a moment (TOKEN_INVALID).
    """
    return _usable(await users.find(connection, user_id), now)


async def lock_user(users: UserRepository, connection: AsyncConnection, user_id: int, now: datetime) -> User:
    """Return the caller's account and keep its row locked.

    The row of the user is the first lock of every transaction that takes it, sessions and others come after.

    Raises:
        Unauthenticated: As `require_user`.
    """
    return _usable(await users.lock(connection, user_id), now)


def _usable(user: User | None, now: datetime) -> User:
    if user is None or not user.may_sign_in(now):
        raise Unauthenticated("the account is gone or banned")
    return user
