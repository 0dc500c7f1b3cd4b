"""What was only a deleted user's goes: drafts, bookmarks, follows, blocks, reading, notifications, preferences.

Not in the transaction of the event: somebody may have read a hundred thousand posts.
"""

import asyncio

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.waiting import is_set_within
from plaza_kit.errors import Unavailable

BATCH = 1000
PAUSE_SECONDS = 5.0

log = structlog.get_logger()


class Erasure:
    """Erases in small transactions; more than one process may, nothing is done twice that matters."""

    def __init__(self, foundation: Foundation) -> None:
        self._database = foundation.database
        self._rows = foundation.repositories.erasure

    async def run(self, stop: asyncio.Event) -> None:
        """Erase what is due until `stop`."""
        while not stop.is_set():
            try:
                is_idle = not await self.step()
            except Unavailable as error:
                log.warning("erasure.waiting", detail=str(error))
                is_idle = True
            if is_idle:
                await is_set_within(stop, PAUSE_SECONDS)

    async def step(self) -> bool:
        """Erase up to 1,000 rows of the user who has waited longest; return whether there was one."""
        return await self._database.write(self._erase_some)

    async def _erase_some(self, connection: AsyncConnection) -> bool:
        user_id = await self._rows.find_due(connection)
        if user_id is None:
            return False
        if await self._rows.erase(connection, user_id, limit=BATCH) == 0:
            await self._rows.set_done(connection, user_id)
        return True
