"""Rows of `users`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import EmailTaken, UsernameTaken
from auth.models import users


@dataclass(frozen=True, slots=True)
class User:
    """One account; the attributes are the columns."""

    id: int
    username: str
    password_hash: str = field(repr=False)
    email: str = field(repr=False)
    verified_email_key: bytes | None = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    phone: str | None = field(repr=False)
    avatar: str | None
    role: str
    token_version: int
    totp_secret: bytes | None = field(repr=False)
    is_totp_enabled: bool
    totp_last_step: int = field(repr=False)
    banned_time: datetime | None
    ban_until_time: datetime | None
    ban_reason: str | None
    is_deleted: bool
    joined_time: datetime
    last_login_time: datetime | None

    def is_banned(self, now: datetime) -> bool:
        """Tell whether a ban holds at `now`; a timed one ends by itself."""
        return self.banned_time is not None and (self.ban_until_time is None or now < self.ban_until_time)

    def may_sign_in(self, now: datetime) -> bool:
        """Tell whether the account can be used at `now`."""
        return not self.is_deleted and not self.is_banned(now)


_COLUMNS = [users.c[item.name] for item in fields(User)]


class UserRepository:
    """All SQL about accounts. Statements are built once, at construction."""

    def __init__(self) -> None:
        everything = select(*_COLUMNS)
        self._by_id = everything.where(users.c.id == bindparam("user_id"))
        self._by_id_locked = self._by_id.with_for_update()
        self._by_key = everything.where(users.c.username_key == bindparam("username_key"))
        self._by_email = everything.where(users.c.verified_email_key == bindparam("email_key"))
        self._admins = (
            select(users.c.id)
            .where(users.c.role == "admin", users.c.is_deleted.is_(False))
            .order_by(users.c.id)
            .with_for_update()
        )

    async def insert(self, connection: AsyncConnection, values: dict[str, Any]) -> int:
        """Add an account and return its id.

        Raises:
            UsernameTaken: The normalised name is in use (ALREADY_EXISTS, USERNAME_TAKEN).
        """
        try:
            result = await connection.execute(insert(users).values(_NEW | values))
        except IntegrityError as error:
            raise UsernameTaken from error
        return int(result.lastrowid)

    async def find(self, connection: AsyncConnection, user_id: int) -> User | None:
        """Return the account with this id, deleted or not."""
        return _user((await connection.execute(self._by_id, {"user_id": user_id})).first())

    async def lock(self, connection: AsyncConnection, user_id: int) -> User | None:
        """Return the account and keep its row locked until the transaction ends."""
        return _user((await connection.execute(self._by_id_locked, {"user_id": user_id})).first())

    async def find_by_username(self, connection: AsyncConnection, username_key: bytes) -> User | None:
        """Return the account of a normalised name."""
        return _user((await connection.execute(self._by_key, {"username_key": username_key})).first())

    async def find_by_verified_email(self, connection: AsyncConnection, email_key: bytes) -> User | None:
        """Return the account that has proven a normalised address."""
        return _user((await connection.execute(self._by_email, {"email_key": email_key})).first())

    async def find_many(
        self, connection: AsyncConnection, *, user_ids: Sequence[int], username_keys: Sequence[bytes]
    ) -> list[User]:
        """Return the accounts with one of the ids or names, by id, each once."""
        matches = or_(users.c.id.in_(user_ids), users.c.username_key.in_(username_keys))
        rows = await connection.execute(select(*_COLUMNS).where(matches).order_by(users.c.id))
        return [User(*row) for row in rows]

    async def list_after(self, connection: AsyncConnection, *, after_id: int, prefix: bytes, limit: int) -> list[User]:
        """Return up to `limit` accounts by id, from `after_id` (exclusive), whose normalised name begins so."""
        statement = select(*_COLUMNS).where(users.c.id > after_id)
        if prefix:
            # 0xff is in no UTF-8 text, so it bounds all names with this prefix.
            statement = statement.where(users.c.username_key >= prefix, users.c.username_key < prefix + b"\xff")
        rows = await connection.execute(statement.order_by(users.c.id).limit(limit))
        return [User(*row) for row in rows]

    async def update(self, connection: AsyncConnection, user_id: int, values: dict[str, Any]) -> None:
        """Set columns of one account."""
        await connection.execute(update(users).where(users.c.id == user_id).values(values))

    async def replace_password(
        self, connection: AsyncConnection, user_id: int, *, old_hash: str, new_hash: str
    ) -> bool:
        """Set a hash if the stored one is still `old_hash`; return whether it was."""
        statement = update(users).where(users.c.id == user_id, users.c.password_hash == old_hash)
        result = await connection.execute(statement.values(password_hash=new_hash))
        return result.rowcount == 1

    async def spend_totp_step(self, connection: AsyncConnection, user_id: int, step: int) -> bool:
        """Mark a time step as used; return False if it or a later one was used before."""
        statement = update(users).where(users.c.id == user_id, users.c.totp_last_step < step)
        result = await connection.execute(statement.values(totp_last_step=step))
        return result.rowcount == 1

    async def set_verified_email(self, connection: AsyncConnection, user_id: int, email_key: bytes) -> None:
        """Record that the account has proven an address.

        Raises:
            EmailTaken: Another account has (ALREADY_EXISTS, EMAIL_TAKEN).
        """
        try:
            await self.update(connection, user_id, {"verified_email_key": email_key})
        except IntegrityError as error:
            raise EmailTaken from error

    async def lock_admin_ids(self, connection: AsyncConnection) -> list[int]:
        """Return the ids of all admins and keep their rows locked, so that no two of them leave at once."""
        return list((await connection.execute(self._admins)).scalars())


def _user(row: Iterable[Any] | None) -> User | None:
    return None if row is None else User(*row)


_NEW: dict[str, Any] = {
    "email": "",
    "first_name": "",
    "last_name": "",
    "role": "user",
    "token_version": 1,
    "is_totp_enabled": False,
    "totp_last_step": 0,
    "is_deleted": False,
}
