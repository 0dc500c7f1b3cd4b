"""The forum's answers are conditional and shared: tags, versions, dates, and what a write outdates."""

from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import reason

from plaza.forum.v1 import post_pb2, post_service_pb2
from plaza_kit.errors import Aborted

TEXTS = {"title": "t", "content": "c"}


@pytest.mark.parametrize(
    ("method", "path", "body", "rpc"),
    [
        ("PATCH", "/posts/1", {}, "UpdatePost"),
        ("DELETE", "/posts/1", None, "DeletePost"),
        ("PATCH", "/replies/5", {"content": "c"}, "UpdateReply"),
        ("DELETE", "/replies/5", None, "DeleteReply"),
        ("PUT", "/drafts/1", {}, "UpdateDraft"),
        ("POST", "/posts/1/revisions/2/restore", None, "RestoreRevision"),
        ("POST", "/replies/5/revisions/2/restore", None, "RestoreRevision"),
    ],
)
def test_writes_can_ask_for_a_version(edge: Deployment, method: str, path: str, body: Any, rpc: str) -> None:
    versions = {'"3-0123456789abcdef"': 3, '"7"': 7, "*": 0}
    with edge.client() as client:
        for tag, version in versions.items():
            response = client.request(method, path, json=body, headers={"If-Match": tag})
            assert response.status_code in (200, 204), response.text
            assert edge.fakes.last(rpc).expected_version == version
        before = edge.fakes.count(rpc)
        for tag in ('"0123456789abcdef"', "3", 'W/"3"', '"0"', '"x"', '"3", "4"', ""):
            response = client.request(method, path, json=body, headers={"If-Match": tag})
            assert_problem(response, 412, "VERSION_MISMATCH")
        assert edge.fakes.count(rpc) == before

        def fail(_: str) -> None:
            raise reason(Aborted, "VERSION_MISMATCH")

        edge.fakes.fail = fail
        assert_problem(client.request(method, path, json=body), 412, "VERSION_MISMATCH")


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/posts", 0), ("/posts/1", 3), ("/posts/1/replies", 0), ("/replies/5", 2), ("/drafts/1", 4),
        ("/categories", 0), ("/categories/1", 0), ("/tags", 0), ("/tags/1", 0),
    ],
)  # fmt: skip
def test_reads_carry_a_tag(edge: Deployment, path: str, version: int) -> None:
    with edge.client() as client:
        first = client.get(path)
        tag = first.headers["etag"]
        assert tag.startswith(f'"{version}-' if version else '"')
        assert len(tag.rpartition("-")[2].strip('"')) == 16
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["vary"] == "Accept-Language, Origin, Authorization, Cookie"
        again = client.get(path, headers={"If-None-Match": tag})
        other = client.get(path, headers={"If-None-Match": '"other"'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200


def test_the_tag_is_about_what_is_shown(edge: Deployment) -> None:
    with edge.client() as client:
        before = client.get("/posts/1").headers["etag"]
        voted = post_service_pb2.GetPostResponse()
        voted.CopyFrom(post_service_pb2.GetPostResponse(post=post_pb2.Post(content="x")))
        voted.post.summary.CopyFrom(
            post_pb2.PostSummary(id=1, version=3, up_count=1, status=post_pb2.CONTENT_STATUS_LIVE)
        )
        edge.fakes.answers["GetPost"] = voted
        after = client.get("/posts/1").headers["etag"]
    assert before != after
    assert before.partition("-")[0] == after.partition("-")[0] == '"3'


def test_a_post_says_when_it_changed(edge: Deployment) -> None:
    with edge.client() as client:
        first = client.get("/posts/1")
        modified = first.headers["last-modified"]
        since = {"If-Modified-Since": modified}
        same = client.get("/posts/1", headers=since)
        older = client.get("/posts/1", headers={"If-Modified-Since": "Sat, 12 Jul 2025 13:10:32 GMT"})
        tag_wins = client.get("/posts/1", headers={**since, "If-None-Match": '"other"'})
    assert modified == "Sat, 12 Jul 2025 13:10:33 GMT"
    assert (same.status_code, older.status_code, tag_wins.status_code) == (304, 200, 200)


@pytest.mark.parametrize("token", [None, ""], ids=["nobody", "user"])
def test_head_is_get_without_a_body(edge: Deployment, token: str | None) -> None:
    with edge.client(token) as client:
        whole = client.get("/posts/1")
        head = client.head("/posts/1")
        unchanged = client.head("/posts/1", headers={"If-None-Match": whole.headers["etag"]})
    assert (head.status_code, head.content, unchanged.status_code) == (200, b"", 304)
    for name in ("etag", "last-modified", "content-length", "content-type", "cache-control", "vary"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("path", ["/posts", "/posts/1", "/categories", "/tags"])
def test_public_answers_are_asked_for_once(edge: Deployment, path: str) -> None:
    with edge.client(None) as client:
        client.get(path)
        before = len(edge.fakes.requests)
        assert client.get(path).status_code == 200
    assert len(edge.fakes.requests) == before


@pytest.mark.parametrize(
    ("method", "write", "body", "reads"),
    [
        ("POST", "/posts", TEXTS, ["/posts"]),
        ("PATCH", "/posts/1", {}, ["/posts", "/posts/1", "/posts/1/replies", "/posts/detail/1/"]),
        ("POST", "/posts/1/replies", {"content": "c"}, ["/posts", "/posts/1/replies", "/posts/detail/1/"]),
        ("PATCH", "/replies/5", {"content": "c"}, ["/posts", "/posts/1/replies"]),
        ("DELETE", "/posts/delete/1/", None, ["/posts/list/", "/posts/1", "/posts/detail/1/"]),
        ("POST", "/posts/reply/create/1/", {"content": "c"}, ["/posts/list/", "/posts/detail/1/"]),
        ("POST", "/posts/1/revisions/2/restore", None, ["/posts/1", "/posts"]),
        ("PATCH", "/categories/1", {}, ["/categories", "/posts"]),
        ("DELETE", "/tags/1", None, ["/tags", "/tags/1", "/posts/1"]),
    ],
)
def test_a_write_outdates_what_shows_it(edge: Deployment, method: str, write: str, body: Any, reads: list[str]) -> None:
    with edge.client(None) as client, edge.admin() as writer:
        for path in reads:
            client.get(path)
        assert writer.request(method, write, json=body).status_code in (200, 204)
        before = len(edge.fakes.requests)
        for path in reads:
            client.get(path)
    assert len(edge.fakes.requests) == before + len(reads)
