"""Two people who use Plaza as an old client does, and the form of its errors."""

import re
import uuid
from typing import Any

import httpx

PASSWORD = "password123"
T_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Community:
    """alice and bob, signed in, with names that no other test uses."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        suffix = uuid.uuid4().hex[:8]
        self.alice, self.bob = f"alice_{suffix}", f"bob_{suffix}"
        self.tokens: dict[str, str] = {}

    async def sign_in(self, name: str) -> None:
        credentials = {"username": name, "password": PASSWORD}
        (await self.http.post("/users/register/", json=credentials)).raise_for_status()
        answer = (await self.http.post("/users/login/", json=credentials)).raise_for_status()
        self.tokens[name] = answer.json()["token"]
        self.http.cookies.clear()

    async def ask(self, user: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request as a user (`""`: nobody); a body that is text goes out as it is."""
        if user:
            headers["Authorization"] = f"Bearer {self.tokens[user]}"
        content = {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
        answer = await self.http.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}, **content
        )
        assert "location" not in answer.headers
        assert answer.headers["x-request-id"]
        return answer


def check_problem(answer: httpx.Response, status: int, code: str, error: str = "") -> dict[str, Any]:
    """Check an error by the rules of section 2.7 and return it."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "/problems/" + code.lower().replace("_", "-")
    assert problem["title"]
    assert problem["detail"] == problem["error"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-language"] in ("zh", "en")
    assert {"accept-language", "origin"} <= {name.strip().lower() for name in answer.headers["vary"].split(",")}
    if error:
        assert problem["error"] == error
    return problem
