"""Checks that many tests make."""

from typing import Any

import httpx

from gateway_support.fake_state import SESSION_ID

PROBLEM_KEYS = {"type", "title", "status", "detail", "instance", "error", "code", "request_id"}


def assert_problem(response: httpx.Response, status: int, code: str, error: str | None = None) -> dict[str, Any]:
    """Check all rules of section 2.7 of the contract."""
    document: dict[str, Any] = response.json()
    assert response.status_code == status, document
    assert response.headers["content-type"] == "application/problem+json"
    assert set(document) >= PROBLEM_KEYS
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == "/problems/" + code.lower().replace("_", "-")
    assert document["detail"] == document["error"]
    assert document["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["title"]
    assert response.headers["content-language"] in ("zh", "en")
    assert response.headers["vary"] == "Accept-Language, Origin"
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
    if status in (429, 503):
        assert int(response.headers["retry-after"]) >= 1
    if error is not None:
        assert document["error"] == error
    return document


def concrete(path: str) -> str:
    """Return a path of the kind that a template stands for."""
    return path.replace("{id}", "7").replace("{n}", "2").replace("{uuid}", SESSION_ID)
