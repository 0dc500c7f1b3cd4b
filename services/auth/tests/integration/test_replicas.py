"""Two replicas on one database: limits and revocations hold for both."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from auth.main import Service
from plaza.auth.v1 import auth_service_pb2, session_service_pb2
from plaza_kit.errors import RemoteError
from plaza_kit.testing.grpc import new_trust, serving


@pytest.fixture
async def replica(auth: Any, make_settings: Any, moving_clock: Any) -> AsyncIterator[Any]:
    """A second replica of the service behind `auth`."""
    service = Service(make_settings(), clock=moving_clock)
    async with serving("auth", service.registrations(), trust=new_trust()) as client:
        yield type(auth)(client, service, moving_clock, auth.transport)
    await service.close()


async def test_failures_count_at_both(auth: Any, replica: Any) -> None:
    await auth.register()
    wrong = auth_service_pb2.LoginRequest(username="alice", password="wrong")
    for _ in range(5):
        await auth.refused("Login", wrong, "INVALID_CREDENTIALS")
        await replica.refused("Login", wrong, "INVALID_CREDENTIALS")

    for each in (auth, replica):
        await each.refused("Login", wrong, "RATE_LIMITED")


async def test_a_token_that_one_rotated_is_spent_at_the_other(auth: Any, replica: Any) -> None:
    await auth.register()
    first = auth_service_pb2.RefreshTokenRequest(refresh_token=(await auth.login()).tokens.refresh_token)
    pair = (await auth.call("RefreshToken", first)).tokens

    assert (await replica.call("RefreshToken", first)).tokens.refresh_token == pair.refresh_token
    auth.clock.forward(seconds=11)
    await replica.refused("RefreshToken", first, "REFRESH_TOKEN_INVALID")
    with pytest.raises(RemoteError, match="REFRESH_TOKEN_INVALID"):
        await auth.call("RefreshToken", auth_service_pb2.RefreshTokenRequest(refresh_token=pair.refresh_token))


async def test_a_session_that_one_ended_is_gone_at_the_other(auth: Any, replica: Any) -> None:
    caller = await auth.signed_in()
    await auth.call("RevokeSession", session_service_pb2.RevokeSessionRequest(), caller)

    listed = await replica.call("ListSessions", session_service_pb2.ListSessionsRequest(), caller)
    assert list(listed.sessions) == []
