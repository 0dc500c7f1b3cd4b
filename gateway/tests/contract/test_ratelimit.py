"""Rate limits on real Redis: exact, shared by gateways, and open when Redis is away."""

import math
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deploy, Deployment
from gateway_support.redis_server import RedisServer

LOGIN = {"username": "alice", "password": "password123"}


def allowed(edge: Deployment, count: int, **headers: str) -> int:
    with edge.client(None, **headers) as client:
        return sum(client.post("/users/login/", json=LOGIN).status_code == 200 for _ in range(count))


def come_back(per_minute: int, began: float) -> int:
    """Return how many permits a limit may have given back since a moment."""
    return math.ceil((time.monotonic() - began) * per_minute / 60)


def test_small_limits_are_exact_and_say_when_to_come_again(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(redis_url=own_redis.url, rate_credentials_per_minute=5)
    assert allowed(edge, 8) == 5
    with edge.client(None) as client:
        response = client.post("/users/login/", json=LOGIN)
        assert_problem(response, 429, "RATE_LIMITED", "请求过于频繁，请稍后再试")
        assert 1 <= int(response.headers["retry-after"]) <= 12
        assert client.get("/users/7").status_code == 200  # another class


def test_large_limits_are_handed_out_in_batches_and_still_exact(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(redis_url=own_redis.url, rate_read_per_minute=90)
    began = time.monotonic()
    with edge.client() as client:
        statuses = [client.get("/users/profile/").status_code for _ in range(120)]
    assert 90 <= statuses.count(200) <= 90 + come_back(90, began)
    assert set(statuses) == {200, 429}


def test_gateways_share_a_limit(deploying: Deploy, own_redis: RedisServer) -> None:
    first = deploying(redis_url=own_redis.url, rate_credentials_per_minute=6)
    second = deploying(redis_url=own_redis.url, rate_credentials_per_minute=6)
    assert allowed(first, 3) + allowed(second, 10) == 6


def test_subjects_have_their_own_limits(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(
        redis_url=own_redis.url, rate_credentials_per_minute=2, rate_read_per_minute=2, trusted_proxies=["127.0.0.0/8"]
    )
    assert allowed(edge, 3, **{"X-Forwarded-For": "203.0.113.1"}) == 2
    assert allowed(edge, 3, **{"X-Forwarded-For": "203.0.113.2"}) == 2
    # One subscriber has a whole /64 of IPv6.
    assert allowed(edge, 3, **{"X-Forwarded-For": "2001:db8::1"}) == 2
    assert allowed(edge, 3, **{"X-Forwarded-For": "2001:db8::2"}) == 0
    for user_id in (11, 12):
        with edge.client(edge.issuer.token(user_id)) as client:
            assert [client.get("/users/profile/").status_code for _ in range(3)] == [200, 200, 429]


def test_many_clients_at_once_do_not_open_the_limits(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(redis_url=own_redis.url, rate_credentials_per_minute=20, rate_deadline=5)
    began = time.monotonic()
    with ThreadPoolExecutor(100) as pool:
        granted = sum(pool.map(lambda _: allowed(edge, 1), range(150)))
    assert 20 <= granted <= 20 + come_back(20, began)


def test_limits_are_open_while_redis_is_gone(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(redis_url=own_redis.url, rate_credentials_per_minute=2)
    own_redis.stop()
    assert allowed(edge, 6) == 6
    with edge.client(None) as client:
        lines = client.get("/metrics").text.splitlines()
    opened = next(line for line in lines if line.startswith("plaza_rate_limit_open_total"))
    assert float(opened.split()[1]) >= 6


def test_redis_that_hangs_costs_one_short_wait(deploying: Deploy, own_redis: RedisServer) -> None:
    edge = deploying(redis_url=own_redis.url, rate_credentials_per_minute=1000)
    assert allowed(edge, 1) == 1
    edge.app.runtime.limiter._held.clear()
    own_redis.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert allowed(edge, 10) == 10
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    ("rate", "method", "path", "body"),
    [
        ("text", "POST", "/posts", {"title": "t", "content": "c"}),
        ("text", "POST", "/posts/create/", {"title": "t", "content": "c"}),
        ("text", "POST", "/posts/1/replies", {"content": "c"}),
        ("text", "PATCH", "/replies/5", {"content": "c"}),
        ("text", "POST", "/posts/1/reports", {"reason": "spam"}),
        ("search", "GET", "/search?q=tomatoes", None),
    ],
)
def test_texts_and_searches_have_limits_of_their_own(
    deploying: Deploy, own_redis: RedisServer, rate: str, method: str, path: str, body: object
) -> None:
    edge = deploying(redis_url=own_redis.url, **{f"rate_{rate}_per_minute": 2})
    with edge.client() as client:
        statuses = [client.request(method, path, json=body).status_code for _ in range(3)]
        assert statuses[:1] != [429]
        assert statuses[2] == 429
        assert client.get("/posts").status_code == 200
        assert client.put("/posts/1/bookmark").status_code == 204
