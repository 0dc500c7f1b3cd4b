"""The new routes of the forum: what reaches the service, and what comes back."""

from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import reason

from plaza.forum.v1 import category_service_pb2, post_pb2, post_service_pb2, reply_pb2, reply_service_pb2, target_pb2
from plaza_kit.errors import Unauthenticated

T = "2025-07-12T13:10:33.123Z"
ALICE = {"id": 1, "username": "alice", "avatar": "/a.png", "is_deleted": False}
SUMMARY = {
    "id": 1, "title": "How do I grow tomatoes?", "excerpt": "On a balcony, that is.", "author": ALICE,
    "category_id": 1, "tags": ["garden"], "created_time": T, "updated_time": T, "last_activity_time": T,
    "reply_count": 1, "up_count": 0, "down_count": 0, "accepted_reply_id": None, "pin_scope": None,
    "is_locked": False, "is_featured": False, "status": "live", "version": 3, "last_reply_number": 1, "read": None,
}  # fmt: skip
POST = {
    **SUMMARY,
    "content": "On a *balcony*, that is.",
    "content_html": "<p>On a <em>balcony</em>, that is.</p>",
    "reactions": [{"emoji": "👍", "count": 2}],
    "viewer": None,
}
REPLY: dict[str, Any] = {
    "id": 5, "post_id": 1, "parent_reply_id": None, "number": 1, "depth": 0, "author": ALICE,
    "content": "In a big pot.", "content_html": "<p>In a big pot.</p>", "created_time": T, "updated_time": T,
    "up_count": 0, "down_count": 0, "child_count": 0, "is_accepted": False, "status": "live", "version": 2,
    "reactions": [], "is_from_blocked": False, "viewer": None,
}  # fmt: skip
REVISION = {"version": 2, "editor": ALICE, "created_time": T, "title": "How do I grow tomatoes?"}
DIFF = [{"kind": "removed", "text": "a"}, {"kind": "added", "text": "b"}]
DRAFT = {
    "id": 1, "title": "How", "content": None, "category_id": 1, "post_id": None, "parent_reply_id": None,
    "tags": ["garden"], "created_time": T, "updated_time": T, "version": 4,
}  # fmt: skip
CATEGORY = {
    "id": 1, "name": "Garden", "slug": "garden", "description": "", "parent_id": None, "read_role": "anyone",
    "write_role": "user", "position": 0, "post_count": 3, "created_time": T,
}  # fmt: skip
TAG = {"id": 1, "name": "garden", "description": "Everything that grows", "post_count": 3, "is_restricted": False}
HIT = {
    "kind": "post", "post_id": 1, "reply_id": None, "title": "How do I grow tomatoes?",
    "title_html": "How do I grow <mark>tomatoes</mark>?", "excerpt_html": "On a balcony", "author": ALICE,
    "category_id": 1, "created_time": T,
}  # fmt: skip
TEXTS = {"title": "t", "content": "c"}

