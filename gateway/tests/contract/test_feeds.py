"""Atom feeds: valid, for everybody alike, conditional."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import httpx
import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import moment
from google.protobuf.timestamp_pb2 import Timestamp

from plaza.forum.v1 import post_pb2, post_service_pb2

ATOM = "{http://www.w3.org/2005/Atom}"
PATHS = ["/feeds/latest.atom", "/feeds/categories/1.atom", "/feeds/tags/1.atom", "/feeds/users/7.atom"]


def read(response: httpx.Response) -> Any:
    """Check what every feed must have (RFC 4287), and return it as a reader sees it."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    root = ET.fromstring(response.content)
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        identity = element.findtext(f"{ATOM}id") or ""
        assert identity.startswith("http://")
        updated = element.findtext(f"{ATOM}updated") or ""
        assert datetime.fromisoformat(updated).tzinfo is not None
    for entry in root.findall(f"{ATOM}entry"):
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        content = entry.find(f"{ATOM}content")
        assert content is not None
        assert (content.get("type"), len(content)) == ("html", 0)
    identities = [element.text for element in root.iter(f"{ATOM}id")]
    assert len(set(identities)) == len(identities)
    feed = feedparser.parse(response.content, response_headers={"content-type": "application/atom+xml"})
    assert not feed.bozo
    assert feed.version == "atom10"
    return feed


def at(seconds: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime(2025, 7, 12, tzinfo=UTC) + timedelta(seconds=seconds))
    return timestamp


def post(number: int, **fields: Any) -> post_pb2.PostSummary:
    values: dict[str, Any] = {
        "id": number,
        "title": f"Post {number}",
        "author": post_pb2.Author(id=1, username="alice"),
        "created_time": at(number),
        "updated_time": at(number),
        "content_html": "<p>x</p>",
    }
    return post_pb2.PostSummary(**(values | fields))


@pytest.mark.parametrize("path", PATHS)
def test_every_feed_is_valid_and_links_to_itself(edge: Deployment, path: str) -> None:
    with edge.client(None) as client:
        feed = read(client.get(path))
    assert feed.feed.id == feed.feed.link == f"{edge.url}{path}"
    assert [(link.rel, link.href) for link in feed.feed.links] == [("self", f"{edge.url}{path}")]
    (entry,) = feed.entries
    assert (entry.id, entry.link) == (f"{edge.url}/posts/1", f"{edge.url}/posts/1")
    assert (entry.title, entry.author) == ("How do I grow tomatoes?", "alice")
    assert [tag.term for tag in entry.tags] == ["garden"]
    assert entry.content[0].type == "text/html"
    assert entry.content[0].value == "<p>On a <em>balcony</em>, that is.</p>"
    assert entry.published == entry.updated == feed.feed.updated == "2025-07-12T13:10:33.123Z"


@pytest.mark.parametrize(
    ("path", "title", "filters"),
    [
        ("/feeds/latest.atom", "Latest posts", {}),
        ("/feeds/categories/1.atom", "Garden", {"category_id": 1}),
        ("/feeds/tags/1.atom", "garden", {"tag": "garden"}),
        ("/feeds/users/7.atom", "alice", {"author_id": 7}),
    ],
)
def test_a_feed_is_the_newest_50_of_its_kind(edge: Deployment, path: str, title: str, filters: Any) -> None:
    with edge.client(None) as client:
        assert read(client.get(path)).feed.title == title
    assert edge.fakes.last("ListPosts") == post_service_pb2.ListPostsRequest(
        page_size=50, sort=post_service_pb2.POST_SORT_NEW, with_html=True, **filters
    )


