"""Long work beside the event loop: bounded, and its place is free only when its thread is."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from forum.threads import Threads
from plaza_kit.errors import Unavailable
from plaza_kit.testing.polling import eventually


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(workers=1, queue_limit=1)
    yield threads
    threads.close()


async def test_work_runs_in_another_thread(threads: Threads) -> None:
    assert await threads.run(threading.get_ident) != threading.get_ident()
    assert await threads.run(max, 1, 2) == 2


async def test_errors_are_those_of_the_work(threads: Threads) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await threads.run(int, "x")
    assert await threads.run(int, "1") == 1


async def test_more_than_may_wait_is_refused_until_a_thread_is_free(threads: Threads) -> None:
    gate = threading.Event()
    running = asyncio.ensure_future(threads.run(gate.wait))
    waiting = asyncio.ensure_future(threads.run(gate.wait))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await threads.run(int)
    assert caught.value.retry_after == 1.0

    running.cancel()  # whoever asked is gone; the thread is not
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(Unavailable):
        await threads.run(int)

    gate.set()
    assert await waiting is True

    async def is_free() -> bool:
        try:
            return await threads.run(int) == 0
        except Unavailable:
            return False

    assert await eventually(is_free)
