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


def test_route_texts_may_be_for_one_method() -> None:
    code = CATALOGUE.codes["NOT_POST_AUTHOR"]
    for route in ("POST /posts/delete/{id}/", "DELETE /posts/delete/{id}/", "DELETE /posts/{id}"):
        assert code.text("zh", route, {}) == "无权限删除他人帖子"
    for route in ("POST /posts/update/{id}/", "PATCH /posts/{id}"):
        assert code.text("zh", route, {}) == "无权限修改他人帖子"
    assert code.text("en", "DELETE /posts/{id}/answer", {}) == "Only the post's author may choose the answer"
    replies = CATALOGUE.codes["NOT_REPLY_AUTHOR"]
    assert replies.text("zh", "POST /posts/reply/delete/{id}/", {}) == "无权限删除他人回复"
    assert replies.text("en", "DELETE /replies/{id}", {}) == "You may not delete another user's reply"
    assert replies.text("en", "PATCH /replies/{id}", {}) == "You may not edit another user's reply"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("VERSION_MISMATCH", 412), ("NEW_USER_RATE_LIMIT", 429), ("POST_LOCKED", 403), ("TAG_NOT_ALLOWED", 403),
        ("DUPLICATE_POST", 409), ("LIMIT_REACHED", 409), ("CASE_CLAIMED", 409), ("CONTENT_REJECTED", 400),
    ],
)  # fmt: skip
def test_codes_of_the_forum_have_their_status(code: str, status: int) -> None:
    assert CATALOGUE.codes[code].status == status


def test_legacy_texts_are_the_contracts() -> None:
    def text(code: str, **metadata: str) -> tuple[str, str]:
        entry = CATALOGUE.codes[code]
        return entry.text("zh", "/users/", metadata), entry.text("en", "/users/", metadata)

    assert text("INVALID_JSON") == ("无效的JSON格式", "Request body is not valid JSON")
    assert text("ITEM_ID_REQUIRED", parameter="work_id") == ("缺少work_id参数", "Missing parameter work_id")
    assert text("TITLE_AND_CONTENT_REQUIRED") == ("标题和内容不能为空", "Title and content are required")
    assert text("POST_NOT_FOUND") == ("帖子不存在", "Post not found")
    assert text("REPLY_CONTENT_REQUIRED") == ("回复内容不能为空", "Reply content is required")
    assert text("PARENT_REPLY_NOT_FOUND") == ("父回复不存在", "Parent reply not found")
    assert text("REPLY_NOT_FOUND") == ("回复不存在", "Reply not found")
    assert text("REPLY_TOO_DEEP") == ("回复层级过深", "Reply is nested too deeply")
    assert text("METHOD_NOT_ALLOWED", methods="POST或DELETE") == ("仅支持POST或DELETE请求", "Method not allowed")


OCCASION = Occasion("en", "GET /x", "/x/", "request-1")


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
