"""What people type to sign in, and what proves that they have, is in no log and in no readable row."""

import time
import uuid

import httpx
import pytest
from tests.e2e.conftest import StartStack

from plaza_kit.testing.polling import wait_until

PASSWORD = "canary-password-7d1f"


def use(http: httpx.Client, name: str) -> list[str]:
    """Do all that handles secrets; returns the secrets."""
    credentials = {"username": name, "password": PASSWORD}
    http.post("/users/register/", json=credentials).raise_for_status()
    http.post("/users/login/", json={**credentials, "password": PASSWORD + "-wrong"})
    tokens = http.post("/users/login/", json=credentials, headers={"Idempotency-Key": "canary-login"}).json()
    http.headers["Authorization"] = f"Bearer {tokens['token']}"
    totp = http.post("/users/me/totp", json={"password": PASSWORD}).raise_for_status().json()
    http.post("/users/me/totp/confirm", json={"totp_code": "000000"})
    http.post("/users/login/", content=f'{{"username": "{name}", "password": "{PASSWORD}"')
    http.get("/users/profile/", headers={"Authorization": f"Bearer {tokens['token']}x"})
    pair = http.post("/tokens/refresh", json={"refresh_token": tokens["refresh_token"]}).raise_for_status().json()
    http.get("/users/profile/").raise_for_status()
    changed = {"current_password": PASSWORD, "new_password": PASSWORD + "-next"}
    http.post("/users/me/password", json=changed).raise_for_status()
    secrets = [tokens["token"], tokens["refresh_token"], totp["secret"], *(str(value) for value in pair.values())]
    return [PASSWORD, *(secret for secret in secrets if len(secret) > 12)]


def webhook_secret(http: httpx.Client, name: str) -> str:
    """Make a webhook as an admin; returns its secret."""
    login = http.post("/users/login/", json={"username": name, "password": PASSWORD + "-next"}).raise_for_status()
    body = {"url": "https://hooks.example.org/plaza", "events": ["post.created"]}
    headers = {"Authorization": f"Bearer {login.json()['token']}", "Idempotency-Key": "canary-webhook"}
    secret: str = http.post("/webhooks", json=body, headers=headers).raise_for_status().json()["secret"]
    assert secret.startswith("whsec_")
    return secret.removeprefix("whsec_")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_logged_or_stored(start_stack: StartStack, log_format: str) -> None:
    names = ("GATEWAY", "AUTH", "FORUM")
    stack = start_stack(**{f"PLAZA_{name}_LOG_FORMAT": log_format for name in names})
    name = f"canary_{uuid.uuid4().hex[:8]}"
    with httpx.Client(base_url=stack.url, timeout=10) as http:
        secrets = use(http, name)
        stack.make_admin(name)
        secrets.append(webhook_secret(http, name))
    assert stack.stop() == 0
    logs = "".join(path.read_text(errors="replace") for path in (stack.data / "logs").iterdir())
    assert "/users/login/" in logs
    stored = b"".join(path.read_bytes() for path in stack.data.rglob("*.db*"))
    assert name.encode() in stored
    for secret in secrets:
        assert secret not in logs
        assert secret.encode() not in stored


@pytest.mark.parametrize("is_redis_away", [False, True])
def test_a_revoked_session_is_refused_within_a_second(start_stack: StartStack, is_redis_away: bool) -> None:
    stack = start_stack(**({"REDIS_URL": ""} if not is_redis_away else {}))
    credentials = {"username": f"leaver_{uuid.uuid4().hex[:8]}", "password": PASSWORD}
    with httpx.Client(base_url=stack.url, timeout=10) as http:
        http.post("/users/register/", json=credentials).raise_for_status()
        headers = [
            {"Authorization": f"Bearer {http.post('/users/login/', json=credentials).json()['token']}"}
            for _ in range(2)
        ]
        http.cookies.clear()
        for header in headers:
            http.get("/users/profile/", headers=header).raise_for_status()
        if is_redis_away:
            stack.freeze("redis")
        sessions = http.get("/sessions", headers=headers[0]).raise_for_status().json()["sessions"]
        (own,) = (session["id"] for session in sessions if session["is_current"])
        http.delete(f"/sessions/{own}", headers=headers[1]).raise_for_status()
        revoked_at = time.monotonic()
        wait_until(lambda: http.get("/users/profile/", headers=headers[0]).status_code == 401, 5)
        assert time.monotonic() - revoked_at < 1.5, "a second, and half of one for a busy machine"
        assert http.get("/users/profile/", headers=headers[1]).status_code == 200
        if is_redis_away:
            stack.thaw("redis")
