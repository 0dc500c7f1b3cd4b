"""Posts and replies of the legacy contract (section 6), against a fake forum."""

from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import moment, reason

from plaza.forum.v1 import post_pb2, post_service_pb2, reply_pb2
from plaza_kit.errors import InvalidArgument, NotFound, PermissionDenied, ResourceExhausted, Violation

T = "2025-07-12T13:10:33.123Z"


def refuse(edge: Deployment, error: Exception) -> None:
    def fail(_: str) -> None:
        raise error

    edge.fakes.fail = fail


def test_creating_a_post_answers_message_and_id(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.post("/posts/create/", json={"title": "t", "content": "c"})
        english = client.post("/posts/create", json={"title": "t", "content": "c"}, headers={"Accept-Language": "en"})
    assert response.json() == {"msg": "发帖成功", "post_id": 3}
    assert english.json() == {"msg": "Post created", "post_id": 3}
    request = edge.fakes.last("CreatePost")
    assert (request.title, request.content) == ("t", "c")


def test_legacy_posts_have_title_and_content_only(edge: Deployment) -> None:
    with edge.client() as client:
        body = {"title": "t", "content": "c", "category_id": "nonsense", "tags": 7}
        assert client.post("/posts/create/", json=body).status_code == 200
        assert client.post("/posts/update/3/", json=body).status_code == 200
    assert list(edge.fakes.last("CreatePost").tags) == []
    update = edge.fakes.last("UpdatePost")
    assert (update.HasField("category_id"), update.replace_tags, update.expected_version) == (False, False, 0)


@pytest.mark.parametrize("body", [{}, {"title": "t"}, {"title": None, "content": "c"}])
def test_a_post_needs_title_and_content(edge: Deployment, body: Any) -> None:
    with edge.client() as client:
        response = client.post("/posts/create/", json=body)
    document = assert_problem(response, 400, "TITLE_AND_CONTENT_REQUIRED", "标题和内容不能为空")
    assert document["errors"][0]["code"] == "REQUIRED"


@pytest.mark.parametrize(("value", "code"), [("x" * 201, "TOO_LONG"), (7, "WRONG_TYPE"), ("a\x00", "BAD_FORMAT")])
def test_broken_titles_are_refused(edge: Deployment, value: Any, code: str) -> None:
    with edge.client() as client:
        for path in ("/posts/create/", "/posts/update/3/"):
            response = client.post(path, json={"title": value, "content": "c"})
            document = assert_problem(response, 400, "INVALID_REQUEST", "请求参数错误")
            assert [(item["field"], item["code"]) for item in document["errors"]] == [("title", code)]


@pytest.mark.parametrize("nothing", [{}, {"title": "", "content": None}, {"title": None, "content": ""}])
def test_updating_leaves_what_is_absent_or_empty(edge: Deployment, nothing: Any) -> None:
    with edge.client() as client:
        response = client.post("/posts/update/3/", json=nothing)
    assert response.json() == {"msg": "修改成功"}
    request = edge.fakes.last("UpdatePost")
    assert request.post_id == 3
    assert not request.HasField("title")
    assert not request.HasField("content")


def test_updating_sends_what_is_given(edge: Deployment) -> None:
    with edge.client() as client:
        client.post("/posts/update/3", json={"content": "c2", "title": ""})
    request = edge.fakes.last("UpdatePost")
    assert (request.content, request.HasField("title")) == ("c2", False)


@pytest.mark.parametrize(
    ("path", "code", "texts"),
    [
        ("/posts/update/3/", "NOT_POST_AUTHOR", ("无权限修改他人帖子", "You may not edit another user's post")),
        ("/posts/delete/3/", "NOT_POST_AUTHOR", ("无权限删除他人帖子", "You may not delete another user's post")),
        ("/posts/reply/update/5/", "NOT_REPLY_AUTHOR", ("无权限修改他人回复", "You may not edit another user's reply")),
        (
            "/posts/reply/delete/5/",
            "NOT_REPLY_AUTHOR",
            ("无权限删除他人回复", "You may not delete another user's reply"),
        ),
    ],
)
def test_what_others_wrote_is_forbidden_in_words_of_its_own(
    edge: Deployment, path: str, code: str, texts: tuple[str, str]
) -> None:
    refuse(edge, reason(PermissionDenied, code)())
    with edge.client() as client:
        for language, text in zip(("zh", "en"), texts, strict=True):
            response = client.post(path, json={"content": "c"}, headers={"Accept-Language": language})
            assert_problem(response, 403, code, text)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_deleting_reads_no_body(edge: Deployment, method: str) -> None:
    with edge.client() as client:
        post = client.request(method, "/posts/delete/3/", content=b"{bad")
        reply = client.request(method, "/posts/reply/delete/5/")
    assert post.json() == {"msg": "删除成功"}
    assert reply.json() == {"success": True, "msg": "回复删除成功"}
    assert edge.fakes.last("DeletePost").post_id == 3
    assert edge.fakes.last("DeleteReply").reply_id == 5


@pytest.mark.parametrize(
    ("method", "path", "code", "text"),
    [
        ("POST", "/posts/update/10/", "POST_NOT_FOUND", "帖子不存在"),
        ("DELETE", "/posts/delete/0/", "POST_NOT_FOUND", "帖子不存在"),
        ("GET", f"/posts/detail/{'9' * 50}/", "POST_NOT_FOUND", "帖子不存在"),
        ("POST", "/posts/reply/create/10/", "POST_NOT_FOUND", "帖子不存在"),
        ("POST", "/posts/reply/update/10/", "REPLY_NOT_FOUND", "回复不存在"),
        ("POST", "/posts/reply/delete/10/", "REPLY_NOT_FOUND", "回复不存在"),
    ],
)
def test_what_does_not_exist_is_404(edge: Deployment, method: str, path: str, code: str, text: str) -> None:
    with edge.client() as client:
        response = client.request(method, path, json={} if method == "POST" else None)
    assert_problem(response, 404, code, text)


@pytest.mark.parametrize("path", ["/posts/detail/abc/", "/posts/detail/-1/", "/posts/update/1.5/", "/posts/detail/"])
def test_what_is_no_id_is_no_path(edge: Deployment, path: str) -> None:
    with edge.client(None) as client:
        assert_problem(client.get(path), 404, "ROUTE_NOT_FOUND", "请求的路径不存在")


def test_the_list_has_exactly_the_contracts_keys(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.get("/posts/list/")
    post = {
        "id": 3, "title": "t", "content": "c", "author": "alice", "created_at": T, "updated_at": T, "reply_count": 2,
    }  # fmt: skip
    assert response.json() == {"results": [post], "total": 3, "num_pages": 1, "current_page": 1}
    assert "content-language" not in response.headers
    request = edge.fakes.last("ListPostPage")
    assert (request.page, request.page_size) == (1, 10)


def test_a_deleted_author_is_called_so(edge: Deployment) -> None:
    listed = post_pb2.ListedPost(id=3, title="t", content="c", created_time=moment(), updated_time=moment())
    edge.fakes.answers["ListPostPage"] = post_service_pb2.ListPostPageResponse(
        posts=[listed], total_size=1, page_count=1, page=1
    )
    with edge.client() as client:
        response = client.get("/posts/list/")
    assert response.json()["results"][0]["author"] == "[deleted]"


@pytest.mark.parametrize(
    ("query", "page", "page_size"),
    [
        ("page=2&page_size=5", 2, 5), ("page=0", 0, 10), ("page=-3", -3, 10), (f"page={'9' * 99}", 2**63 - 1, 10),
        (f"page=1&page_size={'9' * 99}", 1, 2**63 - 1), (f"page=-{'9' * 9000}", -(2**63), 10), ("other=1", 1, 10),
    ],
)  # fmt: skip
def test_page_numbers_reach_the_service(edge: Deployment, query: str, page: int, page_size: int) -> None:
    with edge.client() as client:
        assert client.get(f"/posts/list/?{query}").status_code == 200
    request = edge.fakes.last("ListPostPage")
    assert (request.page, request.page_size) == (page, page_size)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=", "page"), ("page=x", "page"), ("page=1.0", "page"), ("page_size=", "page_size"),
        ("page_size=x", "page_size"), ("page_size=0", "page_size"), ("page_size=-1", "page_size"),
    ],
)  # fmt: skip
def test_what_is_no_page_number_is_refused(edge: Deployment, query: str, field: str) -> None:
    with edge.client(None) as client:
        document = assert_problem(client.get(f"/posts/list/?{query}"), 400, "INVALID_REQUEST", "请求参数错误")
    assert document["errors"][0]["field"] == field


