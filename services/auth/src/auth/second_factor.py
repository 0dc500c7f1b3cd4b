"""The second factor of an account: turning it on and off, and proving it.

A code is first looked at (`prove`), so that a wrong one can be counted in a transaction of its own, and then used up
(`spend`) in the transaction of what it allows. Two requests with one code both pass the first, one the second.
"""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import totp
from auth.errors import (
    TotpAlreadyEnabled,
    TotpInvalid,
    TotpMandatory,
    TotpNotBegun,
    TotpNotEnabled,
    TotpRequired,
)
from auth.foundation import Foundation
from auth.repository.users import User
from auth.throttle import SignInThrottle
from auth.usernames import key_of

ISSUER = "Plaza"
"""What authenticator applications show."""


class Proof(NamedTuple):
    """A code that was right when it was looked at: the time step it belongs to, or the hash of a recovery code."""

    step: int = 0
    code_hash: bytes = b""


class SecondFactor:
    """TOTP and recovery codes of accounts."""

    def __init__(self, foundation: Foundation, throttle: SignInThrottle) -> None:
        self._database = foundation.database
        self._users = foundation.repositories.users
        self._codes = foundation.repositories.recovery_codes
        self._sealer = foundation.sealer
        self._clock = foundation.clock
        self._throttle = throttle

    async def prove(self, user: User, code: str, *, address: str) -> Proof | None:
        """Look at a code.

        Args:
            user: Whose.
            code: Six digits or a recovery code; empty if none came.
            address: Whence; a wrong code is counted for it and the account.

        Returns:
            What `spend` uses up; None if the account has no second factor.

        Raises:
            TotpRequired: There is a factor and no code (TOTP_REQUIRED).
            TotpInvalid: The code is wrong (TOTP_INVALID).
            ResourceExhausted: Too many were (RATE_LIMITED).
        """
        if not user.is_totp_enabled:
            return None
        if not code:
            raise TotpRequired
        step = self.match(user, code)
        if step is not None:
            return Proof(step=step)
        code_hash = self._hash(code)
        async with self._database.read() as connection:
            if await self._codes.has(connection, user.id, code_hash):
                return Proof(code_hash=code_hash)
        await self._throttle.record(key_of(user.username), address)
        raise TotpInvalid

    async def spend(self, connection: AsyncConnection, user_id: int, proof: Proof | None) -> None:
        """Use up what `prove` returned.

        Raises:
            TotpInvalid: Another request was faster (TOTP_INVALID).
        """
        if proof is None:
            return
        if proof.code_hash:
            is_fresh = await self._codes.spend(connection, user_id, proof.code_hash)
        else:
            is_fresh = await self._users.spend_totp_step(connection, user_id, proof.step)
        if not is_fresh:
            raise TotpInvalid

    async def begin(self, connection: AsyncConnection, user: User) -> tuple[str, str]:
        """Store a fresh secret that does not count yet; return it and its `otpauth://` URI. The row must be locked.

        Raises:
            TotpAlreadyEnabled: The factor is on (TOTP_ALREADY_ENABLED).
        """
        if user.is_totp_enabled:
            raise TotpAlreadyEnabled
        secret = totp.new_secret()
        sealed = self._sealer.seal(secret.encode(), _context(user.id))
        await self._users.update(connection, user.id, {"totp_secret": sealed, "totp_last_step": 0})
        return secret, totp.otpauth_uri(secret, username=user.username, issuer=ISSUER)

    def check_pending(self, user: User) -> None:
        """Let pass an account with a secret that waits to be confirmed.

        Raises:
            TotpAlreadyEnabled: The factor is on (TOTP_ALREADY_ENABLED).
            TotpNotBegun: There is no secret (TOTP_NOT_BEGUN).
        """
        if user.is_totp_enabled:
            raise TotpAlreadyEnabled
        if user.totp_secret is None:
            raise TotpNotBegun

    async def confirm(self, connection: AsyncConnection, user: User, code: str) -> list[str]:
        """Turn the factor on; return ten recovery codes, which nobody can read again. The row must be locked.

        Raises:
            TotpAlreadyEnabled: It is on (TOTP_ALREADY_ENABLED).
            TotpNotBegun: There is no secret (TOTP_NOT_BEGUN).
            TotpInvalid: The code is not of the secret (TOTP_INVALID).
        """
        self.check_pending(user)
        step = self.match(user, code)
        if step is None:
            raise TotpInvalid
        await self._users.update(connection, user.id, {"is_totp_enabled": True, "totp_last_step": step})
        return await self._new_codes(connection, user.id)

    def check_removable(self, user: User) -> None:
        """Let pass an account that may turn its factor off.

        Raises:
            TotpNotEnabled: It is off (TOTP_NOT_ENABLED).
            TotpMandatory: An admin keeps it (TOTP_MANDATORY).
        """
        self.check_enabled(user)
        if user.role == "admin":
            raise TotpMandatory

    def check_enabled(self, user: User) -> None:
        """Let pass an account with a factor.

        Raises:
            TotpNotEnabled: It is off (TOTP_NOT_ENABLED).
        """
        if not user.is_totp_enabled:
            raise TotpNotEnabled

    async def disable(self, connection: AsyncConnection, user: User) -> None:
        """Turn the factor off and drop the recovery codes. The row must be locked."""
        self.check_removable(user)
        await self._users.update(connection, user.id, {"is_totp_enabled": False, "totp_secret": None})
        await self._codes.replace(connection, user.id, [])

    async def regenerate(self, connection: AsyncConnection, user: User) -> list[str]:
        """Replace all recovery codes and return the new ones. The row must be locked."""
        self.check_enabled(user)
        return await self._new_codes(connection, user.id)

    def match(self, user: User, code: str) -> int | None:
        """Return the fresh time step that a code belongs to, or None."""
        if user.totp_secret is None:
            return None
        secret = self._sealer.open(user.totp_secret, _context(user.id)).decode()
        return totp.match_step(secret, code, now=self._clock(), last_step=user.totp_last_step)

    async def _new_codes(self, connection: AsyncConnection, user_id: int) -> list[str]:
        codes = totp.new_recovery_codes()
        await self._codes.replace(connection, user_id, [self._hash(code) for code in codes])
        return codes

    def _hash(self, code: str) -> bytes:
        return self._sealer.fingerprint(b"recovery-code", totp.bare_recovery_code(code).encode())


def _context(user_id: int) -> str:
    return f"totp:{user_id}"
