"""What people live through in a forum, over HTTP, on the embedded servers and on real ones.

Few texts of each person, because new users may not write many.
"""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import feedparser
import pytest
from tests.e2e.community import check_problem
from tests.e2e.forum_scene import PASSWORD, Person, connected, make_admin, make_moderator
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.polling import wait_until


class Village(NamedTuple):
    """Those who take part in each story."""

    alice: Person
    bob: Person
    moderator: Person
    admin: Person
    nobody: Person


@pytest.fixture(scope="module")
def village(each_stack: RunningStack) -> Iterator[Village]:
    with connected(each_stack.url) as http:
        admin = make_admin(each_stack, http)
        alice, bob, nobody = Person(http, "alice"), Person(http, "bob"), Person(http, "")
        wait_until(lambda: nobody.ask("GET", "/search?q=tomatoes").status_code != 503)  # the index is being built
        for one, other in ((alice, bob), (bob, alice)):
            wait_until(lambda one=one, other=other: knows(one, other))  # type: ignore[misc]
        yield Village(alice, bob, make_moderator(admin), admin, nobody)


def knows(one: Person, other: Person) -> bool:
    """Tell whether the forum has heard of an account: that it was made comes as an event."""
    return one.ask("DELETE", f"/users/{other.user_id}/follow").is_success


def notifications(person: Person, kind: str, post_id: int) -> list[dict[str, Any]]:
    """Return the notifications of a kind about a post."""
    page = person.get("/notifications")["notifications"]
    return [found for found in page if (found["kind"], found["post_id"]) == (kind, post_id)]


def ids_of(person: Person, query: str) -> list[int]:
    """Return the ids of a list of posts."""
    return [post["id"] for post in person.get(f"/posts?page_size=100{query}")["posts"]]


def feed_of(person: Person, path: str) -> list[int]:
    """Return the ids of the posts in a feed."""
    answer = person.ask("GET", path)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    return [int(entry.id.rpartition("/")[2]) for entry in feed.entries]


def test_a_conversation(village: Village) -> None:
    alice, bob = village.alice, village.bob
    post_id = alice.write(content=f"Ask @{bob.username}: **how big** a pot?", tags=["garden"])
    post = village.nobody.get(f"/posts/{post_id}")
    assert "<strong>how big</strong>" in post["content_html"]
    assert f"/users/{bob.user_id}" in post["content_html"]
    assert (post["tags"], post["viewer"]) == (["garden"], None)
    (mention,) = wait_until(lambda: notifications(bob, "mention", post_id))
    assert (mention["actor"]["username"], mention["is_read"]) == (alice.username, False)

    first = bob.reply(post_id, "Ten litres.")
    (told,) = wait_until(lambda: notifications(alice, "reply", post_id))
    second = bob.reply(post_id, "Twenty are better.", parent_reply_id=None)
    assert told["count"] == 1
    (told,) = wait_until(lambda: [found for found in notifications(alice, "reply", post_id) if found["count"] == 2])
    assert (told["reply_id"], told["actor"]["id"]) == (second["id"], bob.user_id)

    assert alice.do("PUT", f"/replies/{first['id']}/vote", {"value": 1}) == {"up_count": 1, "down_count": 0}
    assert alice.do("PUT", f"/replies/{first['id']}/vote", {"value": -1}) == {"up_count": 0, "down_count": 1}
    assert alice.do("PUT", f"/replies/{first['id']}/vote", {"value": 1}) == {"up_count": 1, "down_count": 0}
    (milestone,) = wait_until(lambda: notifications(bob, "vote_milestone", post_id))
    assert (milestone["detail"], milestone["actor"]) == ("1", None)

    alice.do("PUT", f"/posts/{post_id}/answer", {"reply_id": first["id"]})
    wait_until(lambda: notifications(bob, "accepted", post_id))
    assert village.nobody.get(f"/posts/{post_id}")["accepted_reply_id"] == first["id"]
    assert village.nobody.get(f"/replies/{first['id']}")["is_accepted"] is True


