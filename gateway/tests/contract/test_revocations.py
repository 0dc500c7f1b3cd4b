"""A revocation counts within a second: by event, after a reconnect, and without Redis."""

import signal
import time
import uuid
from collections.abc import Callable

import pytest
from gateway_support.deployment import Deploy, Deployment
from gateway_support.redis_server import RedisServer
from redis import Redis

from plaza.auth.v1.auth_events_pb2 import TokensRevoked
from plaza.auth.v1.token_pb2 import Revocation
from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.testing.polling import eventually

STREAM = "plaza:events:auth:0"
SECOND = 1.0


def revocation(session: str) -> Revocation:
    return Revocation(session_id=session, user_id=1, until_unix=int(time.time()) + 900)


def publish(url: str, *entries: Revocation) -> None:
    payload = TokensRevoked(revocations=entries).SerializeToString()
    envelope = Envelope(id=str(uuid.uuid4()), type="plaza.auth.v1.TokensRevoked", source="auth", payload=payload)
    with Redis.from_url(url) as redis:
        redis.xadd(STREAM, {b"e": envelope.SerializeToString()})


def checking(edge: Deployment, session: str) -> Callable[[], int]:
    token = edge.issuer.token(sid=session)

    def status() -> int:
        with edge.client(token) as client:
            return client.get("/users/profile/").status_code

    return status


@pytest.fixture
def quiet(deploying: Deploy, own_redis: RedisServer) -> Deployment:
    """No audit in the time of a test: what arrives here has come by the way under test."""
    return deploying(redis_url=own_redis.url, revocation_audit=600)


async def test_event_counts_within_a_second(quiet: Deployment, own_redis: RedisServer) -> None:
    session = str(uuid.uuid4())
    status = checking(quiet, session)
    assert status() == 200
    await eventually(lambda: quiet.fakes.count("ListRevocations") >= 1)
    publish(own_redis.url, revocation(session))
    await eventually(lambda: status() == 401, timeout=SECOND)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/sessions/current"), ("DELETE", "/sessions")])
def test_who_signs_out_here_is_out_at_once(quiet: Deployment, method: str, path: str) -> None:
    """No event comes from the fakes: the gateway that ended the session knows it first."""
    with quiet.client(quiet.issuer.token(sid=str(uuid.uuid4()))) as client:
        assert client.get("/users/profile/").status_code == 200
        assert client.request(method, path).is_success
        assert client.get("/users/profile/").status_code == 401


async def test_all_tokens_of_a_user_below_a_version(quiet: Deployment, own_redis: RedisServer) -> None:
    with quiet.client(quiet.issuer.token(42, ver=3)) as old, quiet.client(quiet.issuer.token(42, ver=4)) as new:
        assert old.get("/users/profile/").status_code == 200
        entry = Revocation(user_id=42, minimum_version=4, until_unix=int(time.time()) + 900)
        publish(own_redis.url, entry)
        await eventually(lambda: old.get("/users/profile/").status_code == 401, timeout=SECOND)
        assert new.get("/users/profile/").status_code == 200


async def test_record_is_loaded_at_the_start_through_all_pages(deploying: Deploy) -> None:
    edge = deploying(wait=False)
    sessions = [str(uuid.uuid4()) for _ in range(5)]
    edge.fakes.revocations = [revocation(session) for session in sessions]
    edge.stop()
    again = deploying(
        wait=False,
        auth_target=f"127.0.0.1:{edge.backend.port}",
        internal_key_file=edge.app.runtime.settings.internal_key_file,
    )
    edge.backend.start()
    await eventually(again.is_ready)
    for session in sessions:
        with again.client(edge.issuer.token(sid=session)) as client:
            assert client.get("/users/profile/").status_code == 401


async def test_without_redis_the_record_is_polled(quiet: Deployment, own_redis: RedisServer) -> None:
    session = str(uuid.uuid4())
    status = checking(quiet, session)
    assert status() == 200
    own_redis.stop()
    quiet.fakes.revocations = [revocation(session)]
    await eventually(lambda: status() == 401, timeout=SECOND)


async def test_redis_that_hangs_counts_as_away(quiet: Deployment, own_redis: RedisServer) -> None:
    session = str(uuid.uuid4())
    status = checking(quiet, session)
    assert status() == 200
    own_redis.send_signal(signal.SIGSTOP)
    quiet.fakes.revocations = [revocation(session)]
    await eventually(lambda: status() == 401, timeout=SECOND)


async def test_after_a_restart_of_redis_nothing_is_missed(quiet: Deployment, own_redis: RedisServer) -> None:
    publish(own_redis.url, revocation(str(uuid.uuid4())))
    during, after = str(uuid.uuid4()), str(uuid.uuid4())
    own_redis.stop()
    own_redis.start()
    quiet.fakes.revocations = [revocation(during)]
    await eventually(lambda: checking(quiet, during)() == 401, timeout=3)
    status = checking(quiet, after)
    assert status() == 200
    publish(own_redis.url, revocation(after))
    await eventually(lambda: status() == 401, timeout=SECOND)


async def test_audit_finds_what_no_event_brought(deploying: Deploy) -> None:
    edge = deploying(revocation_audit=0.2)
    session = str(uuid.uuid4())
    status = checking(edge, session)
    assert status() == 200
    edge.fakes.revocations = [revocation(session)]
    await eventually(lambda: status() == 401, timeout=SECOND)


async def test_foreign_and_broken_entries_are_passed_over(quiet: Deployment, own_redis: RedisServer) -> None:
    session = str(uuid.uuid4())
    status = checking(quiet, session)
    assert status() == 200
    with Redis.from_url(own_redis.url) as redis:
        redis.xadd(STREAM, {b"e": b"\xff\xff\xff"})
        redis.xadd(STREAM, {b"other": b"field"})
        redis.xadd(STREAM, {b"e": Envelope(type="plaza.auth.v1.UserDeleted", payload=b"\xff").SerializeToString()})
    publish(own_redis.url, revocation(session))
    await eventually(lambda: status() == 401, timeout=SECOND)


async def test_list_survives_the_loss_of_both(quiet: Deployment, own_redis: RedisServer) -> None:
    session = str(uuid.uuid4())
    status = checking(quiet, session)
    publish(own_redis.url, revocation(session))
    await eventually(lambda: status() == 401, timeout=SECOND)
    own_redis.stop()
    quiet.backend.stop()
    assert status() == 401
