"""A repeated write gets the first answer, also where the first one made its own repetition impossible."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from plaza.auth.v1 import account_service_pb2, auth_service_pb2, profile_service_pb2, resume_pb2, resume_service_pb2
from plaza_kit.caller import Caller

KEY = "3f1c7a52-key"
PASSWORD = "password123"


def keyed(caller: Caller) -> Caller:
    return caller._replace(idempotency_key=KEY)


@pytest.fixture
def visitor() -> Caller:
    return Caller(request_id="test-request", address="192.0.2.1", idempotency_key=KEY)


async def test_a_repeated_registration_gets_the_same_id(auth: Any, visitor: Caller) -> None:
    request = auth_service_pb2.RegisterRequest(username="alice", password=PASSWORD)
    first = await auth.call("Register", request, visitor)

    assert await auth.call("Register", request, visitor) == first
    await auth.refused("Register", request, "USERNAME_TAKEN")


async def test_a_repeated_login_gets_the_same_tokens(auth: Any, visitor: Caller) -> None:
    await auth.register()
    request = auth_service_pb2.LoginRequest(username="alice", password=PASSWORD)
    first = await auth.call("Login", request, visitor)

    assert await auth.call("Login", request, visitor) == first


async def test_a_repeated_password_change_succeeds_although_the_password_is_changed(auth: Any) -> None:
    caller = await auth.signed_in()
    request = account_service_pb2.ChangePasswordRequest(current_password=PASSWORD, new_password="another password")
    first = await auth.call("ChangePassword", request, keyed(caller))

    assert await auth.call("ChangePassword", request, keyed(caller)) == first
    await auth.refused("ChangePassword", request, "PASSWORD_WRONG", caller)


async def test_a_repeated_deletion_succeeds_although_the_account_is_gone(auth: Any) -> None:
    caller = await auth.signed_in()
    request = account_service_pb2.DeleteAccountRequest(password=PASSWORD)
    first = await auth.call("DeleteAccount", request, keyed(caller))

    assert await auth.call("DeleteAccount", request, keyed(caller)) == first
    await auth.refused("DeleteAccount", request, "TOKEN_INVALID", caller)


async def test_a_repeated_item_is_added_once(auth: Any) -> None:
    caller = await auth.signed_in()
    basics = resume_pb2.ResumeFields(
        name="n", age=1, graduation_date="2024-06-01", education_level="e", expected_position="p"
    )
    await auth.call("SaveResume", resume_service_pb2.SaveResumeRequest(fields=basics), caller)
    section = resume_pb2.ResumeItem(custom=resume_pb2.CustomSection(title="t", content="c"))
    request = resume_service_pb2.CreateItemRequest(item=section)
    first = await auth.call("CreateItem", request, keyed(caller))

    assert await auth.call("CreateItem", request, keyed(caller)) == first
    resume = await auth.call("GetResume", resume_service_pb2.GetResumeRequest(), caller)
    assert len(resume.items) == 1


async def test_a_key_belongs_to_one_request(auth: Any) -> None:
    caller = await auth.signed_in()

    def change(phone: str) -> profile_service_pb2.UpdateProfileRequest:
        fields = profile_service_pb2.ProfileFields(phone=phone)
        return profile_service_pb2.UpdateProfileRequest(fields=fields, update_mask=FieldMask(paths=["phone"]))

    await auth.call("UpdateProfile", change("1"), keyed(caller))
    await auth.refused("UpdateProfile", change("2"), "IDEMPOTENCY_KEY_REUSED", keyed(caller))


async def test_a_failure_is_not_kept(auth: Any, visitor: Caller) -> None:
    request = auth_service_pb2.LoginRequest(username="alice", password=PASSWORD)
    await auth.refused("Login", request, "INVALID_CREDENTIALS", visitor)
    user_id = await auth.register()

    assert (await auth.call("Login", request, visitor)).user_id == user_id
