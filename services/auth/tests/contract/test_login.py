"""Login: what it yields, and that its refusals tell nothing."""

import asyncio
import base64
import hashlib
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select, update

from auth import models
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza.auth.v1 import profile_service_pb2, user_service_pb2
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation


def login(username: str | None = "alice", password: str | None = "password123", **more: Any) -> pb.LoginRequest:
    return pb.LoginRequest(username=username, password=password, **more)


async def set_columns(auth: Any, user_id: int, **values: Any) -> None:
    async def work(connection: Any) -> None:
        await connection.execute(update(models.users).where(models.users.c.id == user_id).values(values))

    await auth.service.foundation.database.write(work)


async def password_hash(auth: Any, user_id: int) -> str:
    async with auth.service.foundation.database.read() as connection:
        statement = select(models.users.c.password_hash).where(models.users.c.id == user_id)
        return str((await connection.execute(statement)).scalar_one())


def django_hash(password: str, iterations: int = 1000) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"seasalt", iterations)
    return f"pbkdf2_sha256${iterations}$seasalt${base64.b64encode(digest).decode()}"


async def test_a_login_yields_a_pair_that_the_published_key_verifies(auth: Any) -> None:
    user_id = await auth.register("Alice")
    response = await auth.login("alice")

    assert (response.user_id, response.username, response.tokens.expires_in_seconds) == (user_id, "Alice", 900)
    assert len(response.tokens.refresh_token) == 46
    assert response.tokens.refresh_token.startswith("rt_")
    [key] = (await auth.call("GetJwks", pb.GetJwksRequest())).keys
    header = jwt.get_unverified_header(response.tokens.access_token)
    assert header == {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}
    public_key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "="))
    claims = jwt.decode(
        response.tokens.access_token, public_key, algorithms=["EdDSA"], audience="plaza", issuer="plaza"
    )
    assert set(claims) == {"iss", "aud", "sub", "user_id", "username", "roles", "sid", "ver", "iat", "exp", "jti"}
    assert (claims["sub"], claims["user_id"], claims["username"]) == (str(user_id), user_id, "Alice")
    assert (claims["roles"], claims["ver"], claims["exp"] - claims["iat"]) == (["user"], 1, 900)


async def test_a_login_is_seen_in_the_profile(auth: Any) -> None:
    alice = await auth.signed_in()

    profile = (await auth.call("GetProfile", profile_service_pb2.GetProfileRequest(), alice)).profile
    assert profile.last_login_time.ToDatetime() >= profile.joined_time.ToDatetime()


@pytest.mark.parametrize("settings_changes", [{"login_access_ttl": timedelta(seconds=120)}])
async def test_the_life_of_an_access_token_is_a_setting(auth: Any) -> None:
    await auth.register()
    tokens = (await auth.login()).tokens

    assert tokens.expires_in_seconds == 120


@pytest.mark.parametrize(("username", "password"), [(None, "x"), ("", "x"), ("alice", None), ("alice", "")])
async def test_both_credentials_are_needed(auth: Any, username: str | None, password: str | None) -> None:
    await auth.refused("Login", login(username, password), "CREDENTIALS_REQUIRED")


async def test_broken_fields_are_listed(auth: Any) -> None:
    request = login(
        "a" * 151, None, totp_code="1" * 33, violations=[FieldViolation(field="password", code="WRONG_TYPE")]
    )
    error = await auth.refused("Login", request, "INVALID_REQUEST")

    assert error.violations == [
        Violation("username", "TOO_LONG", 150),
        Violation("password", "WRONG_TYPE"),
        Violation("totp_code", "TOO_LONG", 32),
    ]


async def test_refusals_look_alike(auth: Any) -> None:
    """Unknown name, wrong password, deleted, banned with the right password: one answer."""
    alice = await auth.register("alice")
    moderator = await auth.signed_in("mod", "moderator")
    assert moderator.user_id != alice
    await auth.register("banned")
    banned_id = (await auth.login("banned")).user_id
    await auth.call("BanUser", user_service_pb2.BanUserRequest(user_id=banned_id, reason="spam"), moderator)
    errors = [
        await auth.refused("Login", login("ghost"), "INVALID_CREDENTIALS"),
        await auth.refused("Login", login("alice", "wrong"), "INVALID_CREDENTIALS"),
        await auth.refused("Login", login("banned"), "INVALID_CREDENTIALS"),
        await auth.refused("Login", login("banned", "wrong"), "INVALID_CREDENTIALS"),
    ]

    assert len({(error.code, str(error), tuple(error.violations), error.retry_after) for error in errors}) == 1


@pytest.mark.parametrize("settings_changes", [{"login_failure_floor": timedelta(seconds=0.3)}])
async def test_no_refusal_comes_before_the_floor(auth: Any) -> None:
    user_id = await auth.register("alice")
    await set_columns(auth, user_id, password_hash=django_hash("other"))
    for request in (login("ghost"), login("alice")):
        started = time.monotonic()
        await auth.refused("Login", request, "INVALID_CREDENTIALS")
        assert time.monotonic() - started >= 0.3


