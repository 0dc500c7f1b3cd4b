"""Throwing away what is over, in small transactions, so that nobody waits behind a long delete."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.clock import Clock
from auth.repository.attempts import AttemptRepository
from auth.repository.mails import MailRepository
from auth.repository.revocations import RevocationRepository
from auth.repository.sessions import SessionRepository
from auth.waiting import is_set_within
from plaza_kit.db import Database
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
    """Deletes what nobody needs any more, round after round."""

    def __init__(self, database: Database, purges: Sequence[tuple[str, Purge]]) -> None:
        self._database = database
        self._purges = purges

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


def purges_of(
    *,
    sessions: SessionRepository,
    revocations: RevocationRepository,
    attempts: AttemptRepository,
    mails: MailRepository,
    idempotency: Idempotency,
    clock: Clock,
    attempts_kept: timedelta,
) -> list[tuple[str, Purge]]:
    """Return everything that is to be thrown away in this service; `attempts_kept` is the longest throttle window."""
    return [
        ("sealed_pairs", lambda connection: sessions.clear_grace(connection, clock(), RANGE)),
        (
            "sessions",
            lambda connection: sessions.purge_ended(connection, clock() - ENDED_SESSIONS_KEPT, RANGE),
        ),
        ("revocations", lambda connection: revocations.purge(connection, clock(), RANGE)),
        ("attempts", lambda connection: attempts.purge(connection, clock() - attempts_kept, RANGE)),
        ("mail_tokens", lambda connection: mails.purge_tokens(connection, clock(), RANGE)),
        ("idempotency_keys", lambda connection: idempotency.purge(connection, limit=RANGE)),
    ]
