"""Rules for every route: paths, order of checks, bodies, headers, CORS, errors of services (contract, section 2)."""

import asyncio
import json
import socket
import uuid
from typing import Any

import grpc
import pytest
from gateway_support.checks import assert_problem, concrete
from gateway_support.deployment import Deploy, Deployment

from gateway.routes import ROUTES
from gateway.routing import Access, Route
from plaza_kit.errors import DeadlineExceeded, PlazaError, ResourceExhausted, Unavailable

SERVED = [route for route in ROUTES if route.access is not Access.PROBE]
PATHS = sorted({route.path for route in SERVED})


@pytest.mark.parametrize("path", PATHS)
def test_both_spellings_are_served_without_redirect(edge: Deployment, path: str) -> None:
    bare = concrete(path).rstrip("/")
    with edge.client() as client:
        answers = [client.request("OPTIONS", spelling) for spelling in (bare, bare + "/")]
        assert [answer.status_code for answer in answers] == [204, 204]
        assert answers[0].headers["allow"] == answers[1].headers["allow"]
        for route in (route for route in SERVED if route.path == path):
            body: dict[str, Any] = {"json": {}} if route.body is not None else {}
            statuses = set()
            for spelling in (bare, bare + "/"):  # each by somebody of its own: some routes sign out who asks
                with edge.client(edge.issuer.token(sid=str(uuid.uuid4()))) as somebody:
                    statuses.add(somebody.request(route.method, spelling, **body).status_code)
            assert len(statuses) == 1, statuses
            assert not statuses & {301, 302, 307, 308, 404, 405}, (route.method, statuses)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nowhere", "//users/profile/", "/users//profile/", "/users/profile//", "/users/abc", "/users/-1",
        "/users/1.5", "/users/%D9%A1", "/users/1/ban/x", "/sessions/not-a-uuid", "/USERS/PROFILE/",
        "/users/profile/\u00e9",
    ],
)  # fmt: skip
def test_unknown_paths_are_404_before_anything_else(edge: Deployment, path: str) -> None:
    with edge.client(None) as client:
        for method in ("GET", "POST", "OPTIONS"):
            document = assert_problem(client.request(method, path), 404, "ROUTE_NOT_FOUND")
            assert document["error"] == ("请求的路径不存在" if path.startswith("/users") else "No such path")


def test_order_of_checks(edge: Deployment) -> None:
    """404, then 401, then 405, then 413, then 400 for JSON."""
    huge = b"x" * (1024 * 1024 + 1)
    path = "/users/profile/update/"
    with edge.client(None) as anonymous, edge.client() as client:
        assert_problem(anonymous.post("/users/nowhere/", content=huge), 404, "ROUTE_NOT_FOUND")
        assert_problem(anonymous.get(path), 401, "TOKEN_MISSING")
        assert_problem(client.get(path), 405, "METHOD_NOT_ALLOWED")
        assert_problem(client.post(path, content=huge), 413, "PAYLOAD_TOO_LARGE")
        assert_problem(client.post(path, content=b"x"), 400, "INVALID_JSON")


def test_head_is_get_without_a_body(edge: Deployment) -> None:
    with edge.client() as client:
        head, get = client.head("/users/profile/"), client.get("/users/profile/")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_options_names_the_methods_without_a_token(edge: Deployment) -> None:
    with edge.client(None) as client:
        assert client.options("/users/profile").headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.options("/users/me/totp").headers["allow"] == "POST, DELETE, OPTIONS"


JSON = "/users/profile/update/"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b'"x"', b"1", b"{", b'{"a":1}x', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}',
        b'{"a":' + b"1" * 101 + b"}", b'{"a":0.' + b"1" * 100 + b"}", b'{"a":1,"a":2}', b'{"a":{"b":1,"b":2}}',
        b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", b"[" * 200_000, b'{"a":' * 200_000, b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"), b"\xef\xbb\xbf{}", b'{"a":"\x00"}', b"{'a':1}", b'{"a":01}',
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_what_is_no_json_object_is_400(edge: Deployment, body: bytes) -> None:
    with edge.client() as client:
        assert_problem(client.post(JSON, content=body), 400, "INVALID_JSON", "无效的JSON格式")


@pytest.mark.parametrize(
    "body",
    [b'{"a":' + b"[" * 31 + b"]" * 31 + b"}", b'{"a":' + b"9" * 100 + b"}", b' {"x": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["} '],
    ids=["nested 32 deep", "100 digits", "brackets in a text"],
)  # fmt: skip
def test_what_is_just_within_the_limits_is_taken(edge: Deployment, body: bytes) -> None:
    with edge.client() as client:
        assert client.post(JSON, content=body).status_code == 200


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1, "WRONG_TYPE"),
        ([], "WRONG_TYPE"),
        ("a\x00b", "BAD_FORMAT"),
        ("\ud800", "BAD_FORMAT"),
        ("x" * 151, "TOO_LONG"),
    ],
)
def test_unfit_values_are_violations(edge: Deployment, value: Any, code: str) -> None:
    with edge.client() as client:
        response = client.post(JSON, content=json.dumps({"first_name": value}))
    document = assert_problem(response, 400, "INVALID_REQUEST")
    assert [(item["field"], item["code"]) for item in document["errors"]] == [("first_name", code)]
    assert document["errors"][0]["message"]


def test_large_bodies_are_refused_and_the_connection_closed(edge: Deployment) -> None:
    exact = b'{"x":"' + b"y" * (1024 * 1024 - 8) + b'"}'
    with edge.client() as client:
        assert client.post(JSON, content=exact).status_code == 200
        declared = client.post(JSON, content=exact + b" ")
        streamed = client.post(JSON, content=iter([exact, b" " * 10]))
    for response in (declared, streamed):
        assert_problem(response, 413, "PAYLOAD_TOO_LARGE")
        assert response.headers["connection"] == "close"


def test_ten_megabytes_get_an_answer(edge: Deployment) -> None:
    with edge.client() as client:
        assert_problem(client.post(JSON, content=b" " * 10_000_000), 413, "PAYLOAD_TOO_LARGE")


def test_encoded_bodies_are_refused(edge: Deployment) -> None:
    with edge.client(**{"Content-Encoding": "gzip"}) as client:
        response = client.post(JSON, content=b"\x1f\x8b")
    assert_problem(response, 415, "CONTENT_ENCODING_UNSUPPORTED")


def test_request_ids_are_kept_when_well_formed(edge: Deployment) -> None:
    with edge.client() as client:
        kept = client.get("/users/profile/", headers={"X-Request-Id": "my-request-0001"})
        assert kept.headers["x-request-id"] == "my-request-0001"
        assert edge.fakes.last_caller().request_id == "my-request-0001"
        for bad in ("short", "x" * 65, "has space in it", "semi;colon"):
            made = client.get("/users/profile/", headers={"X-Request-Id": bad}).headers["x-request-id"]
            assert made != bad
            assert len(made) == 32


def test_identity_headers_of_clients_mean_nothing(edge: Deployment) -> None:
    forged = {"X-User-Id": "99", "X-Internal-Roles": "admin", "X-Forwarded-For": "1.2.3.4", "Plaza-Identity": "x"}
    with edge.client(**forged) as client:
        client.get("/users/profile/")
        assert_problem(client.get("/users"), 403, "PERMISSION_DENIED")
    caller = edge.fakes.last_caller()
    assert (caller.user_id, caller.address) == (1, "127.0.0.1")


def test_every_answer_has_the_security_headers(edge: Deployment) -> None:
    with edge.client() as client:
        for response in (client.get("/users/profile/"), client.get("/nowhere"), client.options("/users/profile/")):
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["vary"] == "Accept-Language, Origin"
            assert "server" not in response.headers


