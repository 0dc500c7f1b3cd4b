"""The forum's routes for people and order: what reaches the service, and what comes back."""

from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment

from plaza.forum.v1 import engagement_service_pb2, moderation_service_pb2, target_pb2

T = "2025-07-12T13:10:33.123Z"
ALICE = {"id": 1, "username": "alice", "avatar": "/a.png", "is_deleted": False}
THE_POST = {"kind": "post", "id": 1}
REACTIONS = {"reactions": [{"emoji": "👍", "count": 2}]}
NOTIFICATION = {
    "id": 1, "kind": "reply", "actor": ALICE, "count": 2, "post_id": 1, "post_title": "How do I grow tomatoes?",
    "reply_id": 5, "detail": "", "reason": "", "is_read": False, "updated_time": T,
}  # fmt: skip
PREFERENCES = {
    "reply": True, "mention": True, "vote_milestone": False, "accepted": True, "followed_reply": True,
    "followed_post": True, "moderation": True,
}  # fmt: skip
CASE = {
    "id": 1, "target": THE_POST, "post_id": 1, "author": ALICE, "content": "Cheap pills", "status": "held",
    "is_held": True, "report_count": 0, "state": "open", "moderator": None, "resolution": None, "created_time": T,
    "updated_time": T,
}  # fmt: skip
REPORT = {"reporter": ALICE, "reason": "spam", "note": "Again", "created_time": T}
ENTRY = {"id": 1, "actor": ALICE, "action": "post.pin", "target": THE_POST, "detail": "global", "created_time": T}
FILTER = {"id": 1, "phrase": "cheap pills", "action": "hold", "created_time": T}
WEBHOOK = {
    "id": 1, "url": "https://hooks.example.org/plaza", "events": ["post.created"], "is_active": True, "created_time": T,
}  # fmt: skip
DELIVERY = {
    "id": 1, "event_id": "01980c2e-7d3c-7f0b-8e1f-5a6b7c8d9e0f", "event": "post.created", "state": "dead",
    "attempt_count": 8, "last_status": 500, "last_error": "", "created_time": T, "next_attempt_time": None,
}  # fmt: skip

