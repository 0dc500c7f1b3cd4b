"""Every route x every kind of token: closed by default. A route that is in no list here fails."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from gateway_support.checks import assert_problem, concrete
from gateway_support.deployment import Deployment
from gateway_support.issuing import Issuer

from gateway.routes import ROUTES
from gateway.routing import Access, Route
from plaza.auth.v1.token_pb2 import Revocation

# What stands here is open; all other routes must refuse. Adding a route means deciding this.
OPEN = {
    ("POST", "/users/register/"),
    ("POST", "/users/login/"),
    ("POST", "/tokens/refresh"),
    ("POST", "/password-resets"),
    ("POST", "/password-resets/confirm"),
    ("POST", "/email-verifications/confirm"),
    ("GET", "/users/{id}"),
    ("GET", "/posts/list/"),
    ("GET", "/posts/detail/{id}/"),
    ("GET", "/posts"),
    ("GET", "/posts/{id}"),
    ("GET", "/posts/{id}/replies"),
    ("GET", "/replies/{id}"),
    *(("GET", f"/{kind}/{{id}}/revisions") for kind in ("posts", "replies")),
    *(("GET", f"/{kind}/{{id}}/revisions/{{n}}") for kind in ("posts", "replies")),
    ("GET", "/categories"),
    ("GET", "/categories/{id}"),
    ("GET", "/tags"),
    ("GET", "/tags/{id}"),
    ("GET", "/search"),
    ("GET", "/feeds/latest.atom"),
    *(("GET", f"/feeds/{kind}/{{id}}.atom") for kind in ("categories", "tags", "users")),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/start.js"),
    ("GET", "/docs/swagger-ui.css"),
    ("GET", "/docs/swagger-ui-bundle.js"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}
CLOSED = {
    ("GET", "/users/profile/"),
    ("POST", "/users/profile/update/"),
    ("GET", "/users/resume/"),
    ("POST", "/users/resume/create/"),
    *(("POST", f"/users/resume/{kind}/") for kind in ("work", "project", "education", "custom")),
    *(("POST", f"/users/resume/{kind}/delete/") for kind in ("work", "project", "education", "custom")),
    *(("DELETE", f"/users/resume/{kind}/delete/") for kind in ("work", "project", "education", "custom")),
    ("POST", "/posts/create/"),
    ("POST", "/posts/update/{id}/"),
    ("POST", "/posts/delete/{id}/"),
    ("DELETE", "/posts/delete/{id}/"),
    ("POST", "/posts/reply/create/{id}/"),
    ("POST", "/posts/reply/update/{id}/"),
    ("POST", "/posts/reply/delete/{id}/"),
    ("DELETE", "/posts/reply/delete/{id}/"),
    ("POST", "/posts"),
    *((method, f"/{kind}/{{id}}") for method in ("PATCH", "DELETE") for kind in ("posts", "replies")),
    ("POST", "/posts/{id}/replies"),
    *(("POST", f"/{kind}/{{id}}/revisions/{{n}}/restore") for kind in ("posts", "replies")),
    *((method, "/drafts") for method in ("GET", "POST")),
    *((method, "/drafts/{id}") for method in ("GET", "PUT", "DELETE")),
    ("POST", "/categories"),
    *((method, f"/{kind}/{{id}}") for method in ("PATCH", "DELETE") for kind in ("categories", "tags")),
    *(("PUT", f"/{kind}/{{id}}/vote") for kind in ("posts", "replies")),
    *((method, f"/{kind}/{{id}}/reactions") for method in ("POST", "DELETE") for kind in ("posts", "replies")),
    *((method, f"/{kind}/{{id}}/bookmark") for method in ("PUT", "DELETE") for kind in ("posts", "replies")),
    *((method, "/posts/{id}/answer") for method in ("PUT", "DELETE")),
    *(
        (method, f"/{kind}/{{id}}/follow")
        for method in ("PUT", "DELETE")
        for kind in ("posts", "categories", "tags", "users")
    ),
    *((method, "/users/{id}/block") for method in ("PUT", "DELETE")),
    *(("GET", path) for path in ("/bookmarks", "/follows", "/blocks")),
    ("PUT", "/posts/{id}/read"),
    ("POST", "/posts/read"),
    ("GET", "/notifications"),
    ("GET", "/notifications/unread-count"),
    ("POST", "/notifications/read"),
    *((method, "/notifications/preferences") for method in ("GET", "PATCH")),
    *((method, f"/posts/{{id}}/{name}") for method in ("PUT", "DELETE") for name in ("pin", "lock", "feature")),
    ("PUT", "/posts/{id}/category"),
    ("POST", "/posts/{id}/merge"),
    *(("POST", f"/{kind}/{{id}}/{name}") for kind in ("posts", "replies") for name in ("remove", "restore", "reports")),
    ("GET", "/moderation/cases"),
    ("GET", "/moderation/cases/{id}"),
    *((method, "/moderation/cases/{id}/claim") for method in ("PUT", "DELETE")),
    ("POST", "/moderation/cases/{id}/resolve"),
    ("GET", "/moderation/audit"),
    *((method, "/moderation/word-filters") for method in ("GET", "POST")),
    ("DELETE", "/moderation/word-filters/{id}"),
    *((method, "/webhooks") for method in ("GET", "POST")),
    *((method, "/webhooks/{id}") for method in ("PATCH", "DELETE")),
    ("GET", "/webhooks/{id}/deliveries"),
    ("POST", "/webhooks/{id}/deliveries/{n}/replay"),
    ("GET", "/sessions"),
    ("DELETE", "/sessions"),
    ("DELETE", "/sessions/current"),
    ("DELETE", "/sessions/{uuid}"),
    ("GET", "/users/me"),
    ("DELETE", "/users/me"),
    ("GET", "/users/me/export"),
    ("POST", "/users/me/password"),
    ("POST", "/users/me/email-verification"),
    ("POST", "/users/me/totp"),
    ("POST", "/users/me/totp/confirm"),
    ("DELETE", "/users/me/totp"),
    ("POST", "/users/me/recovery-codes"),
    ("GET", "/users"),
    ("PUT", "/users/{id}/ban"),
    ("DELETE", "/users/{id}/ban"),
    ("PUT", "/users/{id}/role"),
}


def encode(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(issuer: Issuer) -> str:
    return f"{encode({'alg': 'none', 'typ': 'at+jwt', 'kid': issuer.kid})}.{encode(issuer.claims())}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    head = f"{encode({'alg': 'HS256', 'typ': 'at+jwt', 'kid': issuer.kid})}.{encode(issuer.claims())}"
    return f"{head}.{encode(hmac.new(issuer.public_pem(), head.encode(), hashlib.sha256).digest())}"


def with_own_key_inside(issuer: Issuer) -> str:
    stranger = Issuer(kid="stranger")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": stranger.jwk().x}
    return stranger.token(headers={"jwk": jwk, "jku": "http://127.0.0.1:9/jwks.json"})


def twice(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{encode(issuer.claims(2))}.{signature}"


def without(claim: str) -> Callable[[Issuer], str]:
    changes: dict[str, Any] = {claim: None}
    return lambda issuer: issuer.token(**changes)


CLAIMS = ("exp", "iat", "sub", "aud", "iss", "jti", "sid", "ver", "user_id", "username", "roles")
now = time.time()
BAD_TOKENS: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda issuer: issuer.token(exp=int(now) - 1, iat=int(now) - 900),
    "not yet valid": lambda issuer: issuer.token(nbf=int(now) + 3600),
    "wrong key": lambda issuer: Issuer(kid=issuer.kid).token(),
    "unknown kid": lambda _: Issuer(kid="unknown").token(),
    "odd kid": lambda issuer: issuer.token(headers={"kid": "../../etc/passwd"}),
    "no kid": lambda issuer: issuer.token(headers={"kid": None}),
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "its own key": with_own_key_inside,
    "foreign payload": twice,
    "another kind of token": lambda issuer: issuer.token(headers={"typ": "JWT"}),
    "unknown critical header": lambda issuer: issuer.token(headers={"crit": ["x"], "x": 1}),
    "other audience": lambda issuer: issuer.token(aud="other"),
    "list of audiences": lambda issuer: issuer.token(aud=["plaza", "other"]),
    "other issuer": lambda issuer: issuer.token(iss="other"),
    **{f"no {claim}": without(claim) for claim in CLAIMS},
    "sub of another": lambda issuer: issuer.token(sub="2"),
    "user 0": lambda issuer: issuer.token(0),
    "roles as text": lambda issuer: issuer.token(roles="admin"),
    "exp as text": lambda issuer: issuer.token(exp=str(int(now) + 600)),
    "too long": lambda issuer: issuer.token(username="x" * 9000),
    "cut off": lambda issuer: issuer.token()[:-10],
    "trailing junk": lambda issuer: issuer.token() + ".x",
    "no token at all": lambda _: "nonsense",
}  # fmt: skip


def test_every_route_is_decided_here() -> None:
    assert {(route.method, route.path) for route in ROUTES} == OPEN | CLOSED
    assert not OPEN & CLOSED
    for route in ROUTES:
        assert (route.access is Access.USER) == ((route.method, route.path) in CLOSED)


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if (r.method, r.path) not in OPEN], ids=lambda r: f"{r.method} {r.path}"
)
def test_closed_routes_refuse_whatever_proves_nothing(edge: Deployment, route: Route) -> None:
    before = len(edge.fakes.requests)
    path = concrete(route.path)
    with edge.client(None) as client:
        assert_problem(client.request(route.method, path), 401, "TOKEN_MISSING")
        for header in ("", "Bearer", f"Basic {edge.issuer.token()}", edge.issuer.token()):
            response = client.request(route.method, path, headers={"Authorization": header})
            assert_problem(response, 401, "TOKEN_MISSING")
        for name, make in BAD_TOKENS.items():
            response = client.request(route.method, path, headers={"Authorization": f"Bearer {make(edge.issuer)}"})
            assert response.status_code == 401, name
            assert_problem(response, 401, "TOKEN_INVALID")
    own = [request for request in edge.fakes.requests[before:] if request[0] not in ("GetJwks", "ListRevocations")]
    assert own == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_revoked_tokens_are_refused_on_every_closed_route(edge: Deployment, method: str) -> None:
    until = int(time.time()) + 900
    session, user_id = str(uuid.uuid4()), 1_000_000
    edge.app.runtime.revocations.add(
        [
            Revocation(session_id=session, user_id=1, until_unix=until),
            Revocation(user_id=user_id, minimum_version=3, until_unix=until),
        ]
    )
    revoked = [
        edge.issuer.token(sid=session),
        edge.issuer.token(user_id, ver=2),
        edge.issuer.token(user_id, sid=session),
    ]
    for route in (route for route in ROUTES if route.access is Access.USER and route.method == method):
        for token in revoked:
            with edge.client(token) as client:
                assert_problem(client.request(method, concrete(route.path)), 401, "TOKEN_INVALID")
    with edge.client(edge.issuer.token(user_id, ver=3)) as client:
        assert client.get("/users/profile/").status_code == 200


@pytest.mark.parametrize("header", ["bearer", "BEARER", "Bearer  "])
def test_scheme_is_any_case_and_any_number_of_blanks(edge: Deployment, header: str) -> None:
    with edge.client(None) as client:
        response = client.get("/users/profile/", headers={"Authorization": f"{header} {edge.issuer.token()}"})
    assert response.status_code == 200


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_public_routes_ignore_bad_tokens(edge: Deployment, make: Callable[[Issuer], str]) -> None:
    with edge.client(make(edge.issuer)) as client:
        assert client.get("/users/7").status_code == 200
    assert edge.fakes.last_caller().user_id == 0


def test_public_routes_use_good_tokens(edge: Deployment) -> None:
    with edge.client(edge.issuer.token(5, roles=["moderator"])) as client:
        client.get("/users/7")
    caller = edge.fakes.last_caller()
    assert (caller.user_id, caller.roles) == (5, frozenset({"moderator"}))


def test_the_issuers_clock_may_be_a_little_ahead(edge: Deployment) -> None:
    ahead = int(time.time()) + 5
    with edge.client(edge.issuer.token(iat=ahead, nbf=ahead)) as client:
        assert client.get("/users/profile/").status_code == 200


def test_remembered_token_ends_with_its_time(edge: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    token = edge.issuer.token()
    with edge.client(token) as client:
        assert client.get("/users/profile/").status_code == 200
        later = time.time() + 601
        monkeypatch.setattr("gateway.identity.time.time", lambda: later)
        assert edge.app.runtime.identities.remembered(token) is None
