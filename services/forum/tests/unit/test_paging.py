"""Sizes of pages, and moments in page tokens."""

from datetime import UTC, datetime

import pytest

from forum.paging import from_micros, page_size, to_micros
from plaza_kit.errors import InvalidArgument, Violation


@pytest.mark.parametrize(("requested", "expected"), [(0, 20), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_a_page_has_the_default_size_or_the_one_asked_for_up_to_the_largest(requested: int, expected: int) -> None:
    assert page_size(requested, 20, 100) == expected


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        page_size(-1, 20, 100)

    assert caught.value.violations == [Violation("page_size", "OUT_OF_RANGE")]


@pytest.mark.parametrize(
    "moment",
    [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 11, 24, 1, 2, 3, 999_999, UTC), datetime.max.replace(tzinfo=UTC)],
)
def test_a_moment_is_the_same_after_its_way_through_a_token(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment
