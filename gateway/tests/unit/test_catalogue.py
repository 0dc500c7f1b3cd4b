import re
from string import Formatter

import pytest
from grpc import StatusCode

from gateway.catalogue import LANGUAGES, Catalogue, Code, load_catalogue
from gateway.openapi import codes_of
from gateway.problems import Occasion, Problem, ProblemRenderer, from_remote
from gateway.routes import ROUTES
from plaza_kit.errors import RemoteError, Violation

CATALOGUE = load_catalogue()
CHINESE = re.compile("[\u4e00-\u9fff]")


def parts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", CATALOGUE.codes.values(), ids=lambda code: code.name)
def test_every_code_has_both_languages(code: Code) -> None:
    assert re.fullmatch("[A-Z][A-Z0-9_]{2,62}", code.name)
    assert 400 <= code.status <= 599
    for texts in (code.title, code.texts):
        assert set(texts) == set(LANGUAGES)
        assert CHINESE.search(texts["zh"])
        assert not CHINESE.search(texts["en"])


@pytest.mark.parametrize("texts", [*CATALOGUE.violations.values(), *CATALOGUE.messages.values()], ids=str)
def test_every_violation_and_message_has_both_languages(texts: dict[str, str]) -> None:
    assert texts["zh"]
    assert texts["en"]
    assert ("limit_zh" in texts) == ("limit_en" in texts)
    if "limit_zh" in texts:
        assert parts(texts["limit_zh"]) == parts(texts["limit_en"]) == {"limit"}


def test_every_code_of_a_route_is_in_the_catalogue() -> None:
    named = {code for route in ROUTES for code in codes_of(route)}
    assert named <= set(CATALOGUE.codes)


def test_route_texts_win_for_their_prefix() -> None:
    document = {
        "codes": {
            "X": {
                "status": 400,
                "title": {"zh": "标", "en": "T"},
                "text": {"zh": "文{a}", "en": "text {a}"},
                "routes": {"/webrtc": {"zh": "另{a}"}},
            }
        },
        "violations": {},
        "messages": {},
    }
    code = Catalogue(document).codes["X"]
    assert code.text("zh", "/webrtc/streams/", {"a": "1"}) == "另1"
    assert code.text("en", "/webrtc/streams/", {"a": "1"}) == "text 1"
    assert code.text("zh", "/users/", {}) == "文"


def test_legacy_texts_are_the_contracts() -> None:
    def text(code: str, **metadata: str) -> tuple[str, str]:
        entry = CATALOGUE.codes[code]
        return entry.text("zh", "/users/", metadata), entry.text("en", "/users/", metadata)

    assert text("INVALID_JSON") == ("无效的JSON格式", "Request body is not valid JSON")
    assert text("ITEM_ID_REQUIRED", parameter="work_id") == ("缺少work_id参数", "Missing parameter work_id")
    assert text("METHOD_NOT_ALLOWED", methods="POST或DELETE") == ("仅支持POST或DELETE请求", "Method not allowed")


OCCASION = Occasion("en", "/x", "/x/", "request-1")


def test_document_has_the_contracts_members() -> None:
    problem = Problem("USERNAME_TAKEN", violations=[Violation("username", "NOT_ALLOWED")])
    assert ProblemRenderer(CATALOGUE).document(problem, OCCASION) == {
        "type": "/problems/username-taken",
        "title": "Username taken",
        "status": 400,
        "detail": "Username already exists",
        "instance": "/x/",
        "error": "Username already exists",
        "code": "USERNAME_TAKEN",
        "request_id": "request-1",
        "errors": [{"field": "username", "code": "NOT_ALLOWED", "message": "is not allowed"}],
    }


def test_limits_are_named_in_messages() -> None:
    assert CATALOGUE.violation("TOO_LONG", 150, "en") == "at most 150 characters"
    assert CATALOGUE.violation("TOO_LONG", 150, "zh") == "最多150个字符"
    assert CATALOGUE.violation("TOO_LONG", 0, "en") == "is too long"
    assert CATALOGUE.violation("UNHEARD_OF", 0, "en") == "has the wrong format"


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (StatusCode.ALREADY_EXISTS, "USERNAME_TAKEN", "USERNAME_TAKEN"),
        (StatusCode.INVALID_ARGUMENT, "?", "INVALID_REQUEST"),
        (StatusCode.OUT_OF_RANGE, "?", "INVALID_REQUEST"),
        (StatusCode.NOT_FOUND, "?", "NOT_FOUND"),
        (StatusCode.ALREADY_EXISTS, "?", "ALREADY_EXISTS"),
        (StatusCode.PERMISSION_DENIED, "?", "PERMISSION_DENIED"),
        (StatusCode.UNAUTHENTICATED, "INTERNAL_IDENTITY_INVALID", "INTERNAL"),
        (StatusCode.UNAVAILABLE, "?", "UNAVAILABLE"),
        (StatusCode.DEADLINE_EXCEEDED, "?", "TIMEOUT"),
        (StatusCode.UNIMPLEMENTED, "?", "UNIMPLEMENTED"),
        (StatusCode.UNKNOWN, "?", "INTERNAL"),
        (StatusCode.DATA_LOSS, "?", "INTERNAL"),
    ],
)
def test_remote_errors_become_problems(code: StatusCode, reason: str, expected: str) -> None:
    assert from_remote(RemoteError(code, reason), CATALOGUE).code == expected


@pytest.mark.parametrize(("seconds", "header"), [(0.0, b"1"), (0.2, b"1"), (1.2, b"2"), (None, b"1")])
def test_retry_after_is_whole_seconds(seconds: float | None, header: bytes) -> None:
    rendered = ProblemRenderer(CATALOGUE).render(Problem("RATE_LIMITED", retry_after=seconds), OCCASION)
    assert dict(rendered.headers)[b"retry-after"] == header
