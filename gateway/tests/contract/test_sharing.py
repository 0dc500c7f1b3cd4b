"""Public answers from memory: who gets them, until when, and that they are what the whole way would have answered."""

import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deploy, Deployment
from gateway_support.fake_state import reason
from gateway_support.redis_server import RedisServer
from redis import Redis

from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import forum_events_pb2, post_service_pb2
from plaza_kit.errors import NotFound
from plaza_kit.testing.polling import eventually, wait_until

LIST = "/posts/list/?page_size=20"
SECOND = 1.0


@pytest.fixture
def quiet(deploying: Deploy, own_redis: RedisServer) -> Deployment:
    """A gateway whose streams nobody else writes."""
    return deploying(redis_url=own_redis.url)


@pytest.fixture
def lasting(quiet: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """One whose answers live long, so that only what a test does can end them."""
    monkeypatch.setattr("gateway.cache.LIFETIME_SECONDS", 600.0)
    return quiet


def publish(redis: RedisServer, payload: Any, subject: str) -> None:
    envelope = Envelope(
        id=str(uuid.uuid4()),
        type=payload.DESCRIPTOR.full_name,
        source="forum",
        subject=subject,
        payload=payload.SerializeToString(),
    )
    with Redis.from_url(redis.url) as client:
        client.xadd("plaza:events:forum:0", {b"e": envelope.SerializeToString()})


def get(edge: Deployment, path: str = LIST, token: str | None = None, **headers: str) -> httpx.Response:
    with edge.client(token) as client:
        return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def asked(edge: Deployment) -> int:
    return edge.fakes.count("ListPostPage")


def test_the_second_request_asks_nobody_and_gets_the_same(lasting: Deployment) -> None:
    first, second = get(lasting), get(lasting)
    assert asked(lasting) == 1
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    own = {"x-request-id", "date"}
    assert {(name, value) for name, value in first.headers.items() if name not in own} == {
        (name, value) for name, value in second.headers.items() if name not in own
    }
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_another_page_is_another_answer(lasting: Deployment) -> None:
    for path in (LIST, "/posts/list/?page_size=10", "/posts/detail/1/", "/posts/detail/2/"):
        assert get(lasting, path).status_code == 200
    assert asked(lasting) == 2
    assert lasting.fakes.count("GetPostTree") == 2


def test_conditional_requests_are_answered_from_memory(lasting: Deployment) -> None:
    tag = get(lasting).headers["etag"]
    unmodified = get(lasting, If_None_Match=tag)
    assert (unmodified.status_code, unmodified.content) == (304, b"")
    assert unmodified.headers["etag"] == tag
    assert "content-length" not in unmodified.headers
    assert "content-type" not in unmodified.headers
    assert get(lasting, If_None_Match='"other"').status_code == 200
    assert asked(lasting) == 1


def test_request_ids_of_clients_are_kept(lasting: Deployment) -> None:
    get(lasting)
    assert get(lasting, X_Request_Id="0123456789abcdef").headers["x-request-id"] == "0123456789abcdef"


def test_head_is_answered_without_a_body(lasting: Deployment) -> None:
    body = get(lasting).content
    with lasting.client(None) as client:
        answer = client.head(LIST)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(body))
    assert asked(lasting) == 1


