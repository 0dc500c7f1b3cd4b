"""What is over is thrown away, what is not stays."""

import asyncio
from typing import Any

from sqlalchemy import Table, func, select, update

from auth import housekeeping, models
from plaza.auth.v1 import account_service_pb2, auth_service_pb2, profile_service_pb2, session_service_pb2
from plaza_kit.testing.polling import eventually


async def rows(auth: Any, table: Table) -> int:
    async with auth.service.foundation.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def refreshed(auth: Any) -> Any:
    await auth.register()
    first = (await auth.login()).tokens
    request = auth_service_pb2.RefreshTokenRequest(refresh_token=first.refresh_token)
    return (await auth.call("RefreshToken", request)).tokens


async def test_a_sealed_pair_goes_with_its_grace(auth: Any) -> None:
    await refreshed(auth)

    assert (await auth.service.housekeeping.clean_up())["sealed_pairs"] == 0
    auth.clock.forward(seconds=11)
    assert (await auth.service.housekeeping.clean_up())["sealed_pairs"] == 1
    async with auth.service.foundation.database.read() as connection:
        assert (await connection.execute(select(models.sessions.c.sealed_pair))).scalar_one() is None


async def test_live_sessions_stay(auth: Any) -> None:
    tokens = await refreshed(auth)
    auth.clock.forward(days=29)
    await auth.service.housekeeping.clean_up()

    assert (await rows(auth, models.sessions), await rows(auth, models.refresh_tokens)) == (1, 2)
    request = auth_service_pb2.RefreshTokenRequest(refresh_token=tokens.refresh_token)
    assert (await auth.call("RefreshToken", request)).tokens.refresh_token


async def test_expired_sessions_go_with_their_tokens(auth: Any) -> None:
    await refreshed(auth)
    auth.clock.forward(days=31, seconds=1)
    await auth.service.housekeeping.clean_up()

    assert (await rows(auth, models.sessions), await rows(auth, models.refresh_tokens)) == (0, 0)


async def test_revoked_sessions_go_a_day_later(auth: Any) -> None:
    tokens = await refreshed(auth)
    caller = auth.caller_of(tokens.access_token)
    await auth.call("RevokeSession", session_service_pb2.RevokeSessionRequest(), caller)
    await auth.service.housekeeping.clean_up()
    assert await rows(auth, models.sessions) == 1
    auth.clock.forward(days=1, seconds=1)
    await auth.service.housekeeping.clean_up()

    assert (await rows(auth, models.sessions), await rows(auth, models.refresh_tokens)) == (0, 0)


async def test_a_long_session_goes_in_small_transactions(auth: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(housekeeping, "RANGE", 2)
    tokens = await refreshed(auth)
    for _ in range(4):
        request = auth_service_pb2.RefreshTokenRequest(refresh_token=tokens.refresh_token)
        tokens = (await auth.call("RefreshToken", request)).tokens
    auth.clock.forward(days=32)
    await auth.service.housekeeping.clean_up()

    assert (await rows(auth, models.sessions), await rows(auth, models.refresh_tokens)) == (0, 0)


async def test_revocations_go_when_no_token_can_be_alive(auth: Any) -> None:
    caller = await auth.signed_in()
    await auth.call("RevokeSession", session_service_pb2.RevokeSessionRequest(), caller)
    await auth.service.housekeeping.clean_up()
    assert await rows(auth, models.revocations) == 1
    auth.clock.forward(minutes=16, seconds=1)
    await auth.service.housekeeping.clean_up()

    assert await rows(auth, models.revocations) == 0


async def test_attempts_go_with_their_window(auth: Any) -> None:
    request = auth_service_pb2.LoginRequest(username="ghost", password="x")
    await auth.refused("Login", request, "INVALID_CREDENTIALS")
    await auth.service.housekeeping.clean_up()
    assert await rows(auth, models.attempts) == 3
    auth.clock.forward(hours=1, seconds=1)
    await auth.service.housekeeping.clean_up()

    assert await rows(auth, models.attempts) == 0


async def test_mailed_tokens_go_when_they_expire(auth: Any) -> None:
    caller = await auth.signed_in()
    fields = profile_service_pb2.ProfileFields(email="alice@example.com")
    request = profile_service_pb2.UpdateProfileRequest(fields=fields)
    request.update_mask.paths.append("email")
    await auth.call("UpdateProfile", request, caller)
    await auth.call("RequestEmailVerification", account_service_pb2.RequestEmailVerificationRequest(), caller)
    await auth.service.housekeeping.clean_up()
    assert await rows(auth, models.mail_tokens) == 1
    auth.clock.forward(hours=24, seconds=1)
    await auth.service.housekeeping.clean_up()

    assert await rows(auth, models.mail_tokens) == 0


async def test_idempotency_keys_go_after_three_days(auth: Any) -> None:
    caller = await auth.signed_in()
    keyed = caller._replace(idempotency_key="some-key-1")
    await auth.call("UpdateProfile", profile_service_pb2.UpdateProfileRequest(), keyed)
    assert (await auth.service.housekeeping.clean_up())["idempotency_keys"] == 0

    async def age(connection: Any) -> None:
        created = auth.clock().replace(year=2020)
        await connection.execute(update(models.idempotency).values(created_time=created))

    await auth.service.foundation.database.write(age)
    assert (await auth.service.housekeeping.clean_up())["idempotency_keys"] == 1


async def test_the_background_task_cleans_and_stops(auth: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(housekeeping, "INTERVAL_SECONDS", 0.01)
    await refreshed(auth)
    auth.clock.forward(days=32)
    stop = asyncio.Event()
    task = asyncio.create_task(auth.service.housekeeping.run(stop))

    async def is_clean() -> bool:
        return await rows(auth, models.sessions) == 0

    assert await eventually(is_clean)
    stop.set()
    await asyncio.wait_for(task, 2)
