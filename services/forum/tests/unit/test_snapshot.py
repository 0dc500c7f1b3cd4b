"""Values in memory: how old they may be, and what a change does to them."""

import asyncio

import pytest

from forum.snapshot import Snapshot


class Source:
    """Counts its loads, each of which waits until it is let through."""

    def __init__(self) -> None:
        self.load_count = 0
        self.now = 100.0
        self.loading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> int:
        self.load_count += 1
        self.loading.set()
        value = self.load_count
        await self.gate.wait()
        return value

    def snapshot(self) -> Snapshot[int]:
        return Snapshot(self.load, now=lambda: self.now)


async def test_a_value_is_kept_for_less_than_a_second() -> None:
    source = Source()
    snapshot = source.snapshot()
    seen = [await snapshot.current(), await snapshot.current()]
    source.now += 0.89
    seen.append(await snapshot.current())
    source.now += 0.02
    seen.append(await snapshot.current())

    assert seen == [1, 1, 1, 2]


async def test_all_who_ask_at_once_share_one_load() -> None:
    source = Source()
    snapshot = source.snapshot()
    source.gate.clear()
    asking = [asyncio.create_task(snapshot.current()) for _ in range(20)]
    await source.loading.wait()
    source.now += 60.0  # a slow load: what it found is new enough for those who waited for it
    source.gate.set()

    assert await asyncio.gather(*asking) == [1] * 20


async def test_a_load_that_a_change_overtook_is_not_believed() -> None:
    source = Source()
    snapshot = source.snapshot()
    source.gate.clear()
    asking = asyncio.create_task(snapshot.current())
    await source.loading.wait()
    snapshot.drop()
    source.gate.set()

    assert await asking == 2
    assert await snapshot.current() == 2


async def test_a_failed_load_is_the_askers_and_is_tried_again() -> None:
    source = Source()
    answers = iter([ConnectionError("away")])

    async def load() -> int:
        for error in answers:
            raise error
        return await source.load()

    snapshot = Snapshot(load)
    with pytest.raises(ConnectionError):
        await snapshot.current()

    assert await snapshot.current() == 1
