"""Answers that many clients may share, kept in memory and dropped by event.

An entry lives for one second at most, counted from before its content was asked for: that bounds how stale an answer
can be, whatever else fails. Within that second events drop it at once, by tag: `posts` are all lists, `post:42` is all
that shows one post. What was asked for before an invalidation and comes back after it is handed out, but not kept.
Concurrent misses of one key ask once.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass

from gateway.metrics import CACHE_BYTES, CACHE_INVALIDATIONS, CACHE_LOOKUPS
from gateway.problems import Header

LIFETIME_SECONDS = 1.0
ENTRY_BYTES = 1024 * 1024
"""Larger answers are not kept."""
_OVERHEAD_BYTES = 1000
"""Counted per entry for its key, headers and bookkeeping."""


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """A finished answer of status 200.

    Attributes:
        body: Its bytes.
        headers: All that do not depend on the request.
        template: The route, as metrics and logs show it.
        head: The headers with the length, as they stand in a response.
        unmodified_head: The same for a client that has the answer already (304).
    """

    body: bytes
    headers: tuple[Header, ...]
    template: str
    head: bytes
    unmodified_head: bytes


class _Entry:
    __slots__ = ("answer", "expires", "size", "tags")

    def __init__(self, answer: SharedAnswer, tags: tuple[str, ...], expires: float) -> None:
        self.answer = answer
        self.tags = tags
        self.expires = expires
        self.size = len(answer.body) + _OVERHEAD_BYTES


class _Fetch:
    __slots__ = ("future", "is_outdated", "tags")

    def __init__(self, tags: tuple[str, ...]) -> None:
        self.tags = tags
        self.future: asyncio.Future[SharedAnswer] = asyncio.get_running_loop().create_future()
        self.is_outdated = False


class Cache:
    """Keeps answers by key, the least recently stored ones giving way.

    Args:
        limit_bytes: Of all entries together; 0 keeps nothing.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._by_tag: dict[str, set[Hashable]] = {}
        self._fetches: dict[Hashable, _Fetch] = {}
        self._hits = CACHE_LOOKUPS.labels("hit")
        self._misses = CACHE_LOOKUPS.labels("miss")
        self._joined = CACHE_LOOKUPS.labels("joined")

    def find(self, key: Hashable) -> SharedAnswer | None:
        """Return the answer of a key if it is here and young enough."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= time.monotonic():
            self._drop(key)
            return None
        self._hits.inc()
        return entry.answer

    async def fetch(
        self, key: Hashable, tags: tuple[str, ...], produce: Callable[[], Awaitable[SharedAnswer]]
    ) -> SharedAnswer:
        """Return the answer of a key, from here or from `produce`, which concurrent callers of one key share.

        Raises:
            Exception: Whatever `produce` raises; everybody who waits for it gets it.
        """
        while True:
            found = self.find(key)
            if found is not None:
                return found
            running = self._fetches.get(key)
            if running is None or running.is_outdated:
                return await self._produce(key, tags, produce)
            self._joined.inc()
            try:
                return await asyncio.shield(running.future)
            except asyncio.CancelledError:
                if not running.future.cancelled():
                    raise  # it is we who are cancelled, not the one who asked

    def invalidate(self, tags: Iterable[str]) -> None:
        """Drop everything with one of the tags, and do not keep what is being fetched for them; `*` is every tag."""
        wanted = set(tags)
        if "*" in wanted:
            self.clear()
            return
        CACHE_INVALIDATIONS.inc()
        for tag in wanted:
            for key in self._by_tag.pop(tag, ()):
                self._drop(key)
        for fetch in self._fetches.values():
            if not wanted.isdisjoint(fetch.tags):
                fetch.is_outdated = True

    def clear(self) -> None:
        """Drop everything."""
        CACHE_INVALIDATIONS.inc()
        self._entries.clear()
        self._by_tag.clear()
        self._size = 0
        CACHE_BYTES.set(0)
        for fetch in self._fetches.values():
            fetch.is_outdated = True

    async def _produce(
        self, key: Hashable, tags: tuple[str, ...], produce: Callable[[], Awaitable[SharedAnswer]]
    ) -> SharedAnswer:
        self._misses.inc()
        fetch = self._fetches[key] = _Fetch(tags)
        expires = time.monotonic() + LIFETIME_SECONDS
        try:
            answer = await produce()
        except asyncio.CancelledError:
            fetch.future.cancel()
            raise
        except Exception as error:
            fetch.future.set_exception(error)
            fetch.future.exception()  # perhaps nobody waits for it
            raise
        else:
            fetch.future.set_result(answer)
        finally:
            if self._fetches.get(key) is fetch:
                del self._fetches[key]
        if not fetch.is_outdated:
            self._keep(key, _Entry(answer, tags, expires))
        return answer

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        if len(entry.answer.body) > ENTRY_BYTES or entry.size > self._limit_bytes:
            return
        self._drop(key)
        self._entries[key] = entry
        self._size += entry.size
        for tag in entry.tags:
            self._by_tag.setdefault(tag, set()).add(key)
        while self._size > self._limit_bytes:
            self._drop(next(iter(self._entries)))
        CACHE_BYTES.set(self._size)

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._size -= entry.size
        for tag in entry.tags:
            keys = self._by_tag.get(tag)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._by_tag[tag]
