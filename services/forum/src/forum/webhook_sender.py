"""Sends webhook deliveries, again and again until they are taken or their attempts are used up.

A delivery is claimed before each attempt by moving its next attempt ahead, so that two replicas do not send it at
once; a crash in between leaves it for later. A receiver may thus get an event twice, under the same `webhook-id`.
Each webhook has a lane of its own, one request at a time: one that is slow or behind holds up nobody else.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.metrics import WEBHOOKS
from forum.repository.deliveries import DueDelivery, Outcome
from forum.waiting import is_set_within
from forum.webhook_requests import TOTAL_SECONDS, WebhookRequests, signed_headers
from forum.webhooks import sealing_context
from plaza.forum.v1.webhook_service_pb2 import DELIVERY_STATE_PENDING
from plaza_kit.errors import Unavailable
from plaza_kit.sealing import SealBroken

POLL_SECONDS = 1.0

CLAIM = timedelta(seconds=6 * TOTAL_SECONDS)
"""How long an attempt keeps others away; it takes much less."""

PAUSES: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
    timedelta(hours=24),
)
"""Between one attempt and the next; after the last one a delivery is a dead letter."""

JITTER = 0.1
"""A pause is longer by up to this part, so that what failed together is not tried again together."""

GONE = 410
"""The receiver wants no more: the webhook is switched off."""

log = structlog.get_logger()


class WebhookSender:
    """Sends what is due, until told to stop."""

    def __init__(self, foundation: Foundation, requests: WebhookRequests) -> None:
        self._database = foundation.database
        self._webhooks = foundation.repositories.webhooks
        self._deliveries = foundation.repositories.deliveries
        self._sealer = foundation.sealer
        self._clock = foundation.clock
        self._requests = requests

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`, then end the requests under way; a database that is away is waited out."""
        lanes: dict[int, asyncio.Task[int]] = {}
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                for webhook_id in await self._due():
                    if webhook_id not in lanes:
                        lanes[webhook_id] = group.create_task(self._send_lane(webhook_id, stop))
                await is_set_within(stop, POLL_SECONDS)
                lanes = {webhook_id: lane for webhook_id, lane in lanes.items() if not lane.done()}

    async def send_due(self) -> int:
        """Try everything that is due, and return how many attempts that took."""
        never = asyncio.Event()
        counts = await asyncio.gather(*(self._send_lane(webhook_id, never) for webhook_id in await self._due()))
        return sum(counts)

    async def _due(self) -> Sequence[int]:
        try:
            async with self._database.read() as connection:
                return await self._webhooks.list_due(connection, int(DELIVERY_STATE_PENDING), self._clock())
        except Unavailable:
            return ()

    async def _send_lane(self, webhook_id: int, stop: asyncio.Event) -> int:
        """Send what is due for one webhook, one after the other; return the number of attempts."""
        count = 0
        try:
            while not stop.is_set():
                async with self._database.read() as connection:
                    due = await self._deliveries.find_due(connection, webhook_id, self._clock())
                if due is None:
                    break
                if await self._claim(due):
                    count += 1
                    await self._settle(due, await self._attempt(due))
        except Unavailable:
            log.warning("webhook.postponed", webhook_id=webhook_id)
        except Exception as error:
            log.error("webhook.lane_failed", webhook_id=webhook_id, exc_info=error)
        return count

    async def _claim(self, due: DueDelivery) -> bool:
        until = self._clock() + CLAIM

        async def work(connection: AsyncConnection) -> bool:
            return await self._deliveries.claim(connection, due, until)

        return await self._database.write(work)

    async def _attempt(self, due: DueDelivery) -> Outcome:
        try:
            secret = self._sealer.open(due.sealed_secret, sealing_context(due.webhook_id)).decode()
        except SealBroken:
            return Outcome(0, "the secret cannot be read: make a new one")
        headers = signed_headers(secret, due.event_id, due.body, int(self._clock().timestamp()))
        return await self._requests.send(due.url, headers, due.body)

    async def _settle(self, due: DueDelivery, outcome: Outcome) -> None:
        is_gone = outcome.status == GONE
        next_attempt_time = None
        if outcome.error and due.attempt_count < len(PAUSES) and not is_gone:
            pause = PAUSES[due.attempt_count] * random.uniform(1, 1 + JITTER)  # noqa: S311 - jitter, not a secret
            next_attempt_time = self._clock() + pause

        async def work(connection: AsyncConnection) -> None:
            await self._deliveries.finish(connection, due, outcome, next_attempt_time=next_attempt_time)
            if is_gone:
                await self._webhooks.update(connection, due.webhook_id, {"is_active": False})

        await self._database.write(work)
        _report(due, outcome, is_dead=next_attempt_time is None)


def _report(due: DueDelivery, outcome: Outcome, *, is_dead: bool) -> None:
    result = "delivered" if not outcome.error else "dead" if is_dead else "failed"
    WEBHOOKS.labels(result).inc()
    if outcome.error:
        log.warning(
            "webhook.undelivered",
            webhook_id=due.webhook_id,
            delivery_id=due.id,
            attempt=due.attempt_count + 1,
            outcome=result,
            status=outcome.status,
            detail=outcome.error,
        )
