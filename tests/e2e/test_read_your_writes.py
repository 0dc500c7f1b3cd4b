"""Whoever has written sees it at once, wherever they look: shared answers that were hot a moment ago included.

Nothing here is polled. Everything is looked at again before the next write, so that what can be kept is kept then.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.e2e.forum_scene import Person, connected
from tests.e2e.running_stack import RunningStack

ROUNDS = 25
"""On each stack."""
See = Callable[[Person], Any]


@pytest.fixture(params=["roomy_stack", "server_stack"])
def stack(request: pytest.FixtureRequest) -> RunningStack:
    running = request.getfixturevalue(request.param)
    assert isinstance(running, RunningStack)
    return running


class Watch:
    """An author, and all who look: the author, somebody else who is signed in, and nobody in particular."""

    def __init__(self, readers: list[Person]) -> None:
        self._readers = readers
        self.author, self.voter, self.nobody = readers

    def expect(self, expected: Any, see: See) -> None:
        """Check what everybody sees; whoever is nobody in particular looks twice and gets the kept answer."""
        for reader in (*self._readers, self.nobody):
            assert see(reader) == expected


@pytest.fixture
def watch(stack: RunningStack) -> Iterator[Watch]:
    with connected(stack.url) as http:
        yield Watch([Person(http, name) for name in ("author", "voter", "")])


def first_of_lists(reader: Person) -> list[Any]:
    """Return id, title and number of replies of the first post, as the legacy list and the new one have it."""
    legacy = reader.get("/posts/list/?page_size=3")["results"][0]
    post = reader.get("/posts?page_size=3")["posts"][0]
    return [[found["id"], found["title"], found["reply_count"]] for found in (legacy, post)]


def seen_of(post_id: int) -> See:
    """Return what looks at a post: title, text, replies and votes, as the legacy detail and the new routes have it."""

    def see(reader: Person) -> list[Any]:
        legacy = reader.get(f"/posts/detail/{post_id}/")["post"]
        post = reader.get(f"/posts/{post_id}")
        replies = reader.get(f"/posts/{post_id}/replies")["replies"]
        return [
            [legacy["title"], legacy["content"], [reply["content"] for reply in legacy["replies"]]],
            [post["title"], post["content"], [reply["content"] for reply in replies]],
            [post["up_count"], [reply["up_count"] for reply in replies]],
        ]

    return see


def test_what_is_written_is_seen_at_once(watch: Watch) -> None:
    for number in range(ROUNDS):
        one_round(watch, f"Round {number}", is_legacy=number % 2 == 1)


def one_round(watch: Watch, title: str, *, is_legacy: bool) -> None:
    """Write, edit, reply, vote and delete; by the legacy routes or the new ones."""
    author = watch.author
    body = {"title": title, "content": "old"}
    if is_legacy:
        post_id = author.do("POST", "/posts/create/", body)["post_id"]
    else:
        post_id = author.do("POST", "/posts", body)["id"]
    before = [[post_id, title, 0]] * 2
    watch.expect(before, first_of_lists)
    watch.expect([[title, "old", []], [title, "old", []], [0, []]], seen_of(post_id))

    edited = {"title": f"{title}, edited", "content": "new"}
    author.do(*(("POST", f"/posts/update/{post_id}/") if is_legacy else ("PATCH", f"/posts/{post_id}")), edited)
    title = edited["title"]
    watch.expect([[post_id, title, 0]] * 2, first_of_lists)
    watch.expect([[title, "new", []], [title, "new", []], [0, []]], seen_of(post_id))

    said = f"Reply to {title}"
    path = f"/posts/reply/create/{post_id}/" if is_legacy else f"/posts/{post_id}/replies"
    created = author.do("POST", path, {"content": said})
    reply_id = created["reply"]["id"] if is_legacy else created["id"]
    watch.expect([[post_id, title, 1]] * 2, first_of_lists)
    watch.expect([[title, "new", [said]], [title, "new", [said]], [0, [0]]], seen_of(post_id))

    watch.voter.do("PUT", f"/posts/{post_id}/vote", {"value": 1})
    watch.voter.do("PUT", f"/replies/{reply_id}/vote", {"value": 1})
    path = f"/posts/reply/update/{reply_id}/" if is_legacy else f"/replies/{reply_id}"
    author.do("POST" if is_legacy else "PATCH", path, {"content": f"{said}, edited"})
    said = f"{said}, edited"
    watch.expect([[title, "new", [said]], [title, "new", [said]], [1, [1]]], seen_of(post_id))

    author.do("DELETE", f"/posts/reply/delete/{reply_id}/" if is_legacy else f"/replies/{reply_id}")
    watch.expect([[post_id, title, 0]] * 2, first_of_lists)
    watch.expect([[title, "new", []], [title, "new", []], [1, []]], seen_of(post_id))

    author.do("DELETE", f"/posts/delete/{post_id}/" if is_legacy else f"/posts/{post_id}")
    watch.expect([404, 404, 404], lambda reader: gone(reader, post_id))


def gone(reader: Person, post_id: int) -> list[int]:
    """Return how a post is answered for, after making sure that no list has it."""
    lists = (reader.get("/posts/list/")["results"], reader.get("/posts")["posts"])
    assert post_id not in [post["id"] for found in lists for post in found]
    paths = (f"/posts/detail/{post_id}/", f"/posts/{post_id}", f"/posts/{post_id}/replies")
    return [reader.ask("GET", path).status_code for path in paths]
