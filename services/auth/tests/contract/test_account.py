"""AccountService without the second factor: password, export, end."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from auth import models
from plaza.auth.v1 import account_service_pb2 as pb
from plaza.auth.v1 import (
    auth_events_pb2,
    auth_service_pb2,
    profile_service_pb2,
    resume_pb2,
    resume_service_pb2,
    session_service_pb2,
    user_pb2,
    user_service_pb2,
)
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

PASSWORD = "password123"


def change(current: str | None = PASSWORD, new: str | None = "another password") -> pb.ChangePasswordRequest:
    return pb.ChangePasswordRequest(current_password=current, new_password=new)


async def account(auth: Any, caller: Caller) -> Any:
    return await auth.call("GetAccount", pb.GetAccountRequest(), caller)


async def set_role(auth: Any, user_id: int, role: str) -> None:
    async def work(connection: Any) -> None:
        await auth.service.users.change_role(connection, user_id, role)

    await auth.service.foundation.database.write(work)


async def test_the_owner_sees_the_account(auth: Any) -> None:
    alice = await auth.signed_in("Alice")
    found = await account(auth, alice)

    assert (found.id, found.username, found.role) == (alice.user_id, "Alice", user_pb2.ROLE_USER)
    assert (found.email, found.is_email_verified, found.avatar) == ("", False, "")
    assert (found.is_totp_enabled, found.recovery_codes_left) == (False, 0)
    assert found.HasField("joined_time")


class TestChangePassword:
    async def test_it_ends_all_other_sessions(self, auth: Any) -> None:
        await auth.register()
        others = [(await auth.login()).tokens for _ in range(2)]
        caller = await auth.session()
        response = await auth.call("ChangePassword", change(), caller)

        assert response.revoked_count == 2
        listed = await auth.call("ListSessions", session_service_pb2.ListSessionsRequest(), caller)
        assert [session.id for session in listed.sessions] == [caller.session_id]
        for tokens in others:
            request = auth_service_pb2.RefreshTokenRequest(refresh_token=tokens.refresh_token)
            await auth.refused("RefreshToken", request, "REFRESH_TOKEN_INVALID")

    async def test_the_new_password_replaces_the_old_one(self, auth: Any) -> None:
        caller = await auth.signed_in()
        await auth.call("ChangePassword", change(), caller)

        old = auth_service_pb2.LoginRequest(username="alice", password=PASSWORD)
        await auth.refused("Login", old, "INVALID_CREDENTIALS")
        assert (await auth.login("alice", "another password")).user_id == caller.user_id

    async def test_the_old_password_is_asked_for(self, auth: Any) -> None:
        caller = await auth.signed_in()

        await auth.refused("ChangePassword", change("wrong"), "PASSWORD_WRONG", caller)
        assert (await auth.login()).user_id == caller.user_id

    async def test_broken_fields_come_first(self, auth: Any) -> None:
        caller = await auth.signed_in()
        error = await auth.refused("ChangePassword", change(None, ""), "INVALID_REQUEST", caller)
        assert error.violations == [Violation("current_password", "REQUIRED"), Violation("new_password", "BLANK", 1)]

        error = await auth.refused("ChangePassword", change("wrong", "short"), "PASSWORD_TOO_SHORT", caller)
        assert error.violations == [Violation("new_password", "TOO_SHORT", 8)]

    async def test_wrong_passwords_count_as_failed_logins(self, auth: Any) -> None:
        caller = await auth.signed_in()
        for _ in range(5):
            await auth.refused("ChangePassword", change("wrong"), "PASSWORD_WRONG", caller)
            wrong = auth_service_pb2.LoginRequest(username="alice", password="wrong")
            await auth.refused("Login", wrong, "INVALID_CREDENTIALS")

        await auth.refused("ChangePassword", change(), "RATE_LIMITED", caller)


class TestExport:
    async def test_it_holds_everything_but_secrets(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        fields = profile_service_pb2.ProfileFields(email="a@example.com", phone="138")
        request = profile_service_pb2.UpdateProfileRequest(fields=fields)
        request.update_mask.paths.extend(["email", "phone"])
        await auth.call("UpdateProfile", request, alice)
        basics = resume_pb2.ResumeFields(
            name="n", age=1, graduation_date="2024-06-01", education_level="e", expected_position="p"
        )
        await auth.call("SaveResume", resume_service_pb2.SaveResumeRequest(fields=basics), alice)
        section = resume_pb2.ResumeItem(custom=resume_pb2.CustomSection(title="证书", content="c"))
        await auth.call("CreateItem", resume_service_pb2.CreateItemRequest(item=section), alice)
        response = await auth.call("ExportAccount", pb.ExportAccountRequest(), alice)
        document = json.loads(response.document)

        assert set(document) == {"account", "profile", "sessions", "resume"}
        assert document["account"]["username"] == "alice"
        assert document["profile"]["email"] == "a@example.com"
        assert [session["id"] for session in document["sessions"]] == [alice.session_id]
        assert document["resume"]["graduation_date"] == "2024-06-01"
        assert document["resume"]["custom_sections"][0]["title"] == "证书"
        text = response.document.decode()
        assert not any(word in text for word in ("argon2", "hash", "secret", "sealed", "password"))

    async def test_without_a_resume_it_is_null(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        response = await auth.call("ExportAccount", pb.ExportAccountRequest(), alice)

        assert json.loads(response.document)["resume"] is None


class TestDelete:
    async def test_nothing_personal_is_left(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        fields = profile_service_pb2.ProfileFields(email="alice@example.com", first_name="Alice", avatar="/alice.png")
        request = profile_service_pb2.UpdateProfileRequest(fields=fields)
        request.update_mask.paths.extend(["email", "first_name", "avatar"])
        await auth.call("UpdateProfile", request, alice)
        await auth.call("RequestEmailVerification", pb.RequestEmailVerificationRequest(), alice)
        basics = resume_pb2.ResumeFields(
            name="alice", age=1, graduation_date="2024-06-01", education_level="e", expected_position="p"
        )
        await auth.call("SaveResume", resume_service_pb2.SaveResumeRequest(fields=basics), alice)
        section = resume_pb2.ResumeItem(custom=resume_pb2.CustomSection(title="alice", content="alice"))
        await auth.call("CreateItem", resume_service_pb2.CreateItemRequest(item=section), alice)
        await auth.call("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD), alice)

        async with auth.service.foundation.database.read() as connection:
            for table in models.metadata.sorted_tables:
                if table is models.outbox:
                    continue
                for row in (await connection.execute(select(table))).mappings():
                    assert "alice" not in repr(dict(row)).lower(), table.name
                    assert "192.0.2.1" not in repr(dict(row)), table.name
                    assert "pytest" not in repr(dict(row)), table.name

    async def test_the_id_stays_and_the_name_is_free(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        await auth.call("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD), alice)
        found = (await auth.call("GetUser", user_service_pb2.GetUserRequest(user_id=alice.user_id))).user

        assert (found.id, found.username, found.avatar, found.is_deleted) == (alice.user_id, "", "", True)
        await auth.refused("GetAccount", pb.GetAccountRequest(), "TOKEN_INVALID", alice)
        login = auth_service_pb2.LoginRequest(username="alice", password=PASSWORD)
        await auth.refused("Login", login, "INVALID_CREDENTIALS")
        assert await auth.register("alice") != alice.user_id

    async def test_it_is_announced_and_its_tokens_are_refused(self, auth: Any) -> None:
        await auth.register("alice")
        tokens = (await auth.login()).tokens
        alice = auth.caller_of(tokens.access_token)
        await auth.call("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD), alice)

        [deleted] = await auth.events(auth_events_pb2.UserDeleted)
        assert deleted.user_id == alice.user_id
        [revoked] = await auth.events(auth_events_pb2.TokensRevoked)
        [entry] = revoked.revocations
        assert (entry.session_id, entry.minimum_version) == ("", alice.token_version + 1)
        request = auth_service_pb2.RefreshTokenRequest(refresh_token=tokens.refresh_token)
        await auth.refused("RefreshToken", request, "REFRESH_TOKEN_INVALID")

    async def test_the_password_is_asked_for(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")

        await auth.refused("DeleteAccount", pb.DeleteAccountRequest(), "INVALID_REQUEST", alice)
        await auth.refused("DeleteAccount", pb.DeleteAccountRequest(password="wrong"), "PASSWORD_WRONG", alice)
        assert (await account(auth, alice)).username == "alice"

    async def test_wrong_passwords_are_limited(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        for _ in range(10):
            await auth.refused("DeleteAccount", pb.DeleteAccountRequest(password="wrong"), "PASSWORD_WRONG", alice)

        await auth.refused("DeleteAccount", pb.DeleteAccountRequest(password=PASSWORD), "RATE_LIMITED", alice)

    async def test_the_last_admin_stays(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        await set_role(auth, alice.user_id, "admin")
        request = pb.DeleteAccountRequest(password=PASSWORD)
        await auth.refused("DeleteAccount", request, "LAST_ADMIN", alice)

        bob = await auth.register("bob")
        await set_role(auth, bob, "admin")
        await auth.call("DeleteAccount", request, alice)
        assert (await auth.call("GetUser", user_service_pb2.GetUserRequest(user_id=alice.user_id))).user.is_deleted


@pytest.mark.parametrize("method", ["GetAccount", "ExportAccount"])
async def test_a_banned_users_token_is_invalid_at_once(auth: Any, method: str) -> None:
    alice = await auth.signed_in("alice")
    moderator = await auth.signed_in("mod", "moderator")
    await auth.call("BanUser", user_service_pb2.BanUserRequest(user_id=alice.user_id, reason="spam"), moderator)

    await auth.refused(method, getattr(pb, f"{method}Request")(), "TOKEN_INVALID", alice)
