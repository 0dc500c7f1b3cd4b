"""SessionService, and what its revocations look like to verifiers."""

from typing import Any

import pytest

from plaza.auth.v1 import auth_events_pb2, auth_service_pb2
from plaza.auth.v1 import session_service_pb2 as pb
from plaza_kit.caller import Caller


async def sessions(auth: Any, caller: Caller) -> list[Any]:
    return list((await auth.call("ListSessions", pb.ListSessionsRequest(), caller)).sessions)


async def revocations(auth: Any) -> list[Any]:
    response = await auth.call(
        "ListRevocations", auth_service_pb2.ListRevocationsRequest(), Caller(request_id="service-1")
    )
    return list(response.revocations)


async def is_dead(auth: Any, refresh_token: str) -> bool:
    request = auth_service_pb2.RefreshTokenRequest(refresh_token=refresh_token)
    return bool(await auth.refused("RefreshToken", request, "REFRESH_TOKEN_INVALID"))


async def test_sessions_are_listed_last_used_first(auth: Any) -> None:
    await auth.register()
    agent = "Firefox " * 40
    first = await auth.login(caller=Caller(request_id="test-request", user_agent=agent, address="198.51.100.1"))
    auth.clock.forward(minutes=1)
    second = await auth.session()
    found = await sessions(auth, second)

    assert [session.is_current for session in found] == [True, False]
    assert found[1].id == auth.caller_of(first.tokens.access_token).session_id
    assert (found[1].device, found[1].address) == (agent[:200], "198.51.100.1")
    assert found[1].expire_time.seconds - found[1].created_time.seconds == 30 * 86400
    assert found[0].last_seen_time.seconds - found[1].last_seen_time.seconds >= 60


async def test_one_session_is_ended(auth: Any) -> None:
    await auth.register()
    tokens = (await auth.login()).tokens
    other = auth.caller_of(tokens.access_token)
    caller = await auth.session()
    await auth.call("RevokeSession", pb.RevokeSessionRequest(session_id=other.session_id.upper()), caller)

    assert [session.id for session in await sessions(auth, caller)] == [caller.session_id]
    assert await is_dead(auth, tokens.refresh_token)
    [event] = await auth.events(auth_events_pb2.TokensRevoked)
    assert list(event.revocations) == await revocations(auth)
    [entry] = event.revocations
    assert (entry.session_id, entry.user_id) == (other.session_id, caller.user_id)
    remaining = entry.until_unix - auth.clock().timestamp()
    assert 900 + 55 < remaining < 900 + 65  # life of a token and the leeway of a verifier's clock


async def test_an_empty_id_is_the_calling_session(auth: Any) -> None:
    caller = await auth.signed_in()
    await auth.call("RevokeSession", pb.RevokeSessionRequest(), caller)

    assert await sessions(auth, caller) == []
    await auth.refused("RevokeSession", pb.RevokeSessionRequest(), "SESSION_NOT_FOUND", caller)


@pytest.mark.parametrize("session_id", ["x", "00000000-0000-4000-8000-000000000000"])
async def test_an_unknown_session_is_not_found(auth: Any, session_id: str) -> None:
    caller = await auth.signed_in()

    await auth.refused("RevokeSession", pb.RevokeSessionRequest(session_id=session_id), "SESSION_NOT_FOUND", caller)


async def test_another_users_session_is_not_found(auth: Any) -> None:
    alice = await auth.signed_in("alice")
    bob = await auth.signed_in("bob")

    request = pb.RevokeSessionRequest(session_id=alice.session_id)
    await auth.refused("RevokeSession", request, "SESSION_NOT_FOUND", bob)
    assert len(await sessions(auth, alice)) == 1


async def test_all_others_are_ended_session_by_session(auth: Any) -> None:
    await auth.register()
    others = [await auth.session() for _ in range(2)]
    caller = await auth.session()
    response = await auth.call("RevokeAllSessions", pb.RevokeAllSessionsRequest(keep_current=True), caller)

    assert response.revoked_count == 2
    assert [session.id for session in await sessions(auth, caller)] == [caller.session_id]
    assert {entry.session_id for entry in await revocations(auth)} == {other.session_id for other in others}


async def test_all_are_ended_by_one_entry_for_the_user(auth: Any) -> None:
    await auth.register()
    tokens = (await auth.login()).tokens
    caller = await auth.session()
    response = await auth.call("RevokeAllSessions", pb.RevokeAllSessionsRequest(), caller)

    assert response.revoked_count == 2
    assert await is_dead(auth, tokens.refresh_token)
    [entry] = await revocations(auth)
    assert (entry.session_id, entry.user_id, entry.minimum_version) == ("", caller.user_id, caller.token_version + 1)
    assert (await auth.session()).token_version == entry.minimum_version


@pytest.mark.parametrize("settings_changes", [{"sessions_max": 3}])
async def test_the_oldest_session_gives_way(auth: Any) -> None:
    await auth.register()
    callers = []
    for _ in range(5):
        callers.append(await auth.session())
        auth.clock.forward(seconds=1)

    live = {session.id for session in await sessions(auth, callers[-1])}
    assert live == {caller.session_id for caller in callers[2:]}
    assert [entry.session_id for entry in await revocations(auth)] == [caller.session_id for caller in callers[:2]]


class TestRevocationPages:
    async def test_they_are_read_oldest_first(self, auth: Any) -> None:
        await auth.register()
        ended = []
        for _ in range(5):
            caller = await auth.session()
            await auth.call("RevokeSession", pb.RevokeSessionRequest(), caller)
            ended.append(caller.session_id)
        found: list[str] = []
        token = ""
        while True:
            request = auth_service_pb2.ListRevocationsRequest(page_size=2, page_token=token)
            page = await auth.call("ListRevocations", request, Caller(request_id="service-1"))
            assert len(page.revocations) <= 2
            found += [entry.session_id for entry in page.revocations]
            token = page.next_page_token
            if not token:
                break

        assert found == ended

    async def test_what_cannot_be_alive_is_left_out(self, auth: Any) -> None:
        caller = await auth.signed_in()
        await auth.call("RevokeSession", pb.RevokeSessionRequest(), caller)
        auth.clock.forward(minutes=16, seconds=1)

        assert await revocations(auth) == []

    async def test_a_foreign_page_token_is_refused(self, auth: Any) -> None:
        request = auth_service_pb2.ListRevocationsRequest(page_token="abc")

        await auth.refused("ListRevocations", request, "PAGE_TOKEN_INVALID", Caller(request_id="service-1"))

    async def test_it_is_for_services_only(self, auth: Any) -> None:
        caller = await auth.signed_in("alice", "admin")

        await auth.refused("ListRevocations", auth_service_pb2.ListRevocationsRequest(), "PERMISSION_DENIED", caller)
