"""People of a forum, and things of theirs that come to be when a test names them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import httpx
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.polling import wait_until

PASSWORD = "password123"
ADDRESS = "https://127.0.0.1:9/hook"
"""Where webhooks go: nobody listens there."""

LOOKS = (
    ("post", "/posts/{}"),
    ("reply", "/replies/{}"),
    ("second_post", "/posts/{}"),
    ("draft", "/drafts/{}"),
    ("category", "/categories/{}"),
    ("tag", "/tags/{}"),
    ("case", "/moderation/cases/{}"),
    ("word_filter", "/moderation/word-filters"),
    ("webhook", "/webhooks"),
)
"""Where to see how each thing of a scene is."""


class Person:
    """Somebody with an account, or nobody."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self.http = http
        self.username = f"{name}_{uuid.uuid4().hex[:8]}" if name else ""
        self.headers: dict[str, str] = {}
        self.user_id = 0
        if name:
            credentials = {"username": self.username, "password": PASSWORD}
            self.user_id = http.post("/users/register/", json=credentials).raise_for_status().json()["user_id"]
            self.sign_in()

    def sign_in(self) -> None:
        """Get a token; an old one may name an old role."""
        credentials = {"username": self.username, "password": PASSWORD}
        token = self.http.post("/users/login/", json=credentials).raise_for_status().json()["token"]
        self.http.cookies.clear()
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request; `If_Match` in `headers` is `If-Match`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, path, json=body, headers=self.headers | named)

    def do(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request that must succeed; return what it answers."""
        answer = self.ask(method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        """Read something that must be there."""
        return self.do("GET", path)

    def write(self, **post: Any) -> int:
        """Write a post; return its id."""
        body = {"title": f"Title {uuid.uuid4().hex}", "content": f"Text {uuid.uuid4().hex}", **post}
        return int(self.do("POST", "/posts", body)["id"])

    def reply(self, post_id: int, content: str = "", **more: Any) -> dict[str, Any]:
        """Reply to a post; return the reply."""
        body = {"content": content or f"Reply {uuid.uuid4().hex}", **more}
        reply: dict[str, Any] = self.do("POST", f"/posts/{post_id}/replies", body)
        return reply


@contextmanager
def connected(url: str) -> Iterator[httpx.Client]:
    """Give a client that keeps its connections and no cookies."""
    with httpx.Client(base_url=url, timeout=10) as http:
        yield http


def make_admin(stack: RunningStack, http: httpx.Client) -> Person:
    """Make an admin."""
    admin = Person(http, "admin")
    stack.make_admin(admin.username)
    admin.sign_in()
    return admin


def make_moderator(admin: Person) -> Person:
    """Make a moderator."""
    moderator = Person(admin.http, "moderator")
    admin.do("PUT", f"/users/{moderator.user_id}/role", {"role": "moderator"})
    moderator.sign_in()
    return moderator


def make_cast(stack: RunningStack, http: httpx.Client) -> dict[str, Person]:
    """Make one of each kind of people; returns when the tokens of those who are out are refused."""
    admin = make_admin(stack, http)
    cast = {"anonymous": Person(http, ""), "admin": admin, "moderator": make_moderator(admin)}
    cast |= {name: Person(http, name) for name in ("author", "other", "banned", "deleted")}
    admin.do("PUT", f"/users/{cast['banned'].user_id}/ban", {"reason": "Advertising"})
    cast["deleted"].do("DELETE", "/users/me", {"password": PASSWORD})
    for name in ("banned", "deleted"):
        wait_until(lambda name=name: cast[name].ask("GET", "/users/me").status_code == 401)  # type: ignore[misc]
    return cast


class Scene:
    """Things of the author, each made when it is first asked for.

    Args:
        cast: From `make_cast`.
        hidden: A category that only moderators may read.
        closed: A category that only moderators may write in.
    """

    def __init__(self, cast: dict[str, Person], *, hidden: int, closed: int) -> None:
        self._author = cast["author"]
        self._other = cast["other"]
        self._moderator = cast["moderator"]
        self._admin = cast["admin"]
        self._hidden = hidden
        self._closed = closed

    def fill(self, body: Any) -> Any:
        """Return a body with its `$names` replaced by what they stand for."""
        if isinstance(body, dict):
            return {key: self.fill(value) for key, value in body.items()}
        if isinstance(body, list):
            return [self.fill(value) for value in body]
        return getattr(self, body[1:]) if isinstance(body, str) and body.startswith("$") else body

    @property
    def text(self) -> str:
        return f"Text {uuid.uuid4().hex}"

    @property
    def word(self) -> str:
        return f"w{uuid.uuid4().hex}"

    @property
    def address(self) -> str:
        return ADDRESS

    @property
    def user(self) -> int:
        return self._author.user_id

    @cached_property
    def post(self) -> int:
        return self._author.write()

    @cached_property
    def second_post(self) -> int:
        return self._author.write()

    @cached_property
    def reply(self) -> int:
        return int(self._author.reply(self.post)["id"])

    @cached_property
    def edited_post(self) -> int:
        self._author.do("PATCH", f"/posts/{self.post}", {"content": self.text})
        return self.post

    @cached_property
    def edited_reply(self) -> int:
        self._author.do("PATCH", f"/replies/{self.reply}", {"content": self.text})
        return self.reply

    @cached_property
    def draft(self) -> int:
        return int(self._author.do("POST", "/drafts", {"title": self.text})["id"])

    @cached_property
    def category(self) -> int:
        return int(self._admin.do("POST", "/categories", {"name": self.text, "slug": self.word})["id"])

    @cached_property
    def tag(self) -> int:
        name = self.word
        self._author.write(tags=[name])
        return int(self._admin.get(f"/tags?prefix={name}")["tags"][0]["id"])

    @cached_property
    def word_filter(self) -> int:
        body = {"phrase": self.word, "action": "hold"}
        return int(self._admin.do("POST", "/moderation/word-filters", body)["id"])

    @cached_property
    def case(self) -> int:
        self._other.do("POST", f"/posts/{self.post}/reports", {"reason": "spam"})
        path = "/moderation/cases?page_size=100"
        page = self._admin.get(path)
        while not (found := [case["id"] for case in page["cases"] if case["post_id"] == self.post]):
            page = self._admin.get(f"{path}&page_token={page['next_page_token']}")
        return int(found[0])

    @cached_property
    def webhook(self) -> int:
        body = {"url": ADDRESS, "events": ["post.created"]}
        return int(self._admin.do("POST", "/webhooks", body)["id"])

    @cached_property
    def delivery(self) -> int:
        path = f"/webhooks/{self.webhook}/deliveries"
        self._author.write()
        deliveries = wait_until(lambda: self._admin.get(path)["deliveries"])
        return int(deliveries[0]["id"])

    def hide(self) -> None:
        """Put what there is where only moderators may read."""
        if "category" in self.__dict__:
            self._admin.do("PATCH", f"/categories/{self.category}", {"read_role": "moderator"})
        for name in ("post", "second_post"):
            if name in self.__dict__:
                path = f"/posts/{getattr(self, name)}/category"
                self._moderator.do("PUT", path, {"category_id": self._hidden})

    def close(self) -> None:
        """Put the post where only moderators may write."""
        self._moderator.do("PUT", f"/posts/{self.post}/category", {"category_id": self._closed})

    def delete(self) -> None:
        """Have the author delete the post."""
        self._author.do("DELETE", f"/posts/{self.post}")

    def lock(self) -> None:
        """Have a moderator lock the post."""
        self._moderator.do("PUT", f"/posts/{self.post}/lock")

    def state(self) -> dict[tuple[str, str], Any]:
        """Return what all of this looks like now."""
        made = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        state = {}
        for name, path in LOOKS:
            if name in made:
                reader = self._author if name == "draft" else self._admin
                state[name, path] = reader.get(path.format(made[name]))
        return state
