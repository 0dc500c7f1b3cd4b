"""What the forum's events mean for the cache of shared answers.

An entry lives a second at most (see `cache.py`), so an event that is missed costs no more than that.
"""

import asyncio
from collections.abc import Iterable

import structlog
from redis.exceptions import RedisError

from gateway.cache import Cache
from gateway.tail import Tail
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import forum_events_pb2 as pb

log = structlog.get_logger()

_PAUSE_SECONDS = 0.5
_GATHER_SECONDS = 0.005
"""When there is much news, it is taken in parts: a read of one event costs as much as one of ten."""
# These change what a post shows, but nothing that lists show of it.
_NOT_IN_LISTS = frozenset(kind.DESCRIPTOR.full_name for kind in (pb.ReactionChanged, pb.ReplyUpdated))
# These change what is shown of many posts at once.
_EVERYWHERE = frozenset(kind.DESCRIPTOR.full_name for kind in (pb.AuthorChanged, pb.CategoryChanged, pb.TagChanged))


def outdated_tags(envelope: Envelope) -> Iterable[str]:
    """Return the tags of the answers that an event outdates."""
    if envelope.type in _EVERYWHERE:
        return ("*",)
    if not envelope.subject.startswith("post:"):
        return ()
    return (envelope.subject,) if envelope.type in _NOT_IN_LISTS else (envelope.subject, "posts")


class Freshness:
    """Drops what events outdate.

    Args:
        cache: The answers.
        tail: The forum's streams.
    """

    def __init__(self, cache: Cache, tail: Tail) -> None:
        self._cache = cache
        self._tail = tail

    async def run(self) -> None:
        """Follow until cancelled; trouble with Redis is waited out."""
        is_away = False
        while True:
            try:
                await self._tail.start()
                self._cache.clear()
                is_away = False
                while True:
                    envelopes = await self._tail.read()
                    if envelopes:
                        self._take(envelopes)
                        await asyncio.sleep(_GATHER_SECONDS)
            except (RedisError, OSError) as error:
                if not is_away:
                    log.warning("cache.redis_away", detail=str(error))
                    is_away = True
                await asyncio.sleep(_PAUSE_SECONDS)

    def _take(self, envelopes: Iterable[Envelope]) -> None:
        tags = {tag for envelope in envelopes for tag in outdated_tags(envelope)}
        if tags:
            self._cache.invalidate(tags)
