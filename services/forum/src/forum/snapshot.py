"""Small things that are asked for all the time, kept in memory for less than a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LIFETIME_SECONDS = 0.9
"""What another process changes counts here within a second: this, and the time that an answer takes."""


class Snapshot(Generic[T]):
    """A value that is loaded anew when it is too old; one load at a time, whoever asks waits for it.

    Args:
        load: Reads the value.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, load: Callable[[], Awaitable[T]], *, now: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._now = now
        self._lock = asyncio.Lock()
        self._kept: tuple[T, float] | None = None
        self._drop_count = 0

    async def current(self) -> T:
        """Return the value, read no longer than `LIFETIME_SECONDS` ago."""
        asked = self._now()
        if self._kept is not None and asked - self._kept[1] < LIFETIME_SECONDS:
            return self._kept[0]
        async with self._lock:
            # Compared with the moment of asking: those who waited for a slow load take its result.
            if self._kept is not None and asked - self._kept[1] < LIFETIME_SECONDS:
                return self._kept[0]
            return await self._loaded()

    def drop(self) -> None:
        """Forget the value, because this process has just committed a change of it."""
        self._kept = None
        self._drop_count += 1

    async def _loaded(self) -> T:
        while True:
            drop_count, started = self._drop_count, self._now()
            value = await self._load()
            if drop_count == self._drop_count:  # else it may have been read before the change
                self._kept = (value, started)
                return value
