"""Pages: their sizes, and moments as the numbers that page tokens hold."""

from datetime import UTC, datetime, timedelta

from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def page_size(requested: int, default: int, maximum: int) -> int:
    """Return how many items a page has: 0 asks for `default`; more than `maximum` is cut to it.

    Raises:
        InvalidArgument: The number is negative (INVALID_REQUEST).
    """
    if requested < 0:
        refuse([Violation("page_size", "OUT_OF_RANGE")])
    return min(requested or default, maximum)


def to_micros(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment that `to_micros` made a number of.

    Raises:
        OverflowError: No moment of the calendar has this number.
    """
    return _EPOCH + timedelta(microseconds=micros)
