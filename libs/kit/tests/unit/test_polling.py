import asyncio

import pytest

from plaza_kit.testing.polling import NeverTrueError, eventually


async def test_the_first_true_answer_is_returned() -> None:
    answers = iter([0, "", None, "ready"])
    assert await eventually(lambda: next(answers), interval=0) == "ready"


async def test_an_async_predicate_is_awaited() -> None:
    calls = 0

    async def third_time() -> bool:
        nonlocal calls
        calls += 1
        return calls == 3

    assert await eventually(third_time, interval=0)
    assert calls == 3


async def test_a_failing_assert_counts_as_not_yet() -> None:
    values = iter([1, 2, 3])

    def is_three() -> bool:
        assert next(values) == 3
        return True

    assert await eventually(is_three, interval=0)


async def test_the_deadline_names_the_last_answer() -> None:
    with pytest.raises(NeverTrueError, match=r"within 0\.02 s; last answer: 0"):
        await eventually(lambda: 0, timeout=0.02, interval=0.001)


async def test_the_deadline_carries_the_last_failed_assert() -> None:
    def never() -> bool:
        raise AssertionError("still two")

    with pytest.raises(NeverTrueError, match="still two") as caught:
        await eventually(never, timeout=0.02, interval=0.001)
    assert isinstance(caught.value.__cause__, AssertionError)


async def test_a_predicate_that_hangs_is_cut_off() -> None:
    with pytest.raises(NeverTrueError):
        await eventually(asyncio.Event().wait, timeout=0.02)


async def test_another_exception_is_passed_on_at_once() -> None:
    def broken() -> bool:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await eventually(broken)