def test_the_title_is_in_the_readers_language(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.get("/feeds/latest.atom", headers={"Accept-Language": "zh-CN"})
    assert read(response).feed.title == "最新帖子"
    assert response.headers["content-language"] == "zh"


@pytest.mark.parametrize("path", PATHS)
def test_a_feed_shows_what_nobody_in_particular_may_read(edge: Deployment, path: str) -> None:
    before = len(edge.fakes.callers)
    with edge.admin() as client:
        assert client.get(path).status_code == 200
    asking = edge.fakes.callers[before:]
    assert asking
    assert {(caller.user_id, caller.roles) for caller in asking} == {(0, frozenset())}


def test_addresses_are_those_that_the_reader_asked_for(edge: Deployment) -> None:
    with edge.client(None, Host="forum.example.org") as client:
        feed = read(client.get("/feeds/latest.atom"))
    assert feed.feed.id == "http://forum.example.org/feeds/latest.atom"
    assert feed.entries[0].link == "http://forum.example.org/posts/1"


def test_pinned_posts_have_no_place_of_their_own(edge: Deployment) -> None:
    listed = [post(number) for number in range(60, 10, -1)]
    edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse(posts=listed, pinned=[post(3), post(30)])
    with edge.client(None) as client:
        feed = read(client.get("/feeds/latest.atom"))
    assert [entry.id.rpartition("/")[2] for entry in feed.entries] == [str(number) for number in range(60, 10, -1)]


def test_whatever_people_write_is_valid_xml(edge: Deployment) -> None:
    odd = post(
        1,
        title="<b>&amp; ]]> \x01\x0b\x1f\ufffe 花\U0001f331",
        content_html="<p>a &lt; b\x02</p>",
        tags=["a&b\x03", '"'],
        author=post_pb2.Author(id=1, is_deleted=True),
    )
    edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse(posts=[odd])
    with edge.client(None) as client:
        response = client.get("/feeds/latest.atom")
    (entry,) = read(response).entries
    element = ET.fromstring(response.content).find(f"{ATOM}entry")
    assert element is not None
    assert element.findtext(f"{ATOM}title") == "<b>&amp; ]]>  花\U0001f331"
    assert element.findtext(f"{ATOM}content") == "<p>a &lt; b</p>"
    assert [tag.term for tag in entry.tags] == ["a&b", '"']
    assert entry.author == "[deleted]"


def test_an_empty_feed_is_valid(edge: Deployment) -> None:
    edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse()
    with edge.client(None) as client:
        response = client.get("/feeds/tags/1.atom")
    feed = read(response)
    assert (feed.entries, feed.feed.updated) == ([], "1970-01-01T00:00:00.000Z")
    assert "last-modified" not in response.headers


def test_feeds_are_conditional(edge: Deployment) -> None:
    edited = post(2, updated_time=moment())
    edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse(posts=[edited, post(1)])
    with edge.client(None) as client:
        first = client.get("/feeds/latest.atom")
        tag, modified = first.headers["etag"], first.headers["last-modified"]
        assert modified == "Sat, 12 Jul 2025 13:10:33 GMT"
        for condition in ({"If-None-Match": tag}, {"If-Modified-Since": modified}):
            unchanged = client.get("/feeds/latest.atom", headers=condition)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
        edge.fakes.answers["ListPosts"] = post_service_pb2.ListPostsResponse(posts=[post(3), edited, post(1)])
        changed = client.get("/feeds/latest.atom", headers={"If-None-Match": tag, "If-Modified-Since": modified})
    assert changed.status_code == 200
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/feeds/categories/10.atom", "CATEGORY_NOT_FOUND"),
        ("/feeds/tags/0.atom", "TAG_NOT_FOUND"),
        (f"/feeds/users/{'9' * 40}.atom", "USER_NOT_FOUND"),
        ("/feeds/users/7", "ROUTE_NOT_FOUND"),
        ("/feeds/users/x.atom", "ROUTE_NOT_FOUND"),
    ],
)
def test_feeds_of_nothing_are_404(edge: Deployment, path: str, code: str) -> None:
    with edge.client(None) as client:
        assert_problem(client.get(path), 404, code)
