"""Any one process may be killed while clients write: nothing acknowledged is lost, and all goes on by itself."""

import asyncio
import os
import signal
import uuid

import httpx
import pytest
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.polling import eventually

WRITERS = 4
PASSWORD = "password123"


class Writer:
    """A user who changes their profile over and over, and remembers what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=10)
        self.name = f"writer_{uuid.uuid4().hex[:8]}"
        self.acknowledged = ""
        self.unknown: set[str] = set()
        self.refusals: list[httpx.Response] = []
        self.count = 0

    async def sign_in(self) -> None:
        credentials = {"username": self.name, "password": PASSWORD}
        (await self.http.post("/users/register/", json=credentials)).raise_for_status()
        answer = (await self.http.post("/users/login/", json=credentials)).raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    async def write(self) -> None:
        self.count += 1
        value = f"{self.count}"
        try:
            answer = await self.http.post("/users/profile/update/", json={"first_name": value})
        except httpx.TransportError:  # the gateway itself was killed: the outcome is unknown
            self.unknown.add(value)
            return
        if answer.status_code == 200:
            self.acknowledged = value
            self.unknown.clear()
        else:
            self.unknown.add(value)
            self.refusals.append(answer)

    async def write_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.write()

    async def stored(self) -> str:
        answer = (await self.http.get("/users/profile/")).raise_for_status()
        return str(answer.json()["profile"]["first_name"])


@pytest.mark.parametrize("victim", ["auth", "gateway", "redis"])
async def test_a_killed_process_loses_no_acknowledged_write(own_stack: RunningStack, victim: str) -> None:
    writers = [Writer(own_stack.url) for _ in range(WRITERS)]
    for writer in writers:
        await writer.sign_in()
    stop = asyncio.Event()
    running = [asyncio.create_task(writer.write_until(stop)) for writer in writers]
    await eventually(lambda: all(writer.count > 5 for writer in writers), timeout=20)

    before = own_stack.pids()[victim]
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: own_stack.pids().get(victim) not in (None, before), timeout=30)

    resumed_at = [writer.acknowledged for writer in writers]
    await eventually(
        lambda: all(writer.acknowledged != was for writer, was in zip(writers, resumed_at, strict=True)), timeout=30
    )
    stop.set()
    await asyncio.gather(*running)

    for writer in writers:
        assert await writer.stored() in {writer.acknowledged, *writer.unknown}
        for refusal in writer.refusals:
            assert refusal.status_code in (503, 504), refusal.text
            assert refusal.headers["content-type"] == "application/problem+json"
            if refusal.status_code == 503:
                assert int(refusal.headers["retry-after"]) >= 1
        await writer.http.aclose()
    if victim == "auth":
        assert any(writer.refusals for writer in writers), "the kill was not felt, so nothing was tested"
    if victim == "redis":
        assert not any(writer.refusals for writer in writers), "writing does not need Redis"