SUCCESSES: list[tuple[str, str, Any, Any]] = [
    ("GET", "/posts", None, {"posts": [SUMMARY], "pinned": [], "next_page_token": "next"}),
    ("POST", "/posts", TEXTS, {"id": 3, "status": "live"}),
    ("GET", "/posts/1", None, POST),
    ("PATCH", "/posts/1", {}, POST),
    ("DELETE", "/posts/1", None, None),
    ("GET", "/posts/1/replies", None, {"replies": [REPLY], "next_cursor": "next"}),
    ("POST", "/posts/1/replies", {"content": "c"}, REPLY),
    ("GET", "/replies/5", None, REPLY),
    ("PATCH", "/replies/5", {"content": "c"}, REPLY),
    ("DELETE", "/replies/5", None, {"deleted_count": 2}),
    ("GET", "/posts/1/revisions", None, {"revisions": [{**REVISION, "title": ""}], "next_page_token": ""}),
    ("GET", "/posts/1/revisions/2", None, {**REVISION, "content": "b", "diff": DIFF}),
    ("POST", "/posts/1/revisions/2/restore", None, {"version": 4}),
    ("GET", "/replies/5/revisions", None, {"revisions": [{**REVISION, "title": ""}], "next_page_token": ""}),
    ("GET", "/replies/5/revisions/2", None, {**REVISION, "content": "b", "diff": DIFF}),
    ("POST", "/replies/5/revisions/2/restore", None, {"version": 4}),
    ("GET", "/drafts", None, {"drafts": [DRAFT], "next_page_token": ""}),
    ("POST", "/drafts", {}, DRAFT),
    ("GET", "/drafts/1", None, DRAFT),
    ("PUT", "/drafts/1", {}, DRAFT),
    ("DELETE", "/drafts/1", None, None),
    ("GET", "/categories", None, {"categories": [CATEGORY]}),
    ("POST", "/categories", {"name": "Garden", "slug": "garden"}, CATEGORY),
    ("GET", "/categories/1", None, CATEGORY),
    ("PATCH", "/categories/1", {}, CATEGORY),
    ("DELETE", "/categories/1", None, None),
    ("GET", "/tags", None, {"tags": [TAG], "next_page_token": ""}),
    ("GET", "/tags/1", None, TAG),
    ("PATCH", "/tags/1", {"name": "garden"}, TAG),
    ("DELETE", "/tags/1", None, None),
    ("GET", "/search?q=tomatoes", None, {"hits": [HIT], "next_page_token": ""}),
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
        assert response.headers["content-type"] == "application/json"


def test_lists_of_posts_are_filtered_by_the_query(edge: Deployment) -> None:
    query = "page_size=5&sort=top&window=week&author_id=7&category_id=2&tag=%E8%8A%B1&following=true&unread=true"
    with edge.client() as client:
        assert client.get(f"/posts?{query}").status_code == 200
    request = edge.fakes.last("ListPosts")
    assert request == post_service_pb2.ListPostsRequest(
        page_size=5, sort=post_service_pb2.POST_SORT_TOP, window=post_service_pb2.TOP_WINDOW_WEEK, author_id=7,
        category_id=2, tag="花", is_followed=True, is_unread=True,
    )  # fmt: skip


def test_lists_of_replies_are_filtered_by_the_query(edge: Deployment) -> None:
    with edge.client() as client:
        client.get("/posts/1/replies?page_size=5&sort=top&parent_reply_id=5&top_level=true")
    assert edge.fakes.last("ListReplies") == reply_service_pb2.ListRepliesRequest(
        post_id=1, page_size=5, sort=reply_service_pb2.REPLY_SORT_TOP, parent_reply_id=5, is_top_level=True
    )


def test_a_search_is_filtered_by_the_query(edge: Deployment) -> None:
    with edge.client(None) as client:
        client.get("/search?q=%22a+b%22+-c&kind=reply&author_id=7&category_id=2&tag=garden&page_size=500")
    request = edge.fakes.last("Search")
    assert (request.query, request.kind, request.author_id, request.category_id) == ('"a b" -c', 2, 7, 2)
    assert (request.tag, request.page_size) == ("garden", 500)


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/posts?sort=old", "sort", "NOT_ALLOWED"),
        ("/posts?window=", "window", "NOT_ALLOWED"),
        ("/posts?author_id=0", "author_id", "OUT_OF_RANGE"),
        ("/posts?category_id=x", "category_id", "WRONG_TYPE"),
        ("/posts?following=1", "following", "WRONG_TYPE"),
        ("/posts?tag=%00", "tag", "BAD_FORMAT"),
        ("/posts?page_size=-1", "page_size", "OUT_OF_RANGE"),
        ("/posts/1/replies?sort=active", "sort", "NOT_ALLOWED"),
        ("/posts/1/replies?parent_reply_id=-5", "parent_reply_id", "OUT_OF_RANGE"),
        ("/posts/1/replies?top_level=yes", "top_level", "WRONG_TYPE"),
        ("/search", "q", "REQUIRED"),
        (f"/search?q={'x' * 201}", "q", "TOO_LONG"),
        ("/search?q=x&kind=user", "kind", "NOT_ALLOWED"),
        ("/tags?prefix=%00", "prefix", "BAD_FORMAT"),
        ("/drafts?page_size=", "page_size", "WRONG_TYPE"),
    ],
)
def test_broken_queries_name_the_parameter(edge: Deployment, path: str, field: str, code: str) -> None:
    with edge.client() as client:
        document = assert_problem(client.get(path), 400, "INVALID_REQUEST")
    assert [(item["field"], item["code"]) for item in document["errors"]] == [(field, code)]


