"""The forms of time on the wire (contract, 2.5)."""

from datetime import UTC, datetime
from functools import lru_cache

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


def to_milliseconds(value: Timestamp) -> str:
    """Return T-ms: UTC, three digits, truncated: `2025-07-12T13:10:33.123Z`."""
    return f"{_second(value.seconds)}.{value.nanos // 1_000_000:03d}Z"


def to_microseconds(value: Timestamp) -> str:
    """Return T-us: UTC, six digits, offset in full: `2025-07-12T13:10:33.123456+00:00`."""
    return f"{_second(value.seconds)}.{value.nanos // 1000:06d}+00:00"


def milliseconds_or_none(message: Message, field: str) -> str | None:
    """Return T-ms of a timestamp field, None if it is unset."""
    return to_milliseconds(getattr(message, field)) if message.HasField(field) else None


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
