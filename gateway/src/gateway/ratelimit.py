"""Rate limits, counted in Redis for all gateways together.

The rule is GCRA (ATM Forum TM 4.0, section 4.4.2): of a limit of `n` per window, `n` requests may come at once, and one
more each `window / n` seconds. A request takes its permit by one script call; where the limit is large, permits are
taken in batches of a thirtieth of the limit and handed out from memory, so that reads do not pay a round trip each.
Permits that were fetched count as used for everybody, so several gateways never let more through than one.

A Redis that does not answer within the deadline lets requests through (and is left alone for a second): limits protect
the service from its users, they must not take it away from them.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.metrics import RATE_LIMIT_OPEN, RATE_LIMITED
from gateway.problems import Problem
from gateway.routing import Rate

log = structlog.get_logger()

WINDOW_SECONDS = 60.0
BATCHES = 30
REMEMBERED = 50_000
SKIP_SECONDS = 1.0

# KEYS[1]: one subject's bucket, the time at which it is empty again, in microseconds of Redis's clock.
# ARGV: microseconds per permit, permits of a full bucket, permits wanted. Returns permits granted (0 to wanted) and,
# if none, the microseconds until there is one.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local free = math.floor((now + interval * burst - full) / interval)
local granted = math.max(0, math.min(free, wanted))
if granted == 0 then
  return {0, math.ceil(full + interval - now - interval * burst)}
end
full = full + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return {granted, 0}
"""


class _Limit(NamedTuple):
    per_window: int
    interval_microseconds: int
    batch: int


class _Held:
    """What one subject has in this process until a time: permits, or the knowledge that there are none."""

    __slots__ = ("is_refusal", "permits", "until")

    def __init__(self) -> None:
        self.permits = 0
        self.until = 0.0
        self.is_refusal = False


class RateLimiter:
    """Hands out permits.

    Args:
        redis: The shared store. Its timeouts bound how long a request may wait.
        limits: Permits per minute of each class; 0 is no limit.
    """

    def __init__(self, redis: "Redis", limits: Mapping[Rate, int]) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._limits = {
            rate: _Limit(count, int(WINDOW_SECONDS * 1_000_000 / count), max(1, count // BATCHES))
            for rate, count in limits.items()
            if count
        }
        self._held: OrderedDict[tuple[Rate, str], _Held] = OrderedDict()
        self._skip_until = 0.0

    def admit_now(self, rate: Rate, subject: str) -> bool:
        """Use a permit that is here already; returns whether there was one."""
        held = self._held.get((rate, subject))
        if held is None or not held.permits or held.until < time.monotonic():
            return rate not in self._limits
        held.permits -= 1
        return True

    async def admit(self, rate: Rate, subject: str) -> None:
        """Use a permit, fetching some if there is none here.

        Args:
            rate: The class.
            subject: Whose permits: a user or an address.

        Raises:
            Problem: RATE_LIMITED, with the time to wait.
        """
        if self.admit_now(rate, subject):
            return
        now = time.monotonic()
        held = self._held.get((rate, subject))
        if held is not None and held.is_refusal and held.until > now:
            self._refuse(rate, held.until - now)
        if now < self._skip_until:
            RATE_LIMIT_OPEN.inc()
            return
        limit = self._limits[rate]
        try:
            granted, wait = await self._fetch(rate, subject, limit)
        except (RedisError, OSError) as error:
            self._skip_until = time.monotonic() + SKIP_SECONDS
            RATE_LIMIT_OPEN.inc()
            log.warning("rate_limit.open", detail=str(error))
            return
        held = self._hold(rate, subject)
        held.is_refusal = not granted
        if granted:
            # Added, not set: requests that came at the same time have fetched batches of their own.
            held.permits += granted - 1
            held.until = now + WINDOW_SECONDS
            return
        held.until = now + wait / 1_000_000
        self._refuse(rate, wait / 1_000_000)

    async def _fetch(self, rate: Rate, subject: str, limit: _Limit) -> tuple[int, int]:
        answer: Any = await self._script(
            keys=[f"plaza:gateway:rate:{rate.value}:{subject}"],
            args=[limit.interval_microseconds, limit.per_window, limit.batch],
        )
        return int(answer[0]), int(answer[1])

    def _hold(self, rate: Rate, subject: str) -> _Held:
        key = (rate, subject)
        held = self._held.get(key)
        if held is None or held.until < time.monotonic():
            held = self._held[key] = _Held()
            if len(self._held) > REMEMBERED:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return held

    def _refuse(self, rate: Rate, seconds: float) -> NoReturn:
        RATE_LIMITED.labels(rate.value).inc()
        raise Problem("RATE_LIMITED", retry_after=seconds)
