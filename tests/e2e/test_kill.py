"""Any one process may be killed while clients write: nothing acknowledged is lost, nothing happens twice, and all goes on.

Each write makes an account or a post of its own under an `Idempotency-Key` of its own, so that a lost write cannot hide
behind a later one. A write that was refused, or whose outcome is unknown, is sent again with its key until it succeeds.
"""

import asyncio
import os
import signal
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import ROOMY, StartStack
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.polling import eventually
from plaza_kit.testing.stack import MissingServerError, start_mariadb

WRITERS = 4
PASSWORD = "password123"


class Writer(ABC):
    """A client that makes one thing after the other, and remembers which were acknowledged."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=10)
        self.acknowledged: dict[str, int] = {}
        self.refusals: list[httpx.Response] = []

    @abstractmethod
    async def prepare(self) -> None:
        """Do what comes before the first write."""

    @abstractmethod
    async def send(self, name: str, headers: dict[str, str]) -> httpx.Response:
        """Ask to make the thing of this name; the answer has its id."""

    @abstractmethod
    async def check(self) -> None:
        """Check that everything acknowledged is there, once."""

    async def write(self, name: str) -> bool:
        """Make the thing of this name; returns whether it is acknowledged."""
        try:
            answer = await self.send(name, {"Idempotency-Key": f"key-{name}"})
        except httpx.TransportError:  # the gateway itself was killed
            return False
        if answer.status_code != 200:
            self.refusals.append(answer)
            return False
        (self.acknowledged[name],) = (value for key, value in answer.json().items() if key in ("id", "user_id"))
        return True

    async def write_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            name = f"writer_{uuid.uuid4().hex[:12]}"
            await eventually(lambda name=name: self.write(name), timeout=30)  # type: ignore[misc]  # a bound default


class AccountWriter(Writer):
    """Makes accounts."""

    async def prepare(self) -> None:
        """Whoever makes an account is nobody yet."""

    async def send(self, name: str, headers: dict[str, str]) -> httpx.Response:
        body = {"username": name, "password": PASSWORD}
        return await self.http.post("/users/register/", json=body, headers=headers)

    async def check(self) -> None:
        for name, user_id in self.acknowledged.items():
            answer = await self.http.get(f"/users/{user_id}")
            assert (answer.status_code, answer.json()["username"]) == (200, name)


class PostWriter(Writer):
    """Makes posts, and has a follower who is to hear of each."""

    async def prepare(self) -> None:
        self.author_id = await self._sign_in(self.http)
        self.follower = httpx.AsyncClient(base_url=self.http.base_url, timeout=10)
        await self._sign_in(self.follower)
        await eventually(self._follow)

    async def _sign_in(self, http: httpx.AsyncClient) -> int:
        credentials = {"username": f"user_{uuid.uuid4().hex[:12]}", "password": PASSWORD}
        answer = await http.post("/users/register/", json=credentials)
        token = (await http.post("/users/login/", json=credentials)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        return int(answer.json()["user_id"])

    async def _follow(self) -> bool:
        """Follow the author, as soon as the forum has heard of them."""
        return (await self.follower.put(f"/users/{self.author_id}/follow")).is_success

    async def send(self, name: str, headers: dict[str, str]) -> httpx.Response:
        return await self.http.post("/posts", json={"title": name, "content": name}, headers=headers)

    async def check(self) -> None:
        written = await pages(self.http, f"/posts?author_id={self.author_id}", "posts")
        assert sorted((post["title"], post["id"]) for post in written) == sorted(self.acknowledged.items())
        await eventually(self._is_everything_heard_of, timeout=30, interval=0.5)
        await self.follower.aclose()

    async def _is_everything_heard_of(self) -> bool:
        told = await pages(self.follower, "/notifications?", "notifications")
        assert {found["count"] for found in told} == {1}, "nothing comes twice"
        return sorted(found["post_id"] for found in told) == sorted(self.acknowledged.values())


async def pages(http: httpx.AsyncClient, path: str, name: str) -> list[dict[str, Any]]:
    """Return all of a list."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = (await http.get(f"{path}&page_size=100&page_token={token}")).raise_for_status().json()
        found += page[name]
        token = page["next_page_token"]
        if not token:
            return found


@asynccontextmanager
async def writing(url: str, kind: type[Writer] = AccountWriter) -> AsyncIterator[list[Writer]]:
    """Let clients write while something happens; they must come through, and everything must be there once."""
    writers: list[Writer] = [kind(url) for _ in range(WRITERS)]
    for writer in writers:
        await writer.prepare()
    stop = asyncio.Event()
    running = [asyncio.create_task(writer.write_until(stop)) for writer in writers]
    await eventually(lambda: all(len(writer.acknowledged) > 5 for writer in writers), timeout=20)
    yield writers
    before = [len(writer.acknowledged) for writer in writers]
    await eventually(
        lambda: all(len(writer.acknowledged) > count for writer, count in zip(writers, before, strict=True)), timeout=30
    )
    stop.set()
    await asyncio.gather(*running)

    for writer in writers:
        for refusal in writer.refusals:
            check_refusal(refusal)
        await writer.check()
        await writer.http.aclose()
    ids = [made_id for writer in writers for made_id in writer.acknowledged.values()]
    assert len(set(ids)) == len(ids)


def check_refusal(refusal: httpx.Response) -> None:
    """Check that a client was told in words that it may come back."""
    assert refusal.status_code in (503, 504), refusal.text
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json()["code"] in ("UNAVAILABLE", "TIMEOUT")
    if refusal.status_code == 503:
        assert int(refusal.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("victim", "kind"),
    [
        ("auth", AccountWriter),
        ("gateway", AccountWriter),
        ("redis", AccountWriter),
        ("forum", PostWriter),
        ("forum-consume", PostWriter),
        ("redis", PostWriter),
    ],
)
async def test_a_killed_process_loses_no_acknowledged_write(
    start_stack: StartStack, victim: str, kind: type[Writer]
) -> None:
    stack = start_stack(**ROOMY)
    async with writing(stack.url, kind) as writers:
        before = stack.pids()[victim]
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: stack.pids().get(victim) not in (None, before), timeout=30)
    refusals = [refusal for writer in writers for refusal in writer.refusals]
    if victim in ("auth", "forum"):
        assert refusals, "the kill was not felt, so nothing was tested"
    if victim in ("redis", "forum-consume"):
        assert not refusals, "writing does not need it"


async def test_a_killed_database_loses_no_acknowledged_write(start_stack: StartStack, stack_folder: Path) -> None:
    try:
        mariadb = start_mariadb(stack_folder / "durable", is_durable=True)
    except MissingServerError as missing:
        leave_out(missing)
    try:
        stack: RunningStack = start_stack(DATABASE=mariadb.url, **ROOMY)
        async with writing(stack.url) as writers:
            mariadb.kill()
            await eventually(lambda: all(writer.refusals for writer in writers), timeout=20)
            mariadb.start_again()
        assert stack.stop() == 0
    finally:
        mariadb.stop()
