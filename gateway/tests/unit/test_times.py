from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.times import to_microseconds, to_milliseconds


@pytest.mark.parametrize(
    ("microsecond", "milliseconds", "microseconds"),
    [(0, "000", "000000"), (999999, "999", "999999"), (1000, "001", "001000"), (999, "000", "000999")],
)
def test_the_fraction_is_always_written_and_truncated(microsecond: int, milliseconds: str, microseconds: str) -> None:
    value = Timestamp()
    value.FromDatetime(datetime(2025, 7, 12, 13, 10, 33, microsecond, UTC))
    assert to_milliseconds(value) == f"2025-07-12T13:10:33.{milliseconds}Z"
    assert to_microseconds(value) == f"2025-07-12T13:10:33.{microseconds}+00:00"
