"""The new routes: accounts, sessions, users, keys."""

import uuid
from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import SESSION_ID, reason

from plaza_kit.errors import Aborted, AlreadyExists, FailedPrecondition, PermissionDenied, Unauthenticated

PASSWORDS = {"current_password": "correct horse battery", "new_password": "staple battery correct"}
RE_AUTHENTICATION = {"password": "correct horse battery", "totp_code": "492039"}

SUCCESSES: list[tuple[str, str, Any, int, Any]] = [
    ("POST", "/tokens/refresh", {"refresh_token": "rt_x"}, 200, {"token", "refresh_token", "expires_in"}),
    ("GET", "/sessions", None, 200, {"sessions"}),
    ("DELETE", f"/sessions/{SESSION_ID.upper()}", None, 204, None),
    ("DELETE", "/sessions", None, 200, {"revoked_count"}),
    ("DELETE", "/sessions?keep_current=true", None, 200, {"revoked_count"}),
    ("DELETE", "/sessions/current", None, 204, None),
    (
        "GET",
        "/users/me",
        None,
        200,
        {
            "id", "username", "role", "email", "is_email_verified", "is_totp_enabled", "recovery_codes_left",
            "avatar", "joined_time",
        },
    ),
    ("DELETE", "/users/me", RE_AUTHENTICATION, 204, None),
    ("GET", "/users/me/export", None, 200, {"account"}),
    ("POST", "/users/me/password", PASSWORDS, 200, {"revoked_count"}),
    ("POST", "/users/me/email-verification", None, 202, None),
    ("POST", "/users/me/totp", RE_AUTHENTICATION, 201, {"secret", "otpauth_uri"}),
    ("POST", "/users/me/totp/confirm", RE_AUTHENTICATION, 200, {"recovery_codes"}),
    ("DELETE", "/users/me/totp", RE_AUTHENTICATION, 204, None),
    ("POST", "/users/me/recovery-codes", RE_AUTHENTICATION, 200, {"recovery_codes"}),
    ("POST", "/password-resets", {"email": "alice@example.com"}, 202, None),
    ("POST", "/password-resets/confirm", {"token": "pr_x", "new_password": "staple battery"}, 204, None),
    ("POST", "/email-verifications/confirm", {"token": "ev_x"}, 204, None),
    ("GET", "/users/7", None, 200, {"id", "username", "avatar", "role", "is_deleted", "is_banned", "joined_time"}),
    ("GET", "/users?page_size=5&username_prefix=al", None, 200, {"users", "next_page_token"}),
    ("PUT", "/users/7/ban", {"reason": "Spam", "until": "2030-01-01T00:00:00Z"}, 200, {"ban_reason"}),
    ("DELETE", "/users/7/ban", None, 200, {"ban_until_time"}),
    ("PUT", "/users/7/role", {"role": "moderator"}, 200, {"role"}),
    ("GET", "/.well-known/jwks.json", None, 200, {"keys"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "keys"), SUCCESSES)
def test_success(edge: Deployment, method: str, path: str, body: Any, status: int, keys: set[str] | None) -> None:
    with edge.admin() as client:
        response = client.request(method, path, json=body) if body else client.request(method, path)
    assert response.status_code == status, response.text
    if keys is None:
        assert response.content == b""
        assert "content-type" not in response.headers
    else:
        assert response.headers["content-type"] == "application/json"
        assert set(response.json()) >= keys


def test_fields_reach_the_service(edge: Deployment) -> None:
    with edge.admin() as client:
        client.put("/users/7/ban", json={"reason": "Spam", "user_id": 8})
        client.get("/users?page_size=99999999999&page_token=&username_prefix=%E7%88%B1")
    ban, listing = edge.fakes.last("BanUser"), edge.fakes.last("ListUsers")
    assert (ban.user_id, ban.reason, ban.HasField("until")) == (7, "Spam", False)
    assert (listing.page_size, listing.username_prefix) == (2**31 - 1, "爱")


def test_logging_out_takes_the_cookie_away(edge: Deployment) -> None:
    for path in ("/sessions/current", "/sessions"):
        with edge.client(edge.issuer.token(sid=str(uuid.uuid4()))) as client:
            assert "set-cookie" not in client.delete("/sessions?keep_current=true").headers
            assert client.delete(path).headers["set-cookie"].startswith("plaza_session=; Path=/; Max-Age=0")


def test_refresh_sets_the_cookie(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.post("/tokens/refresh", json={"refresh_token": "rt_x"})
    assert response.headers["set-cookie"].startswith(f"plaza_session={response.json()['token']}; ")


def test_export_is_the_services_document(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.get("/users/me/export")
    assert response.json() == {"account": {"username": "爱丽丝"}}
    assert "attachment" in response.headers["content-disposition"]


def test_keys_are_cacheable_and_public(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.get("/.well-known/jwks.json")
    key = edge.issuer.jwk()
    expected = {"kid": key.kid, "x": key.x, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    assert response.json() == {"keys": [expected]}
    assert response.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (reason(Unauthenticated, "REFRESH_TOKEN_INVALID"), 401, "REFRESH_TOKEN_INVALID"),
        (reason(AlreadyExists, "EMAIL_TAKEN"), 409, "EMAIL_TAKEN"),
        (reason(PermissionDenied, "ROLE_TOO_LOW"), 403, "ROLE_TOO_LOW"),
        (reason(FailedPrecondition, "MAIL_NOT_CONFIGURED"), 409, "MAIL_NOT_CONFIGURED"),
        (reason(FailedPrecondition, "NOT_IN_THE_CATALOGUE"), 409, "FAILED_PRECONDITION"),
        (reason(Aborted, "NOT_IN_THE_CATALOGUE"), 409, "ABORTED"),
        (reason(Unauthenticated, "NOT_IN_THE_CATALOGUE"), 500, "INTERNAL"),
    ],
)
def test_reasons_become_codes_with_their_status(edge: Deployment, error: Any, status: int, code: str) -> None:
    def fail(_: str) -> None:
        raise error

    edge.fakes.fail = fail
    with edge.client(None) as client:
        response = client.post("/tokens/refresh", json={"refresh_token": "rt_x"})
    assert_problem(response, status, code)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=x", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=1.5", "page_size"),
        ("username_prefix=%00", "username_prefix"),
    ],
)
def test_broken_queries_are_refused(edge: Deployment, query: str, field: str) -> None:
    with edge.admin() as client:
        response = client.get(f"/users?{query}")
    document = assert_problem(response, 400, "INVALID_REQUEST")
    assert document["errors"][0]["field"] == field


def test_keep_current_is_a_boolean(edge: Deployment) -> None:
    with edge.client() as client:
        assert_problem(client.delete("/sessions?keep_current=1"), 400, "INVALID_REQUEST")


def test_listing_users_is_for_moderators(edge: Deployment) -> None:
    with edge.client() as client:
        assert_problem(client.get("/users"), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("user_id", ["0", "10", "99999999999999999999999999999999999999999"])
def test_unknown_users_are_not_found(edge: Deployment, user_id: str) -> None:
    with edge.client(None) as client:
        assert_problem(client.get(f"/users/{user_id}"), 404, "USER_NOT_FOUND", "User not found")
