"""Throwing away what is over, in small transactions, so that nobody waits behind a long delete."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from forum.foundation import Foundation
from forum.waiting import is_set_within
from plaza_kit.errors import Unavailable
from plaza_kit.idempotency import Idempotency
from plaza_kit.streams import purge_inbox

INTERVAL_SECONDS = 15.0
RANGE = 500
"""Rows of one transaction."""
RANGES = 20
"""Transactions per kind and round; what is left waits for the next round."""

INBOX_KEPT = timedelta(days=8)
"""Longer than an event can come again: a dead consumer's backlog included, a week of it."""
NOTIFICATIONS_KEPT = timedelta(days=90)
DELIVERIES_KEPT = timedelta(days=30)

log = structlog.get_logger()

Purge = Callable[[AsyncConnection], Awaitable[int]]
"""Deletes at most `RANGE` rows, or one or two more, and returns how many."""


class Housekeeping:
    """Deletes what nobody needs any more, round after round.

    Args:
        foundation: Where it lies.
        idempotency: Kept answers.
    """

    def __init__(self, foundation: Foundation, idempotency: Idempotency) -> None:
        self._database = foundation.database
        self._purges = _purges(foundation, idempotency)

    async def run(self, stop: asyncio.Event) -> None:
        """Clean up every 15 s until `stop`; a database that is away is waited out."""
        while not await is_set_within(stop, INTERVAL_SECONDS):
            try:
                await self.clean_up()
            except Unavailable:
                log.warning("housekeeping.postponed")

    async def clean_up(self) -> dict[str, int]:
        """Do one round; return the number of rows per kind that went."""
        gone: dict[str, int] = {}
        for name, purge in self._purges:
            for _ in range(RANGES):
                count = await self._database.write(purge)
                gone[name] = gone.get(name, 0) + count
                if count < RANGE:
                    break
        if any(gone.values()):
            log.info("housekeeping.cleaned", **gone)
        return gone


def _purges(foundation: Foundation, idempotency: Idempotency) -> list[tuple[str, Purge]]:
    clock, repositories = foundation.clock, foundation.repositories

    def inbox(connection: AsyncConnection) -> Awaitable[int]:
        # The kit stamps the rows with the machine's time.
        return purge_inbox(connection, models.inbox, before=datetime.now(UTC) - INBOX_KEPT, limit=RANGE)

    return [
        ("idempotency_keys", lambda connection: idempotency.purge(connection, limit=RANGE)),
        ("inbox", inbox),
        (
            "notifications",
            lambda connection: repositories.notifications.purge(connection, clock() - NOTIFICATIONS_KEPT, RANGE),
        ),
        (
            "held_notices",
            lambda connection: repositories.held_notices.purge(connection, clock() - NOTIFICATIONS_KEPT, RANGE),
        ),
        ("tags", lambda connection: repositories.tags.purge(connection, RANGE)),
        ("deliveries", lambda connection: repositories.deliveries.purge(connection, clock() - DELIVERIES_KEPT, RANGE)),
        ("webhooks", lambda connection: repositories.webhooks.purge(connection, RANGE)),
    ]
