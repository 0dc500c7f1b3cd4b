"""Every documented route, with every bad way to be somebody, on the real stack: closed by default.

The routes come from the OpenAPI document. One that is neither public there nor answers 401 to bad tokens fails; one
that names an object must have a row in `OBJECTS`, which says what another user gets for it, or a rule of the forum's.
"""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.e2e.forum_rules import RULES
from tests.e2e.running_stack import RunningStack

PASSWORD = "password123"
ITEM = {"start_date": "2023-01-01", "company_name": "Acme", "work_content": "w"}
RESUME = {
    "name": "n",
    "age": 25,
    "graduation_date": "2024-06-01",
    "education_level": "BSc",
    "expected_position": "p",
}


class Person:
    """Somebody with a session, a resume and an item of each kind."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        credentials = {"username": f"{name}_{uuid.uuid4().hex[:8]}", "password": PASSWORD}
        self.username = credentials["username"]
        self.user_id = http.post("/users/register/", json=credentials).raise_for_status().json()["user_id"]
        self.token: str = http.post("/users/login/", json=credentials).raise_for_status().json()["token"]
        http.cookies.clear()
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.session_id: str = jwt.decode(self.token, options={"verify_signature": False})["sid"]
        http.post("/users/resume/create/", json=RESUME, headers=self.headers).raise_for_status()
        created = {
            "work": ITEM,
            "project": {"start_date": "2023-01-01", "project_name": "p", "project_role": "r", "project_content": "c"},
            "education": {"start_date": "2023-01-01", "school_name": "s", "education_level": "BSc"},
            "custom": {"title": "t", "content": "c"},
        }
        self.items = {
            kind: next(
                value
                for key, value in http.post(f"/users/resume/{kind}/", json=fields, headers=self.headers).json().items()
                if key.endswith("_id")
            )
            for kind, fields in created.items()
        }


@pytest.fixture(scope="module")
def http(roomy_stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=roomy_stack.url, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def alice(http: httpx.Client) -> Person:
    return Person(http, "alice")


@pytest.fixture(scope="module")
def mallory(http: httpx.Client) -> Person:
    return Person(http, "mallory")


@pytest.fixture(scope="module")
def operations(http: httpx.Client) -> list[tuple[str, str, bool]]:
    """Method, path, and whether it is open, of every documented operation."""
    document = http.get("/openapi.json").json()
    return [
        (method.upper(), path, operation["security"] == [])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "security" in operation
    ]


def bad_tokens(stack: RunningStack, token: str) -> dict[str, str]:
    """Return tokens that say what a good one says and prove nothing; and, as `good`, one that does."""
    keys = stack.data / "keys" / "auth" / "signing"
    kid = (keys / "active").read_text().strip()
    real: Any = load_pem_private_key((keys / f"{kid}.pem").read_bytes(), password=None)
    claims = jwt.decode(token, options={"verify_signature": False})
    head = {"kid": kid, "typ": "at+jwt"}
    raw_public = real.public_key().public_bytes_raw()
    unsigned = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none", "typ": "at+jwt", "kid": kid}, claims)
    )
    past = {**claims, "iat": int(time.time()) - 1000, "exp": int(time.time()) - 100}
    return {
        "good": jwt.encode(claims, real, algorithm="EdDSA", headers=head),
        "none": "",
        "expired": jwt.encode(past, real, algorithm="EdDSA", headers=head),
        "wrong key": jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=head),
        "alg none": unsigned + ".",
        "HS256 with the public key": jwt.encode(claims, raw_public, algorithm="HS256", headers=head),
        "refresh token": "rt_" + "A" * 43,
        "other audience": jwt.encode({**claims, "aud": "forum"}, real, algorithm="EdDSA", headers=head),
    }


def filled(path: str) -> str:
    return path.replace("{id}", "1").replace("{n}", "1").replace("{uuid}", str(uuid.uuid4()))


def test_closed_routes_refuse_whatever_proves_nothing(
    roomy_stack: RunningStack, http: httpx.Client, alice: Person, operations: list[tuple[str, str, bool]]
) -> None:
    tokens = bad_tokens(roomy_stack, alice.token)
    control = {"Authorization": f"Bearer {tokens.pop('good')}"}
    assert http.get("/users/profile/", headers=control).status_code == 200, "made as the bad ones are"
    refused = 0
    for method, path, is_open in operations:
        for kind, token in tokens.items():
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = http.request(method, filled(path), headers=headers)
            if is_open:
                assert answer.status_code != 401 or answer.json()["code"] == "REFRESH_TOKEN_INVALID", (path, kind)
            else:
                assert answer.status_code == 401, (method, path, kind, answer.text)
                assert answer.json()["code"] == ("TOKEN_INVALID" if token else "TOKEN_MISSING")
                refused += 1
    assert refused > 100


# What somebody else gets who asks for alice's: the request, and the answer.
OBJECTS: dict[tuple[str, str], tuple[dict[str, Any] | None, int]] = {
    ("DELETE", "/sessions/{}"): (None, 404),
    ("GET", "/users/{}"): (None, 200),  # what everybody may know
    ("PUT", "/users/{}/ban"): ({"reason": "x"}, 403),
    ("DELETE", "/users/{}/ban"): (None, 403),
    ("PUT", "/users/{}/role"): ({"role": "admin"}, 403),
}


def shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_route_that_names_an_object_is_decided_here(operations: list[tuple[str, str, bool]]) -> None:
    decided_elsewhere = {(method, path) for method, _, path in (operation.partition(" ") for operation in RULES)}
    named = {(method, path) for method, path, _ in operations if "{" in path}
    assert {(method, shape(path)) for method, path in named - decided_elsewhere} == set(OBJECTS)


@pytest.mark.parametrize(("method", "path"), OBJECTS)
def test_another_users_object_is_not_ones_own(
    http: httpx.Client, alice: Person, mallory: Person, method: str, path: str
) -> None:
    body, status = OBJECTS[method, path]
    object_id = alice.session_id if "sessions" in path else str(alice.user_id)
    answer = http.request(method, path.replace("{}", object_id), json=body, headers=mallory.headers)
    assert answer.status_code == status, answer.text
    assert http.get("/users/profile/", headers=alice.headers).status_code == 200
    if status == 200:
        assert {"email", "phone", "first_name", "resume"}.isdisjoint(answer.json())


@pytest.mark.parametrize("kind", ["work", "project", "education", "custom"])
@pytest.mark.parametrize("action", ["update", "delete", "DELETE"])
def test_another_users_resume_item_does_not_exist(
    http: httpx.Client, alice: Person, mallory: Person, kind: str, action: str
) -> None:
    body: dict[str, Any] = {"id": alice.items[kind], "action": action}
    # Ids of one kind are counted over all users: the stranger has items of his own, with other numbers.
    assert alice.items[kind] != mallory.items[kind]
    path = f"/users/resume/{kind}/" + ("delete/" if action == "DELETE" else "")
    answer = http.request("DELETE" if action == "DELETE" else "POST", path, json=body, headers=mallory.headers)
    assert (answer.status_code, answer.json()["code"].endswith("_NOT_FOUND")) == (404, True)
    mine = http.get("/users/resume/", headers=alice.headers).json()["resume"]
    assert sum(len(value) for value in mine.values() if isinstance(value, list)) == 4
