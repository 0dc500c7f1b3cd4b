"""Checking passwords and codes, and counting the wrong ones.

The order is: the throttle, then the hash. Guessing then costs the guesser and not the server.
"""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import usernames
from auth.errors import PasswordWrong
from auth.foundation import Foundation
from auth.passwords import PasswordHasher
from auth.repository.users import User
from auth.second_factor import Proof, SecondFactor
from auth.throttle import SignInThrottle


class CredentialCheck:
    """Checks passwords and codes, and counts the wrong ones."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        hasher: PasswordHasher,
        second_factor: SecondFactor,
        throttle: SignInThrottle,
    ) -> None:
        self._database = foundation.database
        self._users = foundation.repositories.users
        self._hasher = hasher
        self._second_factor = second_factor
        self._throttle = throttle

    async def check_allowed(self, account_key: bytes, address: str) -> None:
        """Let pass unless there were too many failures.

        Raises:
            ResourceExhausted: There were (RATE_LIMITED, with `retry_after`).
        """
        await self._throttle.check(account_key, address)

    async def count_failure(self, account_key: bytes, address: str) -> None:
        """Count a failure that is neither a wrong password nor a wrong code.

        Raises:
            ResourceExhausted: There were too many (RATE_LIMITED).
        """
        await self._throttle.record(account_key, address)

    async def password(self, user: User | None, password: str, *, account_key: bytes, address: str) -> User | None:
        """Check a password; a wrong one is counted.

        Returns:
            The user, with a hash of today's kind, or None if the password is wrong or there is no user.

        Raises:
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
            Unavailable: Too many passwords wait to be hashed (UNAVAILABLE).
        """
        verification = await self._hasher.verify(password, user.password_hash if user else None)
        if user is None or not verification.is_valid:
            await self._throttle.record(account_key, address)
            return None
        # Wrong guesses of the same moment may have filled the bucket meanwhile; a right one must not slip through.
        await self.check_allowed(account_key, address)
        return await self._rehash(user, password) if verification.needs_rehash else user

    async def check_account_allowed(self, user: User, address: str) -> None:
        """As `check_allowed`, for a known account."""
        await self.check_allowed(usernames.key_of(user.username), address)

    async def count_account_failure(self, user: User, address: str) -> None:
        """As `count_failure`, for a known account."""
        await self.count_failure(usernames.key_of(user.username), address)

    async def second_factor(self, user: User, code: str, *, address: str) -> Proof | None:
        """Look at a code; see `SecondFactor.prove`."""
        return await self._second_factor.prove(user, code, address=address)

    async def again(self, user: User, password: str, *, address: str) -> User:
        """Check the password of a signed-in user.

        Raises:
            PasswordWrong: (PASSWORD_WRONG.)
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
        """
        account_key = usernames.key_of(user.username)
        await self.check_allowed(account_key, address)
        checked = await self.password(user, password, account_key=account_key, address=address)
        if checked is None:
            raise PasswordWrong
        return checked

    async def _rehash(self, user: User, password: str) -> User | None:
        """Store a hash of today's kind, unless somebody else just stored one; that one must fit as well."""
        new_hash = await self._hasher.hash(password)

        async def work(connection: AsyncConnection) -> User | None:
            if await self._users.replace_password(connection, user.id, old_hash=user.password_hash, new_hash=new_hash):
                return replace(user, password_hash=new_hash)
            return await self._users.find(connection, user.id)

        stored = await self._database.write(work)
        if stored is None or stored.password_hash == new_hash:
            return stored
        verification = await self._hasher.verify(password, stored.password_hash)
        return stored if verification.is_valid else None