def test_what_one_follows_and_has_not_read(village: Village) -> None:
    alice, bob = village.alice, village.bob
    bob.do("PUT", f"/users/{alice.user_id}/follow")
    post_id = alice.write()
    wait_until(lambda: notifications(bob, "followed_post", post_id))
    assert post_id in ids_of(bob, "&following=true")
    assert post_id not in ids_of(village.moderator, "&following=true")
    assert post_id in ids_of(bob, "&unread=true")

    bob.do("PUT", f"/posts/{post_id}/read", {"last_read_number": 0})
    assert post_id not in ids_of(bob, "&unread=true")
    reply = alice.reply(post_id)
    assert post_id in ids_of(bob, "&unread=true")
    assert bob.do("PUT", f"/posts/{post_id}/read", {"last_read_number": reply["number"]})["last_read_number"] == 1
    assert post_id not in ids_of(bob, "&unread=true")
    bob.do("POST", "/posts/read")
    assert ids_of(bob, "&unread=true") == []

    unread = bob.get("/notifications/unread-count")["unread_count"]
    mine = bob.get("/notifications")["notifications"][0]["id"]
    alice.do("POST", "/notifications/read", {"notification_ids": [mine]})
    assert bob.get("/notifications/unread-count")["unread_count"] == unread > 0, "nobody else's business"
    assert bob.do("POST", "/notifications/read", {"notification_ids": [mine]})["unread_count"] == unread - 1


def test_editing_with_a_history(village: Village) -> None:
    alice = village.alice
    post_id = alice.write(title="Pots", content="one\ntwo")
    path = f"/posts/{post_id}"
    old = alice.ask("GET", path).headers["etag"]
    alice.do("PATCH", path, {"content": "one\nthree"}, If_Match=old)
    check_problem(alice.ask("PATCH", path, {"content": "lost"}, If_Match=old), 412, "VERSION_MISMATCH")
    new = alice.ask("GET", path).headers["etag"]
    assert alice.do("PATCH", path, {"title": "Big pots"}, If_Match=new)["version"] == 3

    versions = village.nobody.get(f"{path}/revisions")["revisions"]
    assert [(version["version"], version["title"]) for version in versions] == [
        (3, "Big pots"),
        (2, "Pots"),
        (1, "Pots"),
    ]
    second = village.nobody.get(f"{path}/revisions/2")
    assert {(line["kind"], line["text"]) for line in second["diff"]} == {
        ("same", "one"),
        ("removed", "two"),
        ("added", "three"),
    }
    assert alice.do("POST", f"{path}/revisions/1/restore") == {"version": 4}
    post = village.nobody.get(path)
    assert (post["title"], post["content"]) == ("Pots", "one\ntwo")


def test_finding_and_losing_a_post(village: Village) -> None:
    alice, nobody = village.alice, village.nobody
    name = uuid.uuid4().hex
    post_id = alice.write(title=f"Balcony {name}", content="阳台上种番茄", tags=[name])
    (tag,) = nobody.get(f"/tags?prefix={name}")["tags"]

    def hits() -> list[dict[str, Any]]:
        found = nobody.get("/search?q=番茄")["hits"]
        return [hit for hit in found if hit["post_id"] == post_id]

    (hit,) = wait_until(hits)
    assert "<mark>番茄</mark>" in hit["excerpt_html"]
    feeds = ("/feeds/latest.atom", f"/feeds/tags/{tag['id']}.atom", f"/feeds/users/{alice.user_id}.atom")
    for feed in feeds:
        assert post_id in feed_of(nobody, feed)
    alice.do("DELETE", f"/posts/{post_id}")
    for feed in feeds:
        assert post_id not in feed_of(nobody, feed)
    assert hits() == [], "the index may be late, what it finds is checked"
    check_problem(nobody.ask("GET", f"/posts/{post_id}"), 404, "POST_NOT_FOUND")


def test_nothing_is_sent_twice_to_who_has_it(village: Village) -> None:
    alice, nobody = village.alice, village.nobody
    post_id = alice.write()
    for path in (
        "/posts/list/",
        f"/posts/detail/{post_id}/",
        "/posts",
        f"/posts/{post_id}",
        f"/posts/{post_id}/replies",
        "/categories",
        "/tags",
        "/feeds/latest.atom",
    ):
        for reader in (nobody, alice):
            tag = reader.ask("GET", path).headers["etag"]
            again = reader.ask("GET", path, If_None_Match=tag)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
    tag = nobody.ask("GET", f"/posts/{post_id}").headers["etag"]
    alice.do("PATCH", f"/posts/{post_id}", {"content": "changed"})
    changed = nobody.ask("GET", f"/posts/{post_id}", If_None_Match=tag)
    assert (changed.status_code, changed.json()["content"]) == (200, "changed")


