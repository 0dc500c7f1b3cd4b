"""The cache of shared answers: how long, by which tags, and how often it asks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway import cache as module
from gateway.cache import ENTRY_BYTES, Cache, SharedAnswer

TAGS = ("posts", "post:1")


def answer(text: str = "x") -> SharedAnswer:
    return SharedAnswer(text.encode(), (), "/", b"", b"")


class Source:
    """What is asked; each answer counts up, and waits until it is let go when it is held."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> SharedAnswer:
        self.asked += 1
        mine = answer(str(self.asked))
        await self.gate.wait()
        return mine


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache() -> Cache:
    return Cache(10 * 1024 * 1024)


async def test_second_request_is_answered_from_memory(cache: Cache, source: Source) -> None:
    first = await cache.fetch("k", TAGS, source)
    assert await cache.fetch("k", TAGS, source) is first
    assert cache.find("k") is first
    assert source.asked == 1


async def test_entry_ends_after_its_lifetime(cache: Cache, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("gateway.cache.time.monotonic", lambda: now)
    await cache.fetch("k", TAGS, source)
    now += module.LIFETIME_SECONDS - 0.01
    assert cache.find("k") is not None
    now += 0.01
    assert cache.find("k") is None
    await cache.fetch("k", TAGS, source)
    assert source.asked == 2


async def test_lifetime_counts_from_before_the_question(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("gateway.cache.time.monotonic", lambda: now)

    async def slow() -> SharedAnswer:
        nonlocal now
        now += 5
        return answer()

    await cache.fetch("k", TAGS, slow)
    assert cache.find("k") is None


@pytest.mark.parametrize(
    ("tags", "is_left"), [(["post:1"], False), (["posts"], False), (["post:2"], True), (["*"], False)]
)
async def test_invalidation_drops_by_tag(cache: Cache, source: Source, tags: list[str], is_left: bool) -> None:
    await cache.fetch("k", TAGS, source)
    cache.invalidate(tags)
    assert (cache.find("k") is not None) is is_left


async def test_concurrent_misses_ask_once(cache: Cache, source: Source) -> None:
    source.gate.clear()
    waiting = [asyncio.create_task(cache.fetch("k", TAGS, source)) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()
    assert {found.body for found in await asyncio.gather(*waiting)} == {b"1"}
    assert source.asked == 1


@pytest.mark.parametrize("invalidate", [lambda cache: cache.invalidate(["posts"]), lambda cache: cache.clear()])
async def test_what_was_fetched_across_an_invalidation_is_not_kept(
    cache: Cache, source: Source, invalidate: Callable[[Cache], None]
) -> None:
    source.gate.clear()
    old = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    invalidate(cache)
    new = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await old).body == b"1"
    assert (await new).body == b"2", "who asks after the invalidation does not get what was asked for before it"
    found = cache.find("k")
    assert found is not None
    assert found.body == b"2"


async def test_failure_reaches_all_who_wait_and_is_not_kept(cache: Cache) -> None:
    gate = asyncio.Event()

    async def fail() -> SharedAnswer:
        await gate.wait()
        raise LookupError

    waiting = [asyncio.create_task(cache.fetch("k", TAGS, fail)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert cache.find("k") is None


async def test_who_waits_for_one_that_is_cancelled_asks_again(cache: Cache, source: Source) -> None:
    source.gate.clear()
    first = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert (await second).body == b"2"
    assert first.cancelled()


async def test_who_is_cancelled_while_waiting_disturbs_nobody(cache: Cache, source: Source) -> None:
    source.gate.clear()
    first = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.fetch("k", TAGS, source))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    source.gate.set()
    assert (await first).body == b"1"


async def test_size_is_bounded_and_the_oldest_gives_way(source: Source) -> None:
    cache = Cache(10_000)

    def of_size(size: int) -> Callable[[], Awaitable[SharedAnswer]]:
        async def produce() -> SharedAnswer:
            return answer("x" * size)

        return produce

    for key in range(5):
        await cache.fetch(key, TAGS, of_size(2000))
    assert [key for key in range(5) if cache.find(key)] == [2, 3, 4]
    await cache.fetch("large", TAGS, of_size(20_000))
    assert cache.find("large") is None
    roomy = Cache(10 * ENTRY_BYTES)
    await roomy.fetch("larger than an entry may be", TAGS, of_size(ENTRY_BYTES + 1))
    assert roomy.find("larger than an entry may be") is None


async def test_without_room_nothing_is_kept(source: Source) -> None:
    cache = Cache(0)
    await cache.fetch("k", TAGS, source)
    assert cache.find("k") is None
