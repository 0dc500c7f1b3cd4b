"""Threads for what takes a core for long: the event loop goes on meanwhile, and what waits is bounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from plaza_kit.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs functions, a few at a time.

    Args:
        workers: Threads.
        queue_limit: Calls that may wait for one; further ones are refused.
    """

    def __init__(self, *, workers: int, queue_limit: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="text")
        self._capacity = workers + queue_limit
        self._pending = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns.

        Raises:
            Unavailable: Too many are waiting (UNAVAILABLE, with `retry_after`).
        """
        if self._pending >= self._capacity:
            raise Unavailable("too many long texts are waiting", retry_after=1.0)
        self._pending += 1
        future = self._pool.submit(work, *args, **kwargs)
        # A cancelled request leaves its work running: the place is free only when the thread is.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Stop the threads; what is under way finishes, what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _release(self) -> None:
        self._pending -= 1