def test_pages_of_other_origins_get_their_headers(deploying: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cache.LIFETIME_SECONDS", 600.0)
    edge = deploying(cors_origins=["https://pages.example"])
    get(edge)
    answer = get(edge, Origin="https://pages.example")
    assert answer.headers["access-control-allow-origin"] == "https://pages.example"
    assert asked(edge) == 1


def test_roles_do_not_share(lasting: Deployment) -> None:
    issuer = lasting.issuer
    for token in (None, issuer.token(5), issuer.token(6), issuer.token(7, roles=["moderator"]), issuer.token(8)):
        assert get(lasting, token=token).status_code == 200
    assert asked(lasting) == 3, "nobody, users, moderators"


def test_what_depends_on_the_caller_is_not_shared_by_callers(lasting: Deployment) -> None:
    for user_id in (5, 5, 6):
        assert get(lasting, "/posts/1", token=lasting.issuer.token(user_id)).status_code == 200
    assert lasting.fakes.count("GetPost") == 3
    for _ in range(3):
        assert get(lasting, "/posts/1").status_code == 200
    assert lasting.fakes.count("GetPost") == 4


def test_errors_are_not_kept(lasting: Deployment) -> None:
    def fail(_: str) -> None:
        raise reason(NotFound, "POST_NOT_FOUND")

    lasting.fakes.fail = fail
    assert_problem(get(lasting, "/posts/detail/1/"), 404, "POST_NOT_FOUND")
    lasting.fakes.fail = lambda _: None
    assert get(lasting, "/posts/detail/1/").status_code == 200


def test_rate_limits_count_answers_from_memory(deploying: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cache.LIFETIME_SECONDS", 600.0)
    edge = deploying(rate_read_per_minute=20)
    statuses = [get(edge).status_code for _ in range(30)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_concurrent_requests_ask_once(lasting: Deployment) -> None:
    async def slow(_: str) -> None:
        wait_until(lambda: asked(lasting) >= 1, 5)
        await eventually(lambda: lasting.app.runtime.state.in_flight >= 8, timeout=5)

    lasting.fakes.delay = slow
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(lasting), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked(lasting) == 1


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (forum_events_pb2.PostCreated(post_id=9), "post:9"),
        (forum_events_pb2.ReplyCreated(post_id=1), "post:1"),
        (forum_events_pb2.VoteCast(post_id=1), "post:1"),
        (forum_events_pb2.AuthorChanged(user_id=1), "user:1"),
        (forum_events_pb2.CategoryChanged(category_id=1), "category:1"),
    ],
)
async def test_events_outdate_lists(lasting: Deployment, own_redis: RedisServer, event: Any, subject: str) -> None:
    get(lasting)
    await eventually(lambda: lasting.app.runtime.cache.find(("/posts/list/", b"page_size=20", 0)) is not None)
    publish(own_redis, event, subject)
    await eventually(lambda: get(lasting).status_code == 200 and asked(lasting) == 2, timeout=SECOND)


async def test_events_outdate_the_post_they_are_about_and_no_other(lasting: Deployment, own_redis: RedisServer) -> None:
    for number in (1, 2):
        get(lasting, f"/posts/detail/{number}/")
    publish(own_redis, forum_events_pb2.ReactionChanged(post_id=1), "post:1")

    def asked_again() -> bool:
        for number in (1, 2):
            get(lasting, f"/posts/detail/{number}/")
        return lasting.fakes.count("GetPostTree") == 3

    await eventually(asked_again, timeout=SECOND)
    ids = [request.post_id for name, request in lasting.fakes.requests if name == "GetPostTree"]  # type: ignore[attr-defined]  # of one method
    assert ids == [1, 2, 1]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/posts/create/", {"title": "t", "content": "c"}),
        ("POST", "/posts", {"title": "t", "content": "c"}),
        ("POST", "/posts/reply/create/1/", {"content": "c"}),
        ("POST", "/posts/reply/delete/5/", {}),
        ("PATCH", "/replies/5", {"content": "c"}),
        ("PUT", "/posts/1/vote", {"value": 1}),
        ("PUT", "/posts/1/lock", None),
        ("POST", "/posts/1/remove", {"reason": "spam"}),
        ("POST", "/moderation/cases/1/resolve", {"resolution": "remove"}),
    ],
)
def test_who_writes_here_sees_it_at_once(lasting: Deployment, method: str, path: str, body: Any) -> None:
    """No event comes from the fakes."""
    get(lasting)
    with lasting.admin() as client:
        assert client.request(method, path, json=body).is_success
    get(lasting)
    assert asked(lasting) == 2


def test_without_redis_nothing_is_older_than_a_second(quiet: Deployment, own_redis: RedisServer) -> None:
    own_redis.stop()
    totals: set[int] = set()
    asked_at = time.monotonic()
    deadline = asked_at + 3 * SECOND
    while time.monotonic() < deadline and len(totals) < 2:
        before = time.monotonic()
        totals.add(get(quiet).json()["total"])
        if len(totals) == 1:
            quiet.fakes.answers["ListPostPage"] = post_service_pb2.ListPostPageResponse(total_size=77, page_count=1)
            changed_at = before
    assert 77 in totals
    assert time.monotonic() - changed_at < SECOND + 0.5


def test_many_requests_in_one_packet_are_answered_in_their_order(lasting: Deployment) -> None:
    get(lasting)
    get(lasting, "/posts/detail/1/")
    paths = [LIST, "/livez", "/posts/detail/1/", LIST, "/no/such/path", LIST] * 5
    lines = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths[:-1])
    last = f"GET {paths[-1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", lasting.port), timeout=10) as connection:
        connection.sendall((lines + last).encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    bodies = {path: get(lasting, path).content for path in set(paths)}
    assert received.count(b"HTTP/1.1 ") == len(paths)
    position = 0
    for path in paths:
        body = bodies[path] if path != "/no/such/path" else b"ROUTE_NOT_FOUND"
        position = received.index(body, position) + len(body)
