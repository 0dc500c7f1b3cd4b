"""Running a process: its long-lived parts side by side, until a signal or until one of them fails."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop

log = structlog.get_logger()

Part = Callable[[asyncio.Event], Awaitable[None]]
"""Something that runs until the event is set, then ends in order."""


_COLLECT_EVERY = 20_000
"""Net allocations between two looks for garbage; Python's 700 has a busy server looking all the time."""


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run an asynchronous main function on uvloop and return its exit code.

    What is loaded by now lives as long as the process: the garbage collector need not look at it again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 50, 100)
    return uvloop.run(_awaited(main))


async def _awaited(main: Callable[[], Awaitable[int]]) -> int:
    return await main()


async def run_parts(*parts: Part) -> int:
    """Run all parts until SIGTERM or SIGINT, or until one fails; then end all of them.

    Returns:
        0 after a signal, 1 after a failure (which is logged).
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(_watched(part, stop)) for part in parts]
    outcomes = await asyncio.gather(*tasks)
    return 0 if all(outcomes) else 1


async def _watched(part: Part, stop: asyncio.Event) -> bool:
    """Run a part; its failure, or its end before the signal, stops the process."""
    try:
        await part(stop)
    except Exception as error:
        log.error("process.part_failed", exc_info=error)
        return False
    else:
        return True
    finally:
        stop.set()
