"""Throwing away what is over, in small transactions, so that nobody waits behind a long delete."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.foundation import Foundation
from auth.waiting import is_set_within
from plaza_kit.errors import Unavailable
from plaza_kit.idempotency import Idempotency

INTERVAL_SECONDS = 15.0
RANGE = 500
"""Rows of one transaction."""
RANGES = 20
"""Transactions per kind and round; what is left waits for the next round."""

ENDED_SESSIONS_KEPT = timedelta(days=1)
"""An ended session's tokens are still recognised as spent for so long."""

log = structlog.get_logger()

Purge = Callable[[AsyncConnection], Awaitable[int]]
"""Deletes at most `RANGE` rows and returns how many."""


class Housekeeping:
    """Deletes what nobody needs any more, round after round.

    Args:
        foundation: Where it lies.
        idempotency: Kept answers.
        attempts_kept: The longest window of a throttle.
    """

    def __init__(self, foundation: Foundation, idempotency: Idempotency, *, attempts_kept: timedelta) -> None:
        self._database = foundation.database
        self._purges = _purges(foundation, idempotency, attempts_kept)

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


def _purges(foundation: Foundation, idempotency: Idempotency, attempts_kept: timedelta) -> list[tuple[str, Purge]]:
    clock, repositories = foundation.clock, foundation.repositories
    sessions, mails = repositories.sessions, repositories.mails
    return [
        ("sealed_pairs", lambda connection: sessions.clear_grace(connection, clock(), RANGE)),
        ("sessions", lambda connection: sessions.purge_ended(connection, clock() - ENDED_SESSIONS_KEPT, RANGE)),
        ("revocations", lambda connection: repositories.revocations.purge(connection, clock(), RANGE)),
        ("attempts", lambda connection: repositories.attempts.purge(connection, clock() - attempts_kept, RANGE)),
        ("mail_tokens", lambda connection: mails.purge_tokens(connection, clock(), RANGE)),
        ("idempotency_keys", lambda connection: idempotency.purge(connection, limit=RANGE)),
    ]
