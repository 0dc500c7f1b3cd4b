"""Identifiers that sort by time."""

import os
import time
from uuid import UUID

_RANDOM = ~(0xF << 76 | 0x3 << 62)
_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62


def uuid7() -> UUID:
    """Return a UUID of version 7 (RFC 9562): 48 bits of UNIX milliseconds, the rest random."""
    return UUID(int=_uuid7())


def uuid7_hex() -> str:
    """Return the 32 hexadecimal digits of a UUID of version 7, for half the price of the object."""
    return f"{_uuid7():032x}"


def _uuid7() -> int:
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    return value & _RANDOM | _VERSION_AND_VARIANT