async def test_a_django_hash_is_verified_once_and_replaced(auth: Any) -> None:
    user_id = await auth.register("alice")
    await set_columns(auth, user_id, password_hash=django_hash("from the old days"))

    await auth.refused("Login", login("alice", "wrong"), "INVALID_CREDENTIALS")
    assert (await password_hash(auth, user_id)).startswith("pbkdf2_sha256$")
    await auth.login("alice", "from the old days")
    assert (await password_hash(auth, user_id)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await auth.login("alice", "from the old days")


async def test_concurrent_first_logins_with_a_django_hash_all_succeed(auth: Any) -> None:
    user_id = await auth.register("alice")
    await set_columns(auth, user_id, password_hash=django_hash("from the old days"))
    responses = await asyncio.gather(*(auth.login("alice", "from the old days") for _ in range(4)))

    assert {response.user_id for response in responses} == {user_id}


class TestThrottle:
    async def test_an_account_from_one_address_has_ten_failures(self, auth: Any) -> None:
        await auth.register("alice")
        for _ in range(10):
            await auth.refused("Login", login("alice", "wrong"), "INVALID_CREDENTIALS")
        error = await auth.refused("Login", login("alice"), "RATE_LIMITED")
        assert error.retry_after is not None
        assert 0 < error.retry_after <= 900

        elsewhere = Caller(request_id="test-request", address="198.51.100.7")
        assert (await auth.login("alice", caller=elsewhere)).username == "alice"
        auth.clock.forward(minutes=15, seconds=1)
        assert (await auth.login("alice")).username == "alice"

    async def test_an_unknown_name_counts_like_a_known_one(self, auth: Any) -> None:
        for _ in range(10):
            await auth.refused("Login", login("Ghost", "x"), "INVALID_CREDENTIALS")

        await auth.refused("Login", login("gHOST", "x"), "RATE_LIMITED")

    @pytest.mark.parametrize("settings_changes", [{"throttle_account": 6}])
    async def test_an_account_is_limited_over_all_addresses(self, auth: Any) -> None:
        await auth.register("alice")
        for number in range(6):
            caller = Caller(request_id="test-request", address=f"198.51.100.{number}")
            await auth.refused("Login", login("alice", "wrong"), "INVALID_CREDENTIALS", caller)

        await auth.refused("Login", login("alice"), "RATE_LIMITED")

    @pytest.mark.parametrize("settings_changes", [{"throttle_address": 6}])
    async def test_an_address_is_limited_over_all_accounts(self, auth: Any) -> None:
        await auth.register("alice")
        for number in range(6):
            caller = Caller(request_id="test-request", address=f"2001:db8::{number}")
            await auth.refused("Login", login(f"user{number}", "x"), "INVALID_CREDENTIALS", caller)
        same_network = Caller(request_id="test-request", address="2001:db8::ffff:1")
        other_network = Caller(request_id="test-request", address="2001:db8:0:1::1")

        await auth.refused("Login", login("alice"), "RATE_LIMITED", same_network)
        assert (await auth.login("alice", caller=other_network)).username == "alice"

    async def test_parallel_guesses_are_limited_too(self, auth: Any) -> None:
        await auth.register("alice")
        guesses = await asyncio.gather(
            *(auth.call("Login", login("alice", f"wrong{number}")) for number in range(30)), return_exceptions=True
        )
        reasons = [guess.reason for guess in guesses if isinstance(guess, RemoteError)]

        assert len(reasons) == 30
        assert reasons.count("INVALID_CREDENTIALS") <= 10 + 2  # one more per hashing thread may be under way
        await auth.refused("Login", login("alice"), "RATE_LIMITED")

    async def test_nothing_readable_is_stored(self, auth: Any) -> None:
        await auth.refused("Login", login("ghost", "x"), "INVALID_CREDENTIALS")
        async with auth.service.foundation.database.read() as connection:
            buckets = list((await connection.execute(select(models.attempts.c.bucket))).scalars())

        assert [len(bucket) for bucket in buckets] == [32, 32, 32]
        assert not any(b"ghost" in bucket or b"192.0.2" in bucket for bucket in buckets)


@pytest.mark.parametrize("settings_changes", [{"password_workers": 1, "password_queue": 1}])
async def test_a_flood_is_answered_at_once(auth: Any) -> None:
    await auth.register("alice")
    callers = [Caller(request_id="test-request", address=f"198.51.100.{number}") for number in range(20)]
    outcomes = await asyncio.gather(
        *(auth.call("Login", login("alice"), caller) for caller in callers), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]

    assert 0 < len(refused) < 20
    assert {(error.reason, error.retry_after) for error in refused} == {("UNAVAILABLE", 1.0)}
    assert (await auth.login("alice")).username == "alice"
