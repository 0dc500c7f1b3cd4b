"""RefreshToken: rotation, grace, reuse."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from auth import models
from plaza.auth.v1 import auth_events_pb2, session_service_pb2
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation


async def refresh(auth: Any, token: str, caller: Caller | None = None) -> Any:
    return (await auth.call("RefreshToken", pb.RefreshTokenRequest(refresh_token=token), caller)).tokens


def spend(token: str) -> pb.RefreshTokenRequest:
    return pb.RefreshTokenRequest(refresh_token=token)


async def first_token(auth: Any) -> str:
    await auth.register()
    return str((await auth.login()).tokens.refresh_token)


async def test_a_refresh_yields_the_next_pair_of_the_same_session(auth: Any) -> None:
    await auth.register()
    first = (await auth.login()).tokens
    auth.clock.forward(minutes=5)
    second = await refresh(auth, first.refresh_token)

    assert second.refresh_token != first.refresh_token
    before, after = auth.caller_of(first.access_token), auth.caller_of(second.access_token)
    assert (before.session_id, before.user_id) == (after.session_id, after.user_id)
    assert second.expires_in_seconds == 900


async def test_the_predecessor_yields_the_same_pair_for_ten_seconds(auth: Any) -> None:
    first = await first_token(auth)
    second = await refresh(auth, first)
    auth.clock.forward(seconds=9)
    again = await refresh(auth, first)

    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)
    assert 890 <= again.expires_in_seconds <= 891
    third = await refresh(auth, second.refresh_token)
    assert third.refresh_token != second.refresh_token


async def test_concurrent_refreshes_yield_one_pair(auth: Any) -> None:
    first = await first_token(auth)
    pairs = await asyncio.gather(*(refresh(auth, first) for _ in range(5)))

    assert len({pair.refresh_token for pair in pairs}) == 1


async def test_after_the_grace_the_predecessor_ends_the_session(auth: Any) -> None:
    first = await first_token(auth)
    second = await refresh(auth, first)
    auth.clock.forward(seconds=11)

    await auth.refused("RefreshToken", spend(first), "REFRESH_TOKEN_INVALID")
    await auth.refused("RefreshToken", spend(second.refresh_token), "REFRESH_TOKEN_INVALID")
    [event] = await auth.events(auth_events_pb2.TokensRevoked)
    assert [entry.session_id for entry in event.revocations] == [auth.caller_of(second.access_token).session_id]


async def test_an_older_ancestor_has_no_grace(auth: Any) -> None:
    first = await first_token(auth)
    second = await refresh(auth, first)
    third = await refresh(auth, second.refresh_token)

    await auth.refused("RefreshToken", spend(first), "REFRESH_TOKEN_INVALID")
    await auth.refused("RefreshToken", spend(third.refresh_token), "REFRESH_TOKEN_INVALID")


async def test_reuse_ends_that_session_only(auth: Any) -> None:
    first = await first_token(auth)
    other = (await auth.login()).tokens
    second = await refresh(auth, first)
    await refresh(auth, second.refresh_token)
    await auth.refused("RefreshToken", spend(first), "REFRESH_TOKEN_INVALID")

    assert (await refresh(auth, other.refresh_token)).refresh_token


@pytest.mark.parametrize("token", ["rt_unknown", "x", "rt_" + "A" * 43])
async def test_an_unknown_token_is_refused(auth: Any, token: str) -> None:
    await auth.refused("RefreshToken", spend(token), "REFRESH_TOKEN_INVALID")


async def test_broken_fields_are_listed(auth: Any) -> None:
    for request, violation in (
        (pb.RefreshTokenRequest(), Violation("refresh_token", "REQUIRED")),
        (spend(""), Violation("refresh_token", "BLANK", 1)),
        (spend("x" * 257), Violation("refresh_token", "TOO_LONG", 256)),
    ):
        error = await auth.refused("RefreshToken", request, "INVALID_REQUEST")
        assert error.violations == [violation]


async def test_a_session_ends_after_thirty_days_whatever_happens(auth: Any) -> None:
    token = await first_token(auth)
    for _ in range(3):
        auth.clock.forward(days=9)
        token = (await refresh(auth, token)).refresh_token
    auth.clock.forward(days=3)

    await auth.refused("RefreshToken", spend(token), "REFRESH_TOKEN_INVALID")


@pytest.mark.parametrize("settings_changes", [{"refresh_grace": timedelta(0)}])
async def test_without_grace_the_predecessor_ends_the_session_at_once(auth: Any) -> None:
    first = await first_token(auth)
    second = await refresh(auth, first)
    auth.clock.forward(milliseconds=1)

    await auth.refused("RefreshToken", spend(first), "REFRESH_TOKEN_INVALID")
    await auth.refused("RefreshToken", spend(second.refresh_token), "REFRESH_TOKEN_INVALID")


async def test_tokens_are_stored_hashed_and_the_pair_sealed(auth: Any) -> None:
    first = await first_token(auth)
    second = await refresh(auth, first)
    async with auth.service.foundation.database.read() as connection:
        hashes = list((await connection.execute(select(models.refresh_tokens.c.token_hash))).scalars())
        [session] = (await connection.execute(select(models.sessions))).mappings()

    assert [len(token_hash) for token_hash in hashes] == [32, 32]
    stored = b"".join([*hashes, *(value for value in session.values() if isinstance(value, bytes))])
    assert first.encode() not in stored
    assert second.refresh_token.encode() not in stored
    assert second.access_token.encode() not in stored


async def test_the_session_shows_where_it_was_used_last(auth: Any) -> None:
    first = await first_token(auth)
    auth.clock.forward(minutes=3)
    pair = await refresh(auth, first, Caller(request_id="test-request", address="198.51.100.9"))
    caller = auth.caller_of(pair.access_token)
    [session] = (await auth.call("ListSessions", session_service_pb2.ListSessionsRequest(), caller)).sessions

    assert session.address == "198.51.100.9"
    assert session.last_seen_time.seconds - session.created_time.seconds >= 180