def test_detail_is_the_whole_tree(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.get("/posts/detail/3")
    below = {
        "id": 6, "content": "rr", "author": "[deleted]", "created_at": T, "updated_at": T, "parent_reply_id": 5,
        "child_replies": [],
    }  # fmt: skip
    reply = {
        "id": 5, "content": "r", "author": "bob", "created_at": T, "updated_at": T, "parent_reply_id": None,
        "child_replies": [below],
    }  # fmt: skip
    post = {
        "id": 3, "title": "t", "content": "c", "author": "alice", "created_at": T, "updated_at": T, "reply_count": 2,
        "replies": [reply],
    }  # fmt: skip
    assert response.json() == {"success": True, "post": post}


def tree(replies: list[tuple[int, int]], *, is_truncated: bool = False) -> post_service_pb2.GetPostTreeResponse:
    return post_service_pb2.GetPostTreeResponse(
        post=post_pb2.ListedPost(id=3, created_time=moment(), updated_time=moment(), reply_count=len(replies)),
        replies=[
            reply_pb2.TreeReply(id=own, parent_reply_id=parent, created_time=moment(), updated_time=moment())
            for own, parent in replies
        ],
        is_truncated=is_truncated,
    )


def test_a_tree_may_be_a_hundred_levels_deep(edge: Deployment) -> None:
    edge.fakes.answers["GetPostTree"] = tree([(number, number - 1) for number in range(1, 102)])
    with edge.client() as client:
        level = client.get("/posts/detail/3/").json()["post"]["replies"]
    depth = 0
    while level:
        assert [reply["id"] for reply in level] == [depth + 1]
        level, depth = level[0]["child_replies"], depth + 1
    assert depth == 101


def test_a_cut_tree_says_so(edge: Deployment) -> None:
    edge.fakes.answers["GetPostTree"] = tree([(1, 0), (2, 1), (3, 0), (4, 1)], is_truncated=True)
    with edge.client() as client:
        post = client.get("/posts/detail/3/").json()["post"]
    assert post["is_truncated"] is True
    assert [(reply["id"], [child["id"] for child in reply["child_replies"]]) for reply in post["replies"]] == [
        (1, [2, 4]),
        (3, []),
    ]


def test_replying_answers_the_reply(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.post("/posts/reply/create/3/", json={"content": "In a big pot."})
    reply = {"id": 5, "content": "In a big pot.", "author": "alice", "created_at": T, "parent_reply_id": None}
    assert response.json() == {"success": True, "msg": "回复成功", "reply": reply}
    assert edge.fakes.last("CreateReply").post_id == 3


@pytest.mark.parametrize(("parent", "expected"), [(None, 0), (0, 0), ("", 0), ("0", 0), (5, 5), ("5", 5)])
def test_a_reply_may_name_its_parent(edge: Deployment, parent: Any, expected: int) -> None:
    with edge.client() as client:
        response = client.post("/posts/reply/create/3/", json={"content": "r", "parent_reply_id": parent})
    assert response.status_code == 200
    assert edge.fakes.last("CreateReply").parent_reply_id == expected


def test_changing_a_reply_answers_the_reply(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.post("/posts/reply/update/5/", json={"content": "In a big pot."})
    reply = {"id": 5, "content": "In a big pot.", "author": "alice", "updated_at": T}
    assert response.json() == {"success": True, "msg": "回复修改成功", "reply": reply}


@pytest.mark.parametrize("path", ["/posts/reply/create/3/", "/posts/reply/update/5/"])
def test_a_reply_needs_content(edge: Deployment, path: str) -> None:
    with edge.client() as client:
        response = client.post(path, json={})
    assert_problem(response, 400, "REPLY_CONTENT_REQUIRED", "回复内容不能为空")


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        (reason(NotFound, "PARENT_REPLY_NOT_FOUND")(), 404, "PARENT_REPLY_NOT_FOUND", "父回复不存在"),
        (reason(InvalidArgument, "REPLY_TOO_DEEP")(), 400, "REPLY_TOO_DEEP", "回复层级过深"),
        (reason(PermissionDenied, "POST_LOCKED")(), 403, "POST_LOCKED", "帖子已锁定"),
        (
            reason(InvalidArgument, "REPLY_CONTENT_REQUIRED")(violations=[Violation("content", "BLANK", 1)]),
            400, "REPLY_CONTENT_REQUIRED", "回复内容不能为空",
        ),
    ],
)  # fmt: skip
def test_replying_is_refused_with_the_contracts_texts(
    edge: Deployment, error: Exception, status: int, code: str, text: str
) -> None:
    refuse(edge, error)
    with edge.client() as client:
        response = client.post("/posts/reply/create/3/", json={"content": "r"})
    assert_problem(response, status, code, text)


def test_a_new_users_limit_says_when_to_come_again(edge: Deployment) -> None:
    refuse(edge, reason(ResourceExhausted, "NEW_USER_RATE_LIMIT")(retry_after=90))
    with edge.client() as client:
        response = client.post("/posts/create/", json={"title": "t", "content": "c"})
    assert_problem(response, 429, "NEW_USER_RATE_LIMIT")
    assert response.headers["retry-after"] == "90"


@pytest.mark.parametrize("path", ["/posts/list/?page=1", "/posts/detail/3/"])
@pytest.mark.parametrize("token", [None, ""], ids=["nobody", "user"])
def test_reads_can_be_asked_again_by_their_tag(edge: Deployment, path: str, token: str | None) -> None:
    with edge.client(token) as client:
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
        other = client.get(path, headers={"If-None-Match": '"x"'})
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)
    assert again.headers["etag"] == first.headers["etag"]
    assert "last-modified" not in first.headers


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "/posts/create/", "仅支持POST请求"),
        ("GET", "/posts/delete/3/", "仅支持POST或DELETE请求"),
        ("POST", "/posts/list/", "仅支持GET请求"),
        ("DELETE", "/posts/detail/3/", "仅支持GET请求"),
        ("GET", "/posts/reply/delete/3/", "仅支持POST或DELETE请求"),
    ],
)
def test_other_methods_are_405(edge: Deployment, method: str, path: str, text: str) -> None:
    with edge.client() as client:
        assert_problem(client.request(method, path), 405, "METHOD_NOT_ALLOWED", text)
