"""Bad input never gives a 500: the OpenAPI document fuzzed against the whole stack, and hand-picked ugly bodies."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.conftest import ROOMY
from tests.e2e.forum_rules import RULES, Rule
from tests.e2e.forum_scene import Person, connected, make_cast
from tests.e2e.fuzzing import fuzz, make_objects
from tests.e2e.running_stack import RunningStack

# Operations that end the session of the fuzzing user; the fuzzer would be signed out and see only 401.
ENDS_SESSION = "^/sessions|^/users/me$|^/users/me/password$|^/password-resets/confirm$"
FORUM = "|".join(f"^{re.escape(path)}$" for path in sorted({name.partition(" ")[2] for name in RULES}))
ALL_PHASES = "examples,coverage,fuzzing,stateful"


def is_for_staff(rule: Rule) -> bool:
    """Tell whether an ordinary user gets nothing but 403."""
    return rule.grant.author == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "scope", [("--exclude-path-regex", f"{ENDS_SESSION}|{FORUM}"), ("--include-path-regex", ENDS_SESSION)]
)
def test_accounts_answer_as_documented(roomy_url: str, tmp_path: Path, scope: tuple[str, str]) -> None:
    with connected(roomy_url) as http:
        fuzz(tmp_path, roomy_url, Person(http, "fuzz"), "--phases", ALL_PHASES, "--max-examples", "6", *scope)


@pytest.fixture(scope="module")
def messy_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack for an admin who does anything: what is locked and filtered here troubles nobody else."""
    running = RunningStack(
        tmp_path_factory.mktemp("messy"), {**ROOMY, "PLAZA_FORUM_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    )
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def cast(messy_stack: RunningStack) -> Iterator[dict[str, Person]]:
    with connected(messy_stack.url) as http:
        yield make_cast(messy_stack, http)


@pytest.mark.parametrize(
    ("who", "for_staff", "options"),
    [
        ("author", False, ("--phases=coverage,fuzzing", "--max-examples=5")),
        ("admin", True, ("--phases=coverage,fuzzing", "--max-examples=4")),
        ("admin", False, ("--phases=fuzzing", "--max-examples=2")),
    ],
)
def test_the_forum_answers_as_documented(
    messy_stack: RunningStack,
    cast: dict[str, Person],
    tmp_path: Path,
    who: str,
    for_staff: bool,
    options: tuple[str, ...],
) -> None:
    names = [name for name, rule in RULES.items() if is_for_staff(rule) == for_staff]
    fuzz(tmp_path, messy_stack.url, cast[who], *options, names=names, known=make_objects(cast))


BODIES = {
    "empty": (b"", 400),
    "not JSON": (b"{bad", 400),
    "a list": (b"[]", 400),
    "null": (b"null", 400),
    "deep": (b'{"username":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
    "33 deep": (b'{"a":' * 33 + b"1" + b"}" * 33, 400),
    "a huge number": (b'{"username":' + b"9" * 100_000 + b"}", 400),
    "infinity": (b'{"username":1e999}', 400),
    "NaN": (b'{"username":NaN}', 400),
    "NUL": (b'{"username":"a\\u0000b","password":"password123"}', 400),
    "a lone surrogate": (b'{"username":"\\ud800","password":"password123"}', 400),
    "broken UTF-8": (b'{"username":"\xff\xfe","password":"password123"}', 400),
    "UTF-16": ('{"username":"a"}'.encode("utf-16"), 400),
    "a member twice": (b'{"username":"a","username":"b","password":"password123"}', 400),
    "wrong types": (b'{"username":{"a":[1]},"password":true}', 400),
    "10 MB": (b'{"username":"' + b"a" * 10_000_000 + b'"}', 413),
}
ROUTES = (
    "/users/register/",
    "/users/login/",
    "/users/profile/update/",
    "/users/resume/create/",
    "/tokens/refresh",
    "/posts/create/",
    "/posts",
)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_ugly_bodies_are_refused_in_words(
    roomy_url: str, fuzz_headers: dict[str, str], name: str, content_type: str
) -> None:
    body, status = BODIES[name]
    headers = {**fuzz_headers, "Content-Type": content_type}
    with httpx.Client(base_url=roomy_url, timeout=10) as http:
        for path in ROUTES:
            try:
                answer = http.post(path, content=body, headers=headers)
            except httpx.WriteError:  # refused and closed before the whole body was sent
                assert status == 413
                continue
            expected = {status, 200} if "profile" in path and status == 400 else {status}
            assert answer.status_code in expected, f"{path}: {answer.status_code} {answer.text[:300]}"
            if answer.status_code != 200:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["code"] != "INTERNAL"


def test_what_is_no_method_is_refused_in_words(roomy_url: str) -> None:
    with httpx.Client(base_url=roomy_url, timeout=10) as http:
        answer = http.request("FOO", "/users/login/")
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "PROPFIND", "HEAD"])
def test_unknown_methods_are_refused_in_words(roomy_url: str, method: str) -> None:
    with httpx.Client(base_url=roomy_url, timeout=10) as http:
        answer = http.request(method, "/users/login/")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.fixture(scope="module")
def fuzz_headers(roomy_url: str) -> dict[str, str]:
    with connected(roomy_url) as http:
        return Person(http, "fuzz").headers
