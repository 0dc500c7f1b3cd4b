"""ProfileService."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from plaza.auth.v1 import auth_events_pb2, user_service_pb2
from plaza.auth.v1 import profile_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation


async def profile(auth: Any, caller: Caller) -> Any:
    return (await auth.call("GetProfile", pb.GetProfileRequest(), caller)).profile


def change(*paths: str, violations: Any = (), **values: Any) -> pb.UpdateProfileRequest:
    """Return a request that changes the given fields, and the named ones without a value to null."""
    mask = FieldMask(paths=[*paths, *values])
    return pb.UpdateProfileRequest(fields=pb.ProfileFields(**values), update_mask=mask, violations=violations)


async def test_a_fresh_profile_has_the_defaults(auth: Any) -> None:
    alice = await auth.signed_in("Alice")
    found = await profile(auth, alice)

    assert (found.id, found.username, found.email) == (alice.user_id, "Alice", "")
    assert (found.first_name, found.last_name) == ("", "")
    assert not found.HasField("phone")
    assert not found.HasField("avatar")
    assert not found.HasField("resume")
    assert found.HasField("joined_time")


async def test_without_a_login_there_is_no_last_login(auth: Any) -> None:
    user_id = await auth.register()

    assert not (await profile(auth, Caller(user_id=user_id, request_id="test-request"))).HasField("last_login_time")


async def test_only_named_fields_change(auth: Any) -> None:
    alice = await auth.signed_in()
    await auth.call(
        "UpdateProfile", change(email="a@example.com", first_name="艾丽丝", phone="138", avatar="/a.png"), alice
    )
    unnamed = pb.UpdateProfileRequest(fields=pb.ProfileFields(first_name="ignored", last_name="ignored"))
    await auth.call("UpdateProfile", unnamed, alice)
    found = await profile(auth, alice)

    assert (found.email, found.first_name, found.last_name) == ("a@example.com", "艾丽丝", "")
    assert (found.phone, found.avatar) == ("138", "/a.png")


async def test_a_named_field_without_a_value_becomes_null(auth: Any) -> None:
    alice = await auth.signed_in()
    await auth.call("UpdateProfile", change(phone="138", avatar=""), alice)
    assert (await profile(auth, alice)).avatar == ""
    await auth.call("UpdateProfile", change("phone", "avatar"), alice)
    found = await profile(auth, alice)

    assert not found.HasField("phone")
    assert not found.HasField("avatar")


@pytest.mark.parametrize(
    ("request_", "violations"),
    [
        (change("email"), [Violation("email", "WRONG_TYPE")]),
        (
            change("first_name", "last_name"),
            [Violation("first_name", "WRONG_TYPE"), Violation("last_name", "WRONG_TYPE")],
        ),
        (change("username"), [Violation("username", "NOT_ALLOWED")]),
        (change(email="nobody"), [Violation("email", "BAD_FORMAT")]),
        (change(email="a@" + "b" * 250 + ".com"), [Violation("email", "TOO_LONG", 254)]),
        (change(first_name="x" * 151), [Violation("first_name", "TOO_LONG", 150)]),
        (change(last_name="a\x00b"), [Violation("last_name", "BAD_FORMAT")]),
        (change(phone="1" * 21), [Violation("phone", "TOO_LONG", 20)]),
        (change(avatar="//evil.example"), [Violation("avatar", "BAD_FORMAT")]),
        (change(avatar="javascript:alert(1)"), [Violation("avatar", "BAD_FORMAT")]),
        (
            change(phone="1" * 21, violations=[FieldViolation(field="email", code="WRONG_TYPE")]),
            [Violation("email", "WRONG_TYPE"), Violation("phone", "TOO_LONG", 20)],
        ),
    ],
)
async def test_broken_fields_change_nothing(auth: Any, request_: Any, violations: list[Violation]) -> None:
    alice = await auth.signed_in()
    before = await profile(auth, alice)

    error = await auth.refused("UpdateProfile", request_, "INVALID_REQUEST", alice)
    assert error.violations == violations
    assert await profile(auth, alice) == before


@pytest.mark.parametrize("avatar", ["", "/media/a.png", "http://example.com/a.png", "https://例え.jp/絵.png?x=1"])
async def test_an_avatar_is_empty_a_url_or_a_path(auth: Any, avatar: str) -> None:
    alice = await auth.signed_in()
    await auth.call("UpdateProfile", change(avatar=avatar), alice)

    assert (await profile(auth, alice)).avatar == avatar


async def test_limits_count_code_points(auth: Any) -> None:
    alice = await auth.signed_in()
    await auth.call("UpdateProfile", change(first_name="𠮷" * 150, phone="☎" * 20), alice)

    assert (await profile(auth, alice)).first_name == "𠮷" * 150


async def test_only_a_new_picture_is_announced(auth: Any) -> None:
    alice = await auth.signed_in()
    await auth.call("UpdateProfile", change(avatar="/a.png"), alice)
    await auth.call("UpdateProfile", change(avatar="/a.png", first_name="A"), alice)
    [event] = await auth.events(auth_events_pb2.UserUpdated)

    assert event.user.avatar == "/a.png"
    user = await auth.call("GetUser", user_service_pb2.GetUserRequest(user_id=alice.user_id))
    assert user.user == event.user


async def test_a_token_that_outlived_its_account_is_invalid(auth: Any) -> None:
    ghost = Caller(user_id=10**9, username="ghost", roles=frozenset({"user"}), request_id="test-request")

    await auth.refused("GetProfile", pb.GetProfileRequest(), "TOKEN_INVALID", ghost)
    await auth.refused("UpdateProfile", change(phone="1"), "TOKEN_INVALID", ghost)
