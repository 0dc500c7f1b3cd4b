"""The second factor, from its secret to its end."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from auth import models
from plaza.auth.v1 import account_service_pb2 as pb
from plaza.auth.v1 import auth_service_pb2
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError

PASSWORD = "password123"


class Factor:
    """An authenticator application that shows codes by the service's clock."""

    def __init__(self, auth: Any, secret: str, recovery_codes: list[str]) -> None:
        self._auth = auth
        self._secret = secret
        self.recovery_codes = recovery_codes

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self._secret).at(self._auth.clock() + timedelta(seconds=30 * steps))

    def fresh_code(self) -> str:
        """Return a code that was not used, after waiting for it."""
        self._auth.clock.forward(seconds=30)
        return self.code()


def login(code: str | None = None) -> auth_service_pb2.LoginRequest:
    return auth_service_pb2.LoginRequest(username="alice", password=PASSWORD, totp_code=code)


async def enable(auth: Any, caller: Caller) -> Factor:
    begun = await auth.call("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), caller)
    code = pyotp.TOTP(begun.secret).at(auth.clock())
    confirmed = await auth.call("ConfirmTotp", pb.ConfirmTotpRequest(totp_code=code), caller)
    return Factor(auth, begun.secret, list(confirmed.recovery_codes))


@pytest.fixture
async def alice(auth: Any) -> Caller:
    caller: Caller = await auth.signed_in("alice")
    return caller


@pytest.fixture
async def factor(auth: Any, alice: Caller) -> Factor:
    return await enable(auth, alice)


class TestEnable:
    async def test_the_secret_is_for_a_qr_code(self, auth: Any, alice: Caller) -> None:
        begun = await auth.call("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), alice)
        uri = urlsplit(begun.otpauth_uri)

        assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Plaza:alice")
        assert parse_qs(uri.query) == {"secret": [begun.secret], "issuer": ["Plaza"]}
        assert len(begun.secret) == 32

    async def test_it_counts_once_confirmed(self, auth: Any, alice: Caller) -> None:
        await auth.call("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), alice)

        assert (await auth.login()).user_id == alice.user_id
        assert not (await auth.call("GetAccount", pb.GetAccountRequest(), alice)).is_totp_enabled

    async def test_confirming_hands_out_ten_recovery_codes(self, auth: Any, alice: Caller, factor: Factor) -> None:
        account = await auth.call("GetAccount", pb.GetAccountRequest(), alice)

        assert (account.is_totp_enabled, account.recovery_codes_left) == (True, 10)
        assert len(set(factor.recovery_codes)) == 10

    async def test_the_password_is_asked_for(self, auth: Any, alice: Caller) -> None:
        await auth.refused("BeginTotp", pb.BeginTotpRequest(), "INVALID_REQUEST", alice)
        await auth.refused("BeginTotp", pb.BeginTotpRequest(password="wrong"), "PASSWORD_WRONG", alice)
        for _ in range(9):
            await auth.refused("BeginTotp", pb.BeginTotpRequest(password="wrong"), "PASSWORD_WRONG", alice)
        await auth.refused("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), "RATE_LIMITED", alice)

    async def test_only_the_right_code_confirms(self, auth: Any, alice: Caller) -> None:
        confirm = pb.ConfirmTotpRequest(totp_code="123456")
        await auth.refused("ConfirmTotp", pb.ConfirmTotpRequest(), "INVALID_REQUEST", alice)
        await auth.refused("ConfirmTotp", confirm, "TOTP_NOT_BEGUN", alice)
        begun = await auth.call("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), alice)
        wrong = "000000" if pyotp.TOTP(begun.secret).at(auth.clock()) != "000000" else "000001"

        await auth.refused("ConfirmTotp", pb.ConfirmTotpRequest(totp_code=wrong), "TOTP_INVALID", alice)

    async def test_it_is_enabled_once(self, auth: Any, alice: Caller, factor: Factor) -> None:
        confirm = pb.ConfirmTotpRequest(totp_code=factor.fresh_code())

        await auth.refused("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), "TOTP_ALREADY_ENABLED", alice)
        await auth.refused("ConfirmTotp", confirm, "TOTP_ALREADY_ENABLED", alice)

    async def test_secret_and_codes_are_not_readable_in_the_database(self, auth: Any, alice: Caller) -> None:
        begun = await auth.call("BeginTotp", pb.BeginTotpRequest(password=PASSWORD), alice)
        code = pyotp.TOTP(begun.secret).at(auth.clock())
        confirmed = await auth.call("ConfirmTotp", pb.ConfirmTotpRequest(totp_code=code), alice)
        async with auth.service.foundation.database.read() as connection:
            sealed = (await connection.execute(select(models.users.c.totp_secret))).scalar_one()
            hashes = list((await connection.execute(select(models.recovery_codes.c.code_hash))).scalars())

        assert begun.secret.encode() not in sealed
        assert [len(code_hash) for code_hash in hashes] == [32] * 10
        assert not any(recovery.encode() in b"".join(hashes) for recovery in confirmed.recovery_codes)


class TestLogin:
    async def test_a_code_is_asked_for_after_the_right_password_only(self, auth: Any, factor: Factor) -> None:
        await auth.refused("Login", login(), "TOTP_REQUIRED")
        wrong = auth_service_pb2.LoginRequest(username="alice", password="wrong", totp_code=factor.fresh_code())
        await auth.refused("Login", wrong, "INVALID_CREDENTIALS")

        assert (await auth.call("Login", login(factor.fresh_code()))).username == "alice"

    async def test_a_code_works_once(self, auth: Any, factor: Factor) -> None:
        code = factor.fresh_code()
        await auth.call("Login", login(code))

        await auth.refused("Login", login(code), "TOTP_INVALID")

    async def test_of_two_logins_with_one_code_one_succeeds(self, auth: Any, factor: Factor) -> None:
        code = factor.fresh_code()
        outcomes = await asyncio.gather(*(auth.call("Login", login(code)) for _ in range(3)), return_exceptions=True)
        reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, RemoteError)]

        assert reasons == ["TOTP_INVALID", "TOTP_INVALID"]

    async def test_clocks_may_differ_by_one_step(self, auth: Any, factor: Factor) -> None:
        auth.clock.forward(minutes=5)
        await auth.refused("Login", login(factor.code(-2)), "TOTP_INVALID")
        await auth.refused("Login", login(factor.code(2)), "TOTP_INVALID")
        await auth.call("Login", login(factor.code(-1)))
        await auth.call("Login", login(factor.code(1)))
        await auth.refused("Login", login(factor.code(0)), "TOTP_INVALID")  # older than the last one

    async def test_a_recovery_code_works_once_however_it_is_typed(
        self, auth: Any, alice: Caller, factor: Factor
    ) -> None:
        typed = factor.recovery_codes[0].upper().replace("-", " ")
        await auth.call("Login", login(typed))

        await auth.refused("Login", login(factor.recovery_codes[0]), "TOTP_INVALID")
        assert (await auth.call("GetAccount", pb.GetAccountRequest(), alice)).recovery_codes_left == 9

    async def test_of_two_logins_with_one_recovery_code_one_succeeds(self, auth: Any, factor: Factor) -> None:
        request = login(factor.recovery_codes[0])
        outcomes = await asyncio.gather(*(auth.call("Login", request) for _ in range(3)), return_exceptions=True)

        assert [outcome.reason for outcome in outcomes if isinstance(outcome, RemoteError)] == ["TOTP_INVALID"] * 2

    async def test_wrong_codes_are_limited(self, auth: Any, factor: Factor) -> None:
        for _ in range(10):
            await auth.refused("Login", login("not-a-code"), "TOTP_INVALID")

        await auth.refused("Login", login(factor.fresh_code()), "RATE_LIMITED")


class TestDisable:
    async def test_it_takes_password_and_code(self, auth: Any, alice: Caller, factor: Factor) -> None:
        await auth.refused("DisableTotp", pb.DisableTotpRequest(), "INVALID_REQUEST", alice)
        wrong_password = pb.DisableTotpRequest(password="wrong", totp_code=factor.fresh_code())
        await auth.refused("DisableTotp", wrong_password, "PASSWORD_WRONG", alice)
        wrong_code = pb.DisableTotpRequest(password=PASSWORD, totp_code="x")
        await auth.refused("DisableTotp", wrong_code, "TOTP_INVALID", alice)
        await auth.call("DisableTotp", pb.DisableTotpRequest(password=PASSWORD, totp_code=factor.fresh_code()), alice)

        account = await auth.call("GetAccount", pb.GetAccountRequest(), alice)
        assert (account.is_totp_enabled, account.recovery_codes_left) == (False, 0)
        assert (await auth.login()).user_id == alice.user_id
        await enable(auth, alice)

    async def test_there_must_be_one(self, auth: Any, alice: Caller) -> None:
        request = pb.DisableTotpRequest(password=PASSWORD, totp_code="123456")

        await auth.refused("DisableTotp", request, "TOTP_NOT_ENABLED", alice)

    async def test_an_admin_keeps_it(self, auth: Any, alice: Caller, factor: Factor) -> None:
        async def promote(connection: Any) -> None:
            await auth.service.users.change_role(connection, alice.user_id, "admin")

        await auth.service.foundation.database.write(promote)
        request = pb.DisableTotpRequest(password=PASSWORD, totp_code=factor.fresh_code())

        await auth.refused("DisableTotp", request, "TOTP_MANDATORY", alice)

    async def test_guesses_are_limited(self, auth: Any, alice: Caller, factor: Factor) -> None:
        for _ in range(10):
            request = pb.DisableTotpRequest(password=PASSWORD, totp_code="x")
            await auth.refused("DisableTotp", request, "TOTP_INVALID", alice)
        request = pb.DisableTotpRequest(password=PASSWORD, totp_code=factor.fresh_code())

        await auth.refused("DisableTotp", request, "RATE_LIMITED", alice)


class TestRegenerate:
    async def test_new_codes_replace_all_old_ones(self, auth: Any, alice: Caller, factor: Factor) -> None:
        request = pb.RegenerateRecoveryCodesRequest(password=PASSWORD, totp_code=factor.recovery_codes[0])
        response = await auth.call("RegenerateRecoveryCodes", request, alice)

        assert len(set(response.recovery_codes)) == 10
        await auth.refused("Login", login(factor.recovery_codes[1]), "TOTP_INVALID")
        assert (await auth.call("Login", login(response.recovery_codes[0]))).user_id == alice.user_id

    async def test_it_takes_a_factor_password_and_code(self, auth: Any, alice: Caller) -> None:
        def regenerate(password: str | None = PASSWORD, code: str | None = "x") -> Any:
            return pb.RegenerateRecoveryCodesRequest(password=password, totp_code=code)

        await auth.refused("RegenerateRecoveryCodes", regenerate(None, None), "INVALID_REQUEST", alice)
        await auth.refused("RegenerateRecoveryCodes", regenerate(), "TOTP_NOT_ENABLED", alice)
        factor = await enable(auth, alice)
        await auth.refused("RegenerateRecoveryCodes", regenerate("wrong"), "PASSWORD_WRONG", alice)
        for _ in range(9):
            await auth.refused("RegenerateRecoveryCodes", regenerate(), "TOTP_INVALID", alice)
        await auth.refused("RegenerateRecoveryCodes", regenerate(code=factor.fresh_code()), "RATE_LIMITED", alice)


async def test_deleting_an_account_takes_the_code_too(auth: Any, alice: Caller, factor: Factor) -> None:
    await auth.refused("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD), "TOTP_REQUIRED", alice)
    wrong = pb.DeleteAccountRequest(password=PASSWORD, totp_code="000")
    await auth.refused("DeleteAccount", wrong, "TOTP_INVALID", alice)
    await auth.call("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD, totp_code=factor.fresh_code()), alice)

    await auth.refused("GetAccount", pb.GetAccountRequest(), "TOKEN_INVALID", alice)
