"""Signing in.

A failure says nothing: unknown name, wrong password and disabled account get one answer, after one hash and no sooner
than a floor that covers the slowest stored hash. Failures are counted before any hashing is done, so that guessing
costs the guesser and not the server.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import usernames
from auth.credentials import CredentialCheck
from auth.errors import InvalidCredentials, TotpInvalid
from auth.foundation import Foundation
from auth.metrics import LOGIN_FAILURES
from auth.registration import require_credentials
from auth.repository.users import User
from auth.second_factor import Proof, SecondFactor
from auth.sessions import Sessions
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Aborted, PlazaError
from plaza_kit.field_values import refuse_broken


@dataclass(frozen=True, slots=True)
class Verified:
    """An account whose password, and second factor if it has one, were right."""

    user: User
    proof: Proof | None


class Login:
    """Signs users in."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        credentials: CredentialCheck,
        second_factor: SecondFactor,
        sessions: Sessions,
        failure_floor: timedelta,
    ) -> None:
        self._database = foundation.database
        self._users = foundation.repositories.users
        self._clock = foundation.clock
        self._credentials = credentials
        self._second_factor = second_factor
        self._sessions = sessions
        self._failure_floor = failure_floor

    async def verify(self, request: pb.LoginRequest, address: str) -> Verified:
        """Check name, password and code.

        Raises:
            CredentialsRequired: Name or password is absent or empty (CREDENTIALS_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            ResourceExhausted: Too many failures (RATE_LIMITED, with `retry_after`).
            InvalidCredentials: (INVALID_CREDENTIALS.)
            TotpRequired: The account has a second factor and no code came (TOTP_REQUIRED).
            TotpInvalid: The code is wrong (TOTP_INVALID).
        """
        require_credentials(request)
        refuse_broken(request)
        account_key = usernames.key_of(request.username)
        await self._credentials.check_allowed(account_key, address)
        not_before = asyncio.get_running_loop().time() + self._failure_floor.total_seconds()
        try:
            verified = await self._verify(request, account_key, address)
        except (InvalidCredentials, TotpInvalid) as error:
            LOGIN_FAILURES.labels(error.reason).inc()
            await asyncio.sleep(not_before - asyncio.get_running_loop().time())
            raise
        except PlazaError as error:
            LOGIN_FAILURES.labels(error.reason).inc()
            raise
        return verified

    async def sign_in(self, connection: AsyncConnection, verified: Verified, caller: Caller) -> pb.LoginResponse:
        """Open a session for a verified user.

        Raises:
            InvalidCredentials: The account was banned or deleted meanwhile (INVALID_CREDENTIALS).
            TotpInvalid: The code was used meanwhile (TOTP_INVALID).
            Aborted: The password was changed meanwhile (ABORTED).
        """
        now = self._clock()
        user = await self._users.lock(connection, verified.user.id)
        if user is None or not user.may_sign_in(now):
            raise InvalidCredentials
        if user.password_hash != verified.user.password_hash or user.is_totp_enabled != verified.user.is_totp_enabled:
            raise Aborted("the account changed during the sign-in")
        await self._second_factor.spend(connection, user.id, verified.proof)
        await self._users.update(connection, user.id, {"last_login_time": now})
        tokens = await self._sessions.open(connection, user, caller)
        return pb.LoginResponse(tokens=tokens, user_id=user.id, username=user.username)

    async def _verify(self, request: pb.LoginRequest, account_key: bytes, address: str) -> Verified:
        async with self._database.read() as connection:
            user = await self._users.find_by_username(connection, account_key)
        checked = await self._credentials.password(user, request.password, account_key=account_key, address=address)
        if checked is None:
            raise InvalidCredentials
        if not checked.may_sign_in(self._clock()):
            await self._credentials.count_failure(account_key, address)
            raise InvalidCredentials
        return Verified(checked, await self._credentials.second_factor(checked, request.totp_code, address=address))
