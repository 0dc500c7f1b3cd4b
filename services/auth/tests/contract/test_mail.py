"""Mailed tokens: proving an address, and getting back into an account."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from auth import models
from plaza.auth.v1 import account_service_pb2 as pb
from plaza.auth.v1 import auth_service_pb2, profile_service_pb2, session_service_pb2
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

ADDRESS = "alice@example.com"


async def set_email(auth: Any, caller: Caller, email: str) -> None:
    request = profile_service_pb2.UpdateProfileRequest(fields=profile_service_pb2.ProfileFields(email=email))
    request.update_mask.paths.append("email")
    await auth.call("UpdateProfile", request, caller)


async def mailed_token(auth: Any) -> str:
    """Send what is due and return the token of the last message."""
    await auth.service.mail_sender.send_due()
    [token] = re.findall(r"=((?:ev|pr)_[A-Za-z0-9_-]{43})\n", auth.sent_mails[-1].text)
    return str(token)


async def verification_token(auth: Any, caller: Caller) -> str:
    await auth.call("RequestEmailVerification", pb.RequestEmailVerificationRequest(), caller)
    return await mailed_token(auth)


async def is_verified(auth: Any, caller: Caller) -> bool:
    return bool((await auth.call("GetAccount", pb.GetAccountRequest(), caller)).is_email_verified)


def verify(token: str) -> pb.VerifyEmailRequest:
    return pb.VerifyEmailRequest(token=token)


def ask(email: str | None = ADDRESS) -> pb.RequestPasswordResetRequest:
    return pb.RequestPasswordResetRequest(email=email)


def reset(token: str, password: str = "a new password") -> pb.ResetPasswordRequest:
    return pb.ResetPasswordRequest(token=token, new_password=password)


@pytest.fixture
async def alice(auth: Any) -> Caller:
    """A user with an unproven address."""
    caller: Caller = await auth.signed_in("alice")
    await set_email(auth, caller, ADDRESS)
    return caller


@pytest.fixture
async def verified(auth: Any, alice: Caller) -> Caller:
    """A user with a proven address."""
    await auth.call("VerifyEmail", verify(await verification_token(auth, alice)))
    return alice


class TestVerification:
    async def test_the_token_goes_to_the_address_and_proves_it(self, auth: Any, alice: Caller) -> None:
        token = await verification_token(auth, alice)

        assert auth.sent_mails[0].recipient == ADDRESS
        assert f"http://127.0.0.1:8000/#verify-email={token}" in auth.sent_mails[0].text
        assert not await is_verified(auth, alice)
        await auth.call("VerifyEmail", verify(token))
        assert await is_verified(auth, alice)

    async def test_there_must_be_an_unproven_address(self, auth: Any, alice: Caller) -> None:
        request = pb.RequestEmailVerificationRequest()
        token = await verification_token(auth, alice)
        await auth.call("VerifyEmail", verify(token))
        await auth.refused("RequestEmailVerification", request, "EMAIL_ALREADY_VERIFIED", alice)
        await set_email(auth, alice, "")

        await auth.refused("RequestEmailVerification", request, "EMAIL_MISSING", alice)

    async def test_a_token_works_once_for_a_day(self, auth: Any, alice: Caller) -> None:
        first = await verification_token(auth, alice)
        auth.clock.forward(hours=24, seconds=1)
        await auth.refused("VerifyEmail", verify(first), "MAIL_TOKEN_INVALID")
        second = await verification_token(auth, alice)
        await auth.call("VerifyEmail", verify(second))

        await auth.refused("VerifyEmail", verify(second), "MAIL_TOKEN_INVALID")
        await auth.refused("VerifyEmail", verify("ev_unknown"), "MAIL_TOKEN_INVALID")

    async def test_it_is_about_the_address_it_went_to(self, auth: Any, alice: Caller) -> None:
        token = await verification_token(auth, alice)
        await set_email(auth, alice, "other@example.com")

        await auth.refused("VerifyEmail", verify(token), "MAIL_TOKEN_INVALID")
        assert not await is_verified(auth, alice)

    async def test_a_new_address_is_unproven_another_spelling_is_not_new(self, auth: Any, verified: Caller) -> None:
        await set_email(auth, verified, "Alice@Example.com")
        assert await is_verified(auth, verified)
        await set_email(auth, verified, "bob@example.com")
        assert not await is_verified(auth, verified)

    async def test_a_proven_address_is_one_users(self, auth: Any, verified: Caller) -> None:
        bob = await auth.signed_in("bob")
        await set_email(auth, bob, "ALICE@example.com")
        token = await verification_token(auth, bob)

        await auth.refused("VerifyEmail", verify(token), "EMAIL_TAKEN")
        assert not await is_verified(auth, bob)

    async def test_a_reset_token_proves_nothing(self, auth: Any, verified: Caller) -> None:
        await auth.call("RequestPasswordReset", ask())

        await auth.refused("VerifyEmail", verify(await mailed_token(auth)), "MAIL_TOKEN_INVALID")

    async def test_mails_are_limited_per_account(self, auth: Any, alice: Caller) -> None:
        request = pb.RequestEmailVerificationRequest()
        for _ in range(5):
            await auth.call("RequestEmailVerification", request, alice)
        error = await auth.refused("RequestEmailVerification", request, "RATE_LIMITED", alice)

        assert error.retry_after is not None
        assert 3590 < error.retry_after <= 3600

    async def test_broken_fields_are_listed(self, auth: Any) -> None:
        error = await auth.refused("VerifyEmail", verify("x" * 129), "INVALID_REQUEST")

        assert error.violations == [Violation("token", "TOO_LONG", 128)]


class TestReset:
    async def test_a_mailed_token_sets_the_password_and_ends_all_sessions(self, auth: Any, verified: Caller) -> None:
        await auth.call("RequestPasswordReset", ask("ALICE@example.com"))
        token = await mailed_token(auth)
        assert f"/#reset-password={token}" in auth.sent_mails[-1].text
        await auth.call("ResetPassword", reset(token))

        sessions = await auth.call("ListSessions", session_service_pb2.ListSessionsRequest(), verified)
        assert list(sessions.sessions) == []
        old = auth_service_pb2.LoginRequest(username="alice", password="password123")
        await auth.refused("Login", old, "INVALID_CREDENTIALS")
        assert (await auth.session("alice", password="a new password")).token_version == verified.token_version + 1

    @pytest.mark.parametrize("email", ["nobody@example.com", "unproven@example.com"])
    async def test_other_addresses_get_the_same_answer_and_no_mail(
        self, auth: Any, verified: Caller, email: str
    ) -> None:
        bob = await auth.signed_in("bob")
        await set_email(auth, bob, "unproven@example.com")
        sent = len(auth.sent_mails)
        answer = await auth.call("RequestPasswordReset", ask(email))
        await auth.service.mail_sender.send_due()

        assert answer == await auth.call("RequestPasswordReset", ask())
        assert len(auth.sent_mails) == sent

    async def test_a_token_works_once_for_an_hour(self, auth: Any, verified: Caller) -> None:
        await auth.call("RequestPasswordReset", ask())
        first = await mailed_token(auth)
        auth.clock.forward(hours=1, seconds=1)
        await auth.refused("ResetPassword", reset(first), "MAIL_TOKEN_INVALID")
        await auth.call("RequestPasswordReset", ask())
        second = await mailed_token(auth)
        await auth.call("ResetPassword", reset(second))

        await auth.refused("ResetPassword", reset(second), "MAIL_TOKEN_INVALID")

    async def test_a_changed_password_makes_mailed_tokens_worthless(self, auth: Any, verified: Caller) -> None:
        await auth.call("RequestPasswordReset", ask())
        token = await mailed_token(auth)
        change = pb.ChangePasswordRequest(current_password="password123", new_password="a changed password")
        await auth.call("ChangePassword", change, verified)

        await auth.refused("ResetPassword", reset(token), "MAIL_TOKEN_INVALID")

    async def test_a_changed_address_makes_mailed_tokens_worthless(self, auth: Any, verified: Caller) -> None:
        await auth.call("RequestPasswordReset", ask())
        token = await mailed_token(auth)
        await set_email(auth, verified, "other@example.com")

        await auth.refused("ResetPassword", reset(token), "MAIL_TOKEN_INVALID")

    async def test_broken_fields_are_listed(self, auth: Any) -> None:
        error = await auth.refused("RequestPasswordReset", ask("nobody"), "INVALID_REQUEST")
        assert error.violations == [Violation("email", "BAD_FORMAT")]
        error = await auth.refused("ResetPassword", pb.ResetPasswordRequest(), "INVALID_REQUEST")
        assert error.violations == [Violation("token", "REQUIRED"), Violation("new_password", "REQUIRED")]

        await auth.refused("ResetPassword", reset("pr_x", "short"), "PASSWORD_TOO_SHORT")

    @pytest.mark.parametrize("email", [ADDRESS, "nobody@example.com"])
    async def test_requests_are_limited_alike(self, auth: Any, verified: Caller, email: str) -> None:
        for _ in range(5):
            await auth.call("RequestPasswordReset", ask(email))

        await auth.refused("RequestPasswordReset", ask(email.upper()), "RATE_LIMITED")


@pytest.mark.parametrize("settings_changes", [{"environment": "production"}])
async def test_without_a_mail_server_production_refuses(auth: Any, alice: Caller) -> None:
    request = pb.RequestEmailVerificationRequest()

    await auth.refused("RequestEmailVerification", request, "MAIL_NOT_CONFIGURED", alice)
    await auth.refused("RequestPasswordReset", ask(), "MAIL_NOT_CONFIGURED")


async def test_tokens_are_stored_hashed_and_messages_sealed(auth: Any, alice: Caller) -> None:
    await auth.call("RequestEmailVerification", pb.RequestEmailVerificationRequest(), alice)
    async with auth.service.foundation.database.read() as connection:
        message = (await connection.execute(select(models.mails.c.sealed_message))).scalar_one()
        token_hash = (await connection.execute(select(models.mail_tokens.c.token_hash))).scalar_one()
    token = await mailed_token(auth)

    assert token.encode() not in message
    assert ADDRESS.encode() not in message
    assert token.encode() not in token_hash
