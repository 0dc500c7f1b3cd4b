"""Wait for a condition instead of sleeping for a guess."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


class NeverTrueError(AssertionError):
    """The condition did not come true before the deadline."""


@overload
async def eventually(predicate: Callable[[], Awaitable[T]], timeout: float = ..., *, interval: float = ...) -> T: ...
@overload
async def eventually(predicate: Callable[[], T], timeout: float = ..., *, interval: float = ...) -> T: ...
async def eventually(
    predicate: Callable[[], T | Awaitable[T]],
    timeout: float = 5.0,
    *,
    interval: float = 0.02,
) -> T:
    """Call `predicate` until it answers with something true, and return that.

    A failing `assert` inside the predicate counts as "not yet"; any other exception is passed on at once.

    Args:
        predicate: A function without arguments, plain or async.
        timeout: Seconds after which to give up; also cuts off an async predicate that hangs.
        interval: Seconds between two calls.

    Raises:
        NeverTrueError: The deadline passed; names the last answer, and the last failed `assert` is its cause.
    """
    deadline = time.monotonic() + timeout
    answer: object = "no answer"
    failure: AssertionError | None = None
    while True:
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(deadline - time.monotonic(), 0.001)):
                value = predicate()
                result: T = await value if inspect.isawaitable(value) else value
            if result:
                return result
            answer, failure = result, None
        except AssertionError as error:
            answer, failure = error, error
        except TimeoutError:
            if time.monotonic() < deadline:
                raise
        if time.monotonic() >= deadline:
            raise NeverTrueError(f"not true within {timeout:g} s; last answer: {answer!r}") from failure
        await asyncio.sleep(interval)


def wait_until(predicate: Callable[[], T], timeout: float = 5.0, *, interval: float = 0.02) -> T:
    """Do what `eventually` does where no event loop runs, as in fixtures of a whole session.

    Raises:
        NeverTrueError: The deadline passed.
    """
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() >= deadline:
            raise NeverTrueError(f"not true within {timeout:g} s; last answer: {value!r}")
        time.sleep(interval)
    return value
