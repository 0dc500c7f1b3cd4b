"""The end of event streams, as a process follows them that keeps nothing: no group, no position that outlives it."""

from collections.abc import Sequence
from typing import Any

import structlog
from google.protobuf.message import DecodeError
from redis.asyncio import Redis

from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.event_stream import FIELD

log = structlog.get_logger()

BLOCK_SECONDS = 0.25
"""Short, so that a Redis that hangs is noticed well within the second that news may take."""
_BATCH = 500


class Tail:
    """What is new on some streams.

    Args:
        redis: The event bus; its socket timeout must exceed `BLOCK_SECONDS`.
        streams: Their names.
    """

    def __init__(self, redis: "Redis", streams: Sequence[str]) -> None:
        self._redis = redis
        self._streams = streams
        self._positions: dict[str, str] = {}

    async def start(self) -> None:
        """Go to the end of each stream: what is added from now on is read.

        Raises:
            RedisError: The bus is away.
        """
        for stream in self._streams:
            last: Any = await self._redis.xrevrange(stream, count=1)
            self._positions[stream] = last[0][0].decode() if last else "0-0"

    async def read(self) -> list[Envelope]:
        """Wait a moment for something new and return it, each stream's in its order; what cannot be read is left out.

        Raises:
            RedisError: The bus is away.
        """
        block = int(BLOCK_SECONDS * 1000)
        answer: Any = await self._redis.xread(dict(self._positions), count=_BATCH, block=block)  # type: ignore[arg-type]  # the stub's dict is invariant
        envelopes = []
        for stream, entries in answer or ():
            for entry_id, fields in entries:
                self._positions[stream.decode()] = entry_id.decode()
                try:
                    envelopes.append(Envelope.FromString(fields.get(FIELD, b"")))
                except DecodeError:
                    log.error("events.unreadable", stream=stream.decode())
        return envelopes