SUCCESSES: list[tuple[str, str, Any, Any]] = [
    *((("PUT", f"/{kind}/1/vote", {"value": 1}, {"up_count": 1, "down_count": 0})) for kind in ("posts", "replies")),
    *(("POST", f"/{kind}/1/reactions", {"emoji": "👍"}, REACTIONS) for kind in ("posts", "replies")),
    *(("DELETE", f"/{kind}/1/reactions?emoji=%F0%9F%91%8D", None, REACTIONS) for kind in ("posts", "replies")),
    *((method, f"/{kind}/1/bookmark", None, None) for method in ("PUT", "DELETE") for kind in ("posts", "replies")),
    ("PUT", "/posts/1/answer", {"reply_id": 5}, None),
    ("DELETE", "/posts/1/answer", None, None),
    ("PUT", "/posts/1/read", {"last_read_number": 1}, {"last_read_number": 1}),
    ("POST", "/posts/read", None, None),
    *(
        (method, f"/{kind}/1/follow", None, None)
        for method in ("PUT", "DELETE")
        for kind in ("posts", "categories", "tags", "users")
    ),
    ("GET", "/follows", None, {"follows": [{**THE_POST, "name": "How", "created_time": T}], "next_page_token": ""}),
    *((method, "/users/1/block", None, None) for method in ("PUT", "DELETE")),
    ("GET", "/blocks", None, {"blocks": [{"user": ALICE, "created_time": T}], "next_page_token": ""}),
    ("GET", "/notifications", None, {"notifications": [NOTIFICATION], "next_page_token": ""}),
    ("GET", "/notifications/unread-count", None, {"unread_count": 2}),
    ("POST", "/notifications/read", {"notification_ids": [1]}, {"unread_count": 1}),
    ("GET", "/notifications/preferences", None, PREFERENCES),
    ("PATCH", "/notifications/preferences", {"reply": False}, PREFERENCES),
    ("PUT", "/posts/1/pin", {"scope": "global"}, None),
    ("PUT", "/posts/1/category", {"category_id": 2}, None),
    ("POST", "/posts/1/merge", {"target_post_id": 2, "reply_ids": [5]}, {"moved_count": 2}),
    *(("POST", f"/{kind}/1/remove", {"reason": "spam"}, None) for kind in ("posts", "replies")),
    *(("POST", f"/{kind}/1/restore", None, None) for kind in ("posts", "replies")),
    *(("POST", f"/{kind}/1/reports", {"reason": "spam"}, None) for kind in ("posts", "replies")),
    ("GET", "/moderation/cases", None, {"cases": [CASE], "next_page_token": ""}),
    ("GET", "/moderation/cases/1", None, {**CASE, "reports": [REPORT]}),
    *((method, "/moderation/cases/1/claim", None, CASE) for method in ("PUT", "DELETE")),
    ("POST", "/moderation/cases/1/resolve", {"resolution": "remove"}, CASE),
    ("GET", "/moderation/audit", None, {"entries": [ENTRY], "next_page_token": ""}),
    ("GET", "/moderation/word-filters", None, {"word_filters": [FILTER]}),
    ("POST", "/moderation/word-filters", {"phrase": "cheap pills", "action": "hold"}, FILTER),
    ("DELETE", "/moderation/word-filters/1", None, None),
    ("GET", "/webhooks", None, {"webhooks": [WEBHOOK]}),
    (
        "POST",
        "/webhooks",
        {"url": "https://hooks.example.org/plaza", "events": ["post.created"]},
        {**WEBHOOK, "secret": "whsec_c2VjcmV0"},
    ),
    ("PATCH", "/webhooks/1", {"is_active": True}, {**WEBHOOK, "secret": None}),
    ("DELETE", "/webhooks/1", None, None),
    ("GET", "/webhooks/1/deliveries", None, {"deliveries": [DELIVERY], "next_page_token": ""}),
    ("POST", "/webhooks/1/deliveries/1/replay", None, DELIVERY),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), SUCCESSES)
def test_success(edge: Deployment, method: str, path: str, body: Any, expected: Any) -> None:
    with edge.admin() as client:
        response = client.request(method, path) if body is None else client.request(method, path, json=body)
    if expected is None:
        assert (response.status_code, response.content) == (204, b"")
    else:
        assert response.status_code == 200, response.text
        assert response.json() == expected


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("DELETE", "/posts/1/pin", "UnpinPost"),
        ("PUT", "/posts/1/lock", "LockPost"),
        ("DELETE", "/posts/1/lock", "UnlockPost"),
        ("PUT", "/posts/1/feature", "FeaturePost"),
        ("DELETE", "/posts/1/feature", "UnfeaturePost"),
    ],
)
def test_switches_ask_for_what_they_say(edge: Deployment, method: str, path: str, rpc: str) -> None:
    with edge.admin() as client:
        assert client.request(method, path).status_code == 204
    assert edge.fakes.last(rpc).post_id == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/posts/1/follow", target_pb2.TARGET_KIND_POST),
        ("/categories/1/follow", target_pb2.TARGET_KIND_CATEGORY),
        ("/tags/1/follow", target_pb2.TARGET_KIND_TAG),
        ("/users/1/follow", target_pb2.TARGET_KIND_USER),
    ],
)
def test_the_path_says_what_is_followed(edge: Deployment, path: str, kind: Any) -> None:
    with edge.client() as client:
        client.put(path)
    assert edge.fakes.last("Follow").target == target_pb2.Target(kind=kind, id=1)