@pytest.mark.parametrize("key", ["k", "x" * 255, "!~"])
def test_idempotency_keys_reach_the_service(edge: Deployment, key: str) -> None:
    with edge.client(**{"Idempotency-Key": key}) as client:
        assert client.post(JSON, json={}).status_code == 200
        assert edge.fakes.last_caller().idempotency_key == key
        client.get("/users/profile/")
        assert edge.fakes.last_caller().idempotency_key == ""


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "\u00e9"])
def test_malformed_idempotency_keys_are_refused(edge: Deployment, key: str) -> None:
    with edge.client() as client:
        response = client.post(JSON, json={}, headers={b"Idempotency-Key": key.encode("latin-1")})
    document = assert_problem(response, 400, "INVALID_REQUEST")
    assert document["errors"][0]["field"] == "Idempotency-Key"


class Exhausted(PlazaError):
    status = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "RATE_LIMITED"


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (Unavailable(), 503, "UNAVAILABLE", "1"),
        (DeadlineExceeded(), 504, "TIMEOUT", None),
        (ResourceExhausted(retry_after=12.2), 429, "RATE_LIMITED", "13"),
        (RuntimeError("secret text"), 500, "INTERNAL", None),
    ],
)
def test_failures_of_services(
    edge: Deployment, error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    def fail(_: str) -> None:
        raise error

    edge.fakes.fail = fail
    with edge.client() as client:
        response = client.post(JSON, json={})
    assert_problem(response, status, code)
    assert response.headers.get("retry-after") == retry_after
    assert "secret" not in response.text


def test_a_defect_of_ours_is_500_without_its_text(edge: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(_: object) -> None:
        raise RuntimeError("secret text")

    route = next(route for route in ROUTES if route.path == "/users/profile/")
    monkeypatch.setattr(route, "handler", crash)
    with edge.client() as client:
        response = client.get("/users/profile/")
    assert_problem(response, 500, "INTERNAL", "服务器内部错误")
    assert "secret" not in response.text


def test_service_that_is_away_is_503_and_recovers(deploying: Deploy) -> None:
    edge = deploying()
    with edge.client() as client:
        assert client.get("/users/profile/").status_code == 200
        edge.backend.stop()
        assert_problem(client.get("/users/profile/"), 503, "UNAVAILABLE")
        edge.backend.start()
        edge.thread.run(_until_connected(edge))
        assert client.get("/users/profile/").status_code == 200


async def _until_connected(edge: Deployment) -> None:
    channel = edge.app.runtime.services.auth.client.channel
    await channel.channel_ready()


def test_slow_service_is_cut_off_by_the_routes_budget(edge: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(route for route in ROUTES if route.path == "/users/profile/")
    monkeypatch.setattr(route, "budget", 0.2)

    async def hang(_: str) -> None:
        await asyncio.Event().wait()

    edge.fakes.delay = hang
    with edge.client() as client:
        assert_problem(client.get("/users/profile/"), 504, "TIMEOUT", "处理超时")


def test_overload_is_shed_but_probes_answer(deploying: Deploy) -> None:
    edge = deploying(max_in_flight=1)
    state = edge.app.runtime.state
    state.in_flight += 1
    try:
        with edge.client() as client:
            assert_problem(client.get("/users/profile/"), 503, "UNAVAILABLE")
            assert client.get("/livez").json() == {"status": "ok"}
    finally:
        state.in_flight -= 1


def test_client_that_leaves_early_is_no_error(edge: Deployment) -> None:
    before = edge.app.runtime.state.in_flight
    with socket.create_connection(("127.0.0.1", edge.port)) as connection:
        token = edge.issuer.token()
        head = f"POST {JSON} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{"
        connection.sendall(head.encode())
    with edge.client() as client:
        assert client.get("/users/profile/").status_code == 200
    assert edge.app.runtime.state.in_flight == before


ORIGIN = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def test_cors_for_named_origins(deploying: Deploy) -> None:
    edge = deploying(cors_origins=[ORIGIN])
    with edge.client(None, Origin=ORIGIN) as client:
        for path in ("/users/profile", "/users/profile/"):
            preflight = client.options(path, headers=PREFLIGHT)
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-origin"] == ORIGIN
            assert preflight.headers["access-control-allow-credentials"] == "true"
            assert {"PATCH", "PUT", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
            allowed = set(preflight.headers["access-control-allow-headers"].split(", "))
            assert {"Idempotency-Key", "If-Match", "If-None-Match"} <= allowed
        refused = client.get("/users/profile/")
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert {"Retry-After", "ETag"} <= set(refused.headers["access-control-expose-headers"].split(", "))
    with edge.client(None, Origin="https://evil.example") as client:
        preflight = client.options("/users/profile/", headers=PREFLIGHT)
        assert preflight.status_code == 204
        assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_cors_for_everybody_is_without_credentials(deploying: Deploy) -> None:
    edge = deploying(cors_origins=["*"])
    with edge.client(None, Origin=ORIGIN) as client:
        answer = client.options("/users/profile/", headers=PREFLIGHT)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "own"}, True),
        ({"Origin": ORIGIN}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Authorization": "Bearer nonsense"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Authorization": "Basic YTpi"}, False),
    ],
)
def test_cookie_counts_for_own_pages_only(deploying: Deploy, headers: dict[str, str], counts: bool) -> None:
    edge = deploying(cors_origins=[ORIGIN])
    sent = {name: edge.url if value == "own" else value for name, value in headers.items()}
    with edge.client(None, Cookie=f"a=b; plaza_session={edge.issuer.token()}; c=d", **sent) as client:
        assert client.get("/users/profile/").status_code == (200 if counts else 401)