@pytest.mark.parametrize("path", ["/posts?page_token=x", "/posts/1/replies?cursor=x", "/tags?page_token=x"])
def test_a_page_token_of_nobody_is_refused(edge: Deployment, path: str) -> None:
    with edge.client() as client:
        assert_problem(client.get(path), 400, "PAGE_TOKEN_INVALID", "The page token is invalid")


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/posts/10", None, "POST_NOT_FOUND"),
        ("PATCH", "/posts/0", {}, "POST_NOT_FOUND"),
        ("GET", f"/posts/{'9' * 40}/replies", None, "POST_NOT_FOUND"),
        ("GET", "/replies/10", None, "REPLY_NOT_FOUND"),
        ("GET", "/posts/10/revisions", None, "POST_NOT_FOUND"),
        ("GET", "/replies/10/revisions/1", None, "REPLY_NOT_FOUND"),
        ("GET", "/posts/1/revisions/99", None, "REVISION_NOT_FOUND"),
        ("POST", f"/posts/1/revisions/{'9' * 40}/restore", None, "REVISION_NOT_FOUND"),
        ("PUT", "/drafts/10", {}, "DRAFT_NOT_FOUND"),
        ("DELETE", "/categories/10", None, "CATEGORY_NOT_FOUND"),
        ("PATCH", "/tags/10", {}, "TAG_NOT_FOUND"),
    ],
)
def test_what_does_not_exist_is_404(edge: Deployment, method: str, path: str, body: Any, code: str) -> None:
    with edge.admin() as client:
        assert_problem(client.request(method, path, json=body), 404, code)


def test_a_new_post_takes_its_place_and_tags(edge: Deployment) -> None:
    with edge.client() as client:
        client.post("/posts", json={**TEXTS, "category_id": "2", "tags": ["garden", "花"]})
    request = edge.fakes.last("CreatePost")
    assert (request.category_id, list(request.tags)) == (2, ["garden", "花"])


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({**TEXTS, "tags": "garden"}, "tags", "WRONG_TYPE"),
        ({**TEXTS, "tags": ["a", 2]}, "tags.1", "WRONG_TYPE"),
        ({**TEXTS, "tags": ["a"] * 6}, "tags", "OUT_OF_RANGE"),
        ({**TEXTS, "tags": ["a", ""]}, "tags.1", "BLANK"),
        ({**TEXTS, "category_id": 0}, "category_id", "OUT_OF_RANGE"),
    ],
)
def test_broken_fields_are_named(edge: Deployment, body: Any, field: str, code: str) -> None:
    with edge.client() as client:
        document = assert_problem(client.post("/posts", json=body), 400, "INVALID_REQUEST")
    assert [(item["field"], item["code"]) for item in document["errors"]] == [(field, code)]


def test_tags_are_replaced_only_if_given(edge: Deployment) -> None:
    with edge.client() as client:
        client.patch("/posts/1", json={"title": "t2"})
        left = edge.fakes.last("UpdatePost")
        client.patch("/posts/1", json={"tags": []})
        emptied = edge.fakes.last("UpdatePost")
    assert (left.title, left.HasField("content"), left.replace_tags) == ("t2", False, False)
    assert (emptied.replace_tags, list(emptied.tags)) == (True, [])


