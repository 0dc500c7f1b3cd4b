"""Pauses of background tasks that end at once when the process stops."""

import asyncio


async def is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop` for at most so many seconds; return whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