def test_a_report_leads_to_a_removal(village: Village) -> None:
    alice, bob, moderator, admin, nobody = village
    post_id = bob.write(title="Cheap pots")
    alice.do("POST", f"/posts/{post_id}/reports", {"reason": "spam", "note": "the third one today"})
    again = alice.ask("POST", f"/posts/{post_id}/reports", {"reason": "spam"})
    check_problem(again, 409, "ALREADY_REPORTED")
    (case,) = (case for case in moderator.get("/moderation/cases?page_size=100")["cases"] if case["post_id"] == post_id)
    path = f"/moderation/cases/{case['id']}"
    assert moderator.get(path)["reports"][0]["note"] == "the third one today"
    assert moderator.do("PUT", f"{path}/claim")["state"] == "claimed"
    decision = {"resolution": "remove", "reason": "Advertising"}
    check_problem(admin.ask("POST", f"{path}/resolve", decision), 409, "CASE_CLAIMED")
    resolved = moderator.do("POST", f"{path}/resolve", decision)
    assert (resolved["state"], resolved["resolution"], resolved["status"]) == ("resolved", "remove", "removed")

    (told,) = wait_until(lambda: notifications(bob, "moderation", post_id))
    assert (told["detail"], told["reason"], told["actor"]) == ("content.remove", "Advertising", None)
    for reader in (nobody, bob):
        assert post_id not in [post["id"] for post in reader.get("/posts/list/?page_size=100")["results"]]
        check_problem(reader.ask("GET", f"/posts/detail/{post_id}/"), 404, "POST_NOT_FOUND")
    actions = [entry["action"] for entry in moderator.get(f"/moderation/audit?target=post:{post_id}")["entries"]]
    assert "content.remove" in actions
    moderator.do("POST", f"/posts/{post_id}/restore")
    assert post_id in [post["id"] for post in nobody.get("/posts/list/?page_size=100")["results"]]


def test_who_leaves_takes_the_name_along(village: Village) -> None:
    leaver = Person(village.nobody.http, "leaver")
    post_id = leaver.write()
    reply = leaver.reply(post_id)
    assert legacy_authors(village.nobody, post_id) == [leaver.username] * 3
    leaver.do("DELETE", "/users/me", {"password": PASSWORD})
    wait_until(lambda: legacy_authors(village.nobody, post_id) == ["[deleted]"] * 3, 5)
    author = village.nobody.get(f"/replies/{reply['id']}")["author"]
    assert (author["username"], author["is_deleted"]) == ("", True)


def legacy_authors(reader: Person, post_id: int) -> list[str]:
    """Return the author of a post as the legacy list and detail name them, and of its first reply."""
    page = reader.get("/posts/list/?page_size=100")["results"]
    detail = reader.get(f"/posts/detail/{post_id}/")["post"]
    listed = [post["author"] for post in page if post["id"] == post_id]
    return [*listed, detail["author"], detail["replies"][0]["author"]]


def test_who_is_banned_writes_nothing_until_let_back_in(village: Village) -> None:
    troll = Person(village.nobody.http, "troll")
    post_id = troll.write()
    village.moderator.do("PUT", f"/users/{troll.user_id}/ban", {"reason": "Insults"})
    wait_until(lambda: troll.ask("GET", "/users/me").status_code == 401)
    for method, path, body in (
        ("POST", "/posts", {"title": "t", "content": "c"}),
        ("POST", "/posts/create/", {"title": "t", "content": "c"}),
        ("PATCH", f"/posts/{post_id}", {"content": "c"}),
        ("POST", f"/posts/{post_id}/replies", {"content": "c"}),
        ("DELETE", f"/posts/{post_id}", None),
    ):
        check_problem(troll.ask(method, path, body), 401, "TOKEN_INVALID")
    assert village.nobody.get(f"/posts/{post_id}")["author"]["username"] == troll.username
    village.moderator.do("DELETE", f"/users/{troll.user_id}/ban")
    troll.sign_in()
    wait_until(lambda: troll.ask("PATCH", f"/posts/{post_id}", {"content": "sorry"}).is_success)
