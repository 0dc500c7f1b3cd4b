"""Register: the order of checks, and names."""

import asyncio
from typing import Any

import pytest

from plaza.auth.v1 import auth_events_pb2, user_pb2, user_service_pb2
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import RemoteError, Violation


def register(username: str | None = "alice", password: str | None = "password123", **more: Any) -> pb.RegisterRequest:
    return pb.RegisterRequest(username=username, password=password, **more)


async def test_an_account_is_made_and_announced(auth: Any) -> None:
    user_id = (await auth.call("Register", register("Alice"))).user_id

    user = (await auth.call("GetUser", user_service_pb2.GetUserRequest(user_id=user_id))).user
    assert (user.username, user.role, user.is_deleted) == ("Alice", user_pb2.ROLE_USER, False)
    [event] = await auth.events(auth_events_pb2.UserRegistered)
    assert event.user == user


@pytest.mark.parametrize(
    ("username", "password", "violations"),
    [
        (None, "password123", [Violation("username", "REQUIRED")]),
        ("", "password123", [Violation("username", "BLANK")]),
        ("alice", None, [Violation("password", "REQUIRED")]),
        ("alice", "", [Violation("password", "BLANK")]),
        (None, "", [Violation("username", "REQUIRED"), Violation("password", "BLANK")]),
    ],
)
async def test_both_credentials_are_needed_first(
    auth: Any, username: str | None, password: str | None, violations: list[Violation]
) -> None:
    error = await auth.refused("Register", register(username, password), "CREDENTIALS_REQUIRED")

    assert error.violations == violations


async def test_a_name_of_a_wrong_type_is_present_and_broken(auth: Any) -> None:
    wrong_type = FieldViolation(field="username", code="WRONG_TYPE")

    await auth.refused("Register", register(None, "", violations=[wrong_type]), "CREDENTIALS_REQUIRED")
    error = await auth.refused("Register", register(None, "p", violations=[wrong_type]), "INVALID_REQUEST")
    assert error.violations == [Violation("username", "WRONG_TYPE")]


async def test_a_password_may_have_256_code_points(auth: Any) -> None:
    error = await auth.refused("Register", register("alice", "口" * 257), "INVALID_REQUEST")
    assert error.violations == [Violation("password", "TOO_LONG", 256)]

    await auth.register("alice", "口" * 256)
    assert (await auth.login("alice", "口" * 256)).username == "alice"


@pytest.mark.parametrize("text", ["pass\x00word123"])
async def test_nul_is_refused(auth: Any, text: str) -> None:
    error = await auth.refused("Register", register("alice", text), "INVALID_REQUEST")

    assert error.violations == [Violation("password", "BAD_FORMAT")]


@pytest.mark.parametrize("username", ["a b", "a/b", "甲" * 151, "a\n", "🙂", "ﷺ", "a\u200bb"])
async def test_other_names_are_invalid(auth: Any, username: str) -> None:
    error = await auth.refused("Register", register(username), "USERNAME_INVALID")

    assert [violation.field for violation in error.violations] == ["username"]


@pytest.mark.parametrize("username", ["a", "甲" * 150, "Ünal_@+.-9", "иван", "e\u0301mile", "٣"])
async def test_letters_and_digits_of_any_script_are_valid(auth: Any, username: str) -> None:
    await auth.register(username)

    assert (await auth.login(username)).username == username


@pytest.mark.parametrize(
    ("registered", "other"),
    [("Alice", "aLICE"), ("ｂｏｂ", "bob"), ("Straße", "STRASSE"), ("é", "e\u0301"), ("ﬁn", "FIN"), ("ΣΑΣ", "σας")],
)
async def test_names_that_normalise_alike_are_one(auth: Any, registered: str, other: str) -> None:
    user_id = await auth.register(registered)

    await auth.refused("Register", register(other), "USERNAME_TAKEN")
    response = await auth.login(other)
    assert (response.user_id, response.username) == (user_id, registered)


async def test_a_taken_name_is_reported_before_a_short_password(auth: Any) -> None:
    await auth.register("alice")

    await auth.refused("Register", register("alice", "short"), "USERNAME_TAKEN")


async def test_a_short_password_is_reported_with_the_minimum(auth: Any) -> None:
    error = await auth.refused("Register", register("alice", "1234567"), "PASSWORD_TOO_SHORT")

    assert error.violations == [Violation("password", "TOO_SHORT", 8)]
    assert error.metadata == {"minimum": "8"}


@pytest.mark.parametrize("settings_changes", [{"password_min_length": 3}])
async def test_the_minimum_is_a_setting(auth: Any) -> None:
    await auth.refused("Register", register("alice", "12"), "PASSWORD_TOO_SHORT")

    assert await auth.register("alice", "123") > 0


async def test_of_racing_registrations_one_wins(auth: Any) -> None:
    outcomes = await asyncio.gather(
        *(auth.call("Register", register(name)) for name in ("bob", "BOB", "Bob", "bOb")), return_exceptions=True
    )

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    losers = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]
    assert [error.reason for error in losers] == ["USERNAME_TAKEN"] * 3