def test_requests_carry_what_the_body_says(edge: Deployment) -> None:
    with edge.admin() as client:
        client.put("/replies/5/vote", json={"value": "-1"})
        client.request("DELETE", "/posts/1/reactions", params={"emoji": "🍅"})
        client.post("/posts/1/merge", json={"target_post_id": 2, "reply_ids": [5, "6"]})
        client.get("/moderation/audit?actor_id=7&target=reply:42&page_size=5")
        client.get("/moderation/cases?state=claimed")
        client.get("/follows?kind=tag")
    vote = edge.fakes.last("SetVote")
    assert (vote.target.kind, vote.target.id, vote.value) == (target_pb2.TARGET_KIND_REPLY, 5, -1)
    assert edge.fakes.last("RemoveReaction").emoji == "🍅"
    merge = edge.fakes.last("MergeReplies")
    assert (merge.post_id, merge.target_post_id, list(merge.reply_ids)) == (1, 2, [5, 6])
    assert edge.fakes.last("ListAuditEntries") == moderation_service_pb2.ListAuditEntriesRequest(
        page_size=5, actor_id=7, target=target_pb2.Target(kind=target_pb2.TARGET_KIND_REPLY, id=42)
    )
    assert edge.fakes.last("ListCases").state == moderation_service_pb2.CASE_STATE_CLAIMED
    assert edge.fakes.last("ListFollows") == engagement_service_pb2.ListFollowsRequest(kind=target_pb2.TARGET_KIND_TAG)


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "code"),
    [
        ("PUT", "/posts/1/vote", {}, "value", "REQUIRED"),
        ("PUT", "/posts/1/vote", {"value": 2}, "value", "OUT_OF_RANGE"),
        ("PUT", "/posts/1/vote", {"value": True}, "value", "WRONG_TYPE"),
        ("POST", "/posts/1/reactions", {"emoji": ""}, "emoji", "BLANK"),
        ("DELETE", "/posts/1/reactions", None, "emoji", "REQUIRED"),
        ("PUT", "/posts/1/pin", {"scope": "everywhere"}, "scope", "NOT_ALLOWED"),
        ("POST", "/posts/1/merge", {"target_post_id": 2}, "reply_ids", "REQUIRED"),
        ("POST", "/posts/1/merge", {"target_post_id": 2, "reply_ids": ["x"]}, "reply_ids.0", "WRONG_TYPE"),
        ("POST", "/posts/1/reports", {"reason": "boring"}, "reason", "NOT_ALLOWED"),
        ("POST", "/notifications/read", {"notification_ids": [1] * 101}, "notification_ids", "OUT_OF_RANGE"),
        ("POST", "/webhooks", {"url": "ftp://x", "events": ["post.created"]}, "url", "BAD_FORMAT"),
        ("GET", "/moderation/audit?target=post", None, "target", "BAD_FORMAT"),
        ("GET", "/follows?kind=reply", None, "kind", "NOT_ALLOWED"),
        ("GET", "/webhooks/1/deliveries?state=lost", None, "state", "NOT_ALLOWED"),
    ],
)
def test_broken_fields_are_named(edge: Deployment, method: str, path: str, body: Any, field: str, code: str) -> None:
    with edge.admin() as client:
        response = client.request(method, path) if body is None else client.request(method, path, json=body)
    document = assert_problem(response, 400, "INVALID_REQUEST")
    assert [(item["field"], item["code"]) for item in document["errors"]] == [(field, code)]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("PUT", "/posts/77/bookmark", "POST_NOT_FOUND"),
        ("PUT", "/replies/77/bookmark", "REPLY_NOT_FOUND"),
        ("PUT", "/tags/77/follow", "TAG_NOT_FOUND"),
        ("PUT", "/users/99999999999999999999999/block", "USER_NOT_FOUND"),
        ("DELETE", "/posts/77/lock", "POST_NOT_FOUND"),
        ("GET", "/moderation/cases/77", "CASE_NOT_FOUND"),
        ("DELETE", "/webhooks/77", "WEBHOOK_NOT_FOUND"),
    ],
)
def test_what_does_not_exist_is_404(edge: Deployment, method: str, path: str, code: str) -> None:
    with edge.admin() as client:
        assert_problem(client.request(method, path), 404, code)
