"""Bad input never gives a 500: the OpenAPI document fuzzed against the whole stack, and hand-picked ugly bodies."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

# Operations that end the session of the fuzzing user; the fuzzer would be signed out and see only 401.
ENDS_SESSION = "^/sessions|^/users/me$|^/users/me/password$|^/password-resets/confirm$"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def sign_in(url: str) -> str:
    credentials = {"username": f"fuzz_{uuid.uuid4().hex[:8]}", "password": "password123"}
    with httpx.Client(base_url=url, timeout=10) as http:
        http.post("/users/register/", json=credentials).raise_for_status()
        return str(http.post("/users/login/", json=credentials).raise_for_status().json()["token"])


@pytest.mark.parametrize("scope", ["--exclude-path-regex", "--include-path-regex"])
def test_the_fuzzed_stack_answers_as_documented(roomy_url: str, tmp_path: Path, scope: str) -> None:
    (tmp_path / "schemathesis.toml").write_text("seed = 20260101\n")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml",
        "run", f"{roomy_url}/openapi.json", "--header", f"Authorization: Bearer {sign_in(roomy_url)}",
        scope, ENDS_SESSION, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", "12", "--max-response-time", "5", "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


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
ROUTES = ("/users/register/", "/users/login/", "/users/profile/update/", "/users/resume/create/", "/tokens/refresh")


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_ugly_bodies_are_refused_in_words(roomy_url: str, fuzz_token: str, name: str, content_type: str) -> None:
    body, status = BODIES[name]
    headers = {"Authorization": f"Bearer {fuzz_token}", "Content-Type": content_type}
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
def fuzz_token(roomy_url: str) -> str:
    return sign_in(roomy_url)
