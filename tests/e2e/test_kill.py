"""Any one process may be killed while clients write: nothing acknowledged is lost, nothing happens twice, and all goes on.

Each write makes an account of its own under an `Idempotency-Key` of its own, so that a lost write cannot hide behind a
later one. A write that was refused, or whose outcome is unknown, is sent again with its key until it succeeds.
"""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.e2e.conftest import ROOMY, StartStack
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.polling import eventually
from plaza_kit.testing.stack import MissingServerError, start_mariadb

WRITERS = 4


class Writer:
    """A client that makes accounts, one after the other, and remembers which were acknowledged."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=10)
        self.acknowledged: dict[str, int] = {}
        self.refusals: list[httpx.Response] = []

    async def write(self, name: str) -> bool:
        """Make the account of this name; returns whether it is acknowledged."""
        body = {"username": name, "password": "password123"}
        try:
            answer = await self.http.post("/users/register/", json=body, headers={"Idempotency-Key": f"key-{name}"})
        except httpx.TransportError:  # the gateway itself was killed
            return False
        if answer.status_code != 200:
            self.refusals.append(answer)
            return False
        self.acknowledged[name] = answer.json()["user_id"]
        return True

    async def write_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            name = f"writer_{uuid.uuid4().hex[:12]}"
            await eventually(lambda name=name: self.write(name), timeout=30)  # type: ignore[misc]  # a bound default


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[list[Writer]]:
    """Let clients write while something happens; they must come through, and every account must be there once."""
    writers = [Writer(url) for _ in range(WRITERS)]
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
        for name, user_id in writer.acknowledged.items():
            answer = await writer.http.get(f"/users/{user_id}")
            assert (answer.status_code, answer.json()["username"]) == (200, name)
        await writer.http.aclose()
    ids = [user_id for writer in writers for user_id in writer.acknowledged.values()]
    assert len(set(ids)) == len(ids)


def check_refusal(refusal: httpx.Response) -> None:
    """Check that a client was told in words that it may come back."""
    assert refusal.status_code in (503, 504), refusal.text
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json()["code"] in ("UNAVAILABLE", "TIMEOUT")
    if refusal.status_code == 503:
        assert int(refusal.headers["retry-after"]) >= 1


@pytest.mark.parametrize("victim", ["auth", "gateway", "redis"])
async def test_a_killed_process_loses_no_acknowledged_write(start_stack: StartStack, victim: str) -> None:
    stack = start_stack(**ROOMY)
    async with writing(stack.url) as writers:
        before = stack.pids()[victim]
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: stack.pids().get(victim) not in (None, before), timeout=30)
    refusals = [refusal for writer in writers for refusal in writer.refusals]
    if victim == "auth":
        assert refusals, "the kill was not felt, so nothing was tested"
    if victim == "redis":
        assert not refusals, "writing does not need Redis"


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
