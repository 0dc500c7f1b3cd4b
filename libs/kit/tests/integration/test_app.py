import asyncio
import os
import signal

from plaza_kit.app import run_parts


async def test_a_signal_ends_all_parts_in_order() -> None:
    ended: list[str] = []

    async def waits(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.append("waits")

    async def signals(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        ended.append("signals")

    assert await asyncio.wait_for(run_parts(waits, signals), 5) == 0
    assert sorted(ended) == ["signals", "waits"]


async def test_a_failed_part_ends_the_process_with_1() -> None:
    ended: list[str] = []

    async def waits(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.append("waits")

    async def fails(stop: asyncio.Event) -> None:
        raise LookupError

    assert await asyncio.wait_for(run_parts(waits, fails), 5) == 1
    assert ended == ["waits"]