def test_forwarded_addresses_count_from_trusted_proxies_only(deploying: Deploy) -> None:
    edge = deploying(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
    with edge.client() as client:
        for line, address in [
            ("203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
            ("nonsense, 10.0.0.1", "10.0.0.1"),
            ("", "127.0.0.1"),
        ]:
            client.get("/users/profile/", headers={"X-Forwarded-For": line})
            assert edge.fakes.last_caller().address == address
        secure = client.get("/users/profile/", headers={"X-Forwarded-Proto": "https"})
        assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_metrics_are_for_the_neighbourhood(edge: Deployment, deploying: Deploy) -> None:
    with edge.client(None) as client:
        client.get("/nowhere")
        shown = client.get("/metrics")
        assert 'plaza_http_request_seconds_count{method="GET",route="unknown",status="404"}' in shown.text
        assert_problem(client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}), 404, "ROUTE_NOT_FOUND")
    closed = deploying(metrics_networks=["10.0.0.0/8"])
    with closed.client(None) as client:
        assert_problem(client.get("/metrics"), 404, "ROUTE_NOT_FOUND")


def test_routes_are_told_apart_in_the_table() -> None:
    seen: set[tuple[str, str]] = set()
    for route in ROUTES:
        assert isinstance(route, Route)
        assert (route.method, route.path.rstrip("/")) not in seen
        seen.add((route.method, route.path.rstrip("/")))


def test_connection_is_kept_alive(edge: Deployment) -> None:
    with socket.create_connection(("127.0.0.1", edge.port)) as connection:
        connection.settimeout(5)
        for _ in range(3):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_pipelined_requests_are_answered_in_order(edge: Deployment) -> None:
    requests = b"".join(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"livez", b"nowhere", b"readyz"))
    with socket.create_connection(("127.0.0.1", edge.port)) as connection:
        connection.settimeout(5)
        connection.sendall(requests)
        received = b""
        while received.count(b"HTTP/1.1 ") < 3 or not received.endswith(b"}"):
            received += connection.recv(65536)
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]