def test_a_category_changes_where_it_is_told_to(edge: Deployment) -> None:
    with edge.admin() as client:
        client.patch("/categories/1", json={"parent_id": None, "name": "Garden", "description": None})
    request = edge.fakes.last("UpdateCategory")
    assert list(request.update_mask.paths) == ["name", "parent_id"]
    assert not request.fields.HasField("parent_id")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/categories"), ("PATCH", "/categories/1"), ("DELETE", "/categories/1"), ("PATCH", "/tags/1")],
)
def test_keeping_house_is_not_for_users(edge: Deployment, method: str, path: str) -> None:
    with edge.client() as client:
        assert_problem(client.request(method, path, json={}), 403, "PERMISSION_DENIED")


def test_what_is_unset_is_null(edge: Deployment) -> None:
    edge.fakes.answers["GetReply"] = reply_service_pb2.GetReplyResponse(
        reply=reply_pb2.Reply(
            id=6, parent_reply_id=5, number=2, depth=1, status=post_pb2.CONTENT_STATUS_HELD, version=1,
            author=post_pb2.Author(id=2, is_deleted=True), is_from_blocked=True,
            viewer=post_pb2.Viewer(vote=-1, reactions=["👍"], is_bookmarked=True, may_edit=True),
        )
    )  # fmt: skip
    with edge.client() as client:
        reply = client.get("/replies/6").json()
    assert (reply["parent_reply_id"], reply["status"], reply["is_from_blocked"]) == (5, "held", True)
    assert reply["author"] == {"id": 2, "username": "", "avatar": "", "is_deleted": True}
    assert reply["viewer"] == {
        "vote": -1, "reactions": ["👍"], "is_bookmarked": True, "is_followed": False, "may_edit": True,
    }  # fmt: skip


def test_a_summary_tells_what_was_read_and_where_it_is_pinned(edge: Deployment) -> None:
    post = post_pb2.PostSummary(
        id=1, pin_scope=post_pb2.PIN_SCOPE_GLOBAL, status=post_pb2.CONTENT_STATUS_LIVE, accepted_reply_id=5,
        read=post_pb2.ReadPosition(last_read_number=0), is_locked=True,
    )  # fmt: skip
    edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse(pinned=[post])
    with edge.client() as client:
        answer = client.get("/posts").json()
    assert answer["posts"] == []
    pinned = answer["pinned"][0]
    assert (pinned["pin_scope"], pinned["read"], pinned["accepted_reply_id"]) == ("global", {"last_read_number": 0}, 5)


def test_revisions_name_their_target(edge: Deployment) -> None:
    with edge.client() as client:
        client.get("/replies/5/revisions?page_size=3")
        listing = edge.fakes.last("ListRevisions")
        client.post("/posts/1/revisions/2/restore")
        restoring = edge.fakes.last("RestoreRevision")
    assert (listing.target.kind, listing.target.id, listing.page_size) == (target_pb2.TARGET_KIND_REPLY, 5, 3)
    assert (restoring.target.kind, restoring.target.id) == (target_pb2.TARGET_KIND_POST, 1)
    assert restoring.version == 2


def test_filters_about_the_caller_need_one(edge: Deployment) -> None:
    def fail(_: str) -> None:
        raise reason(Unauthenticated, "TOKEN_MISSING")

    edge.fakes.fail = fail
    with edge.client(None) as client:
        assert_problem(client.get("/posts?unread=true"), 401, "TOKEN_MISSING")


def test_a_restricted_category_says_who_may(edge: Deployment) -> None:
    edge.fakes.answers["GetCategory"] = category_service_pb2.GetCategoryResponse(
        category=category_service_pb2.Category(id=2, parent_id=1, read_role="moderator", write_role="admin")
    )
    with edge.client() as client:
        answer = client.get("/categories/2").json()
    assert (answer["parent_id"], answer["read_role"], answer["write_role"]) == (1, "moderator", "admin")
