"""How much one may write: a new user's texts per hour and links, and nobody's same text twice in a row."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import DuplicatePost, NewUserLinkLimit, NewUserRateLimit
from forum.foundation import Foundation
from forum.writers import RATE_WINDOW, Writer, WritingLimits


class NewUserRules:
    """Lets texts pass, or not."""

    def __init__(self, foundation: Foundation, limits: WritingLimits) -> None:
        self._users = foundation.repositories.users
        self._clock = foundation.clock
        self._limits = limits

    async def check(self, connection: AsyncConnection, writer: Writer, *, link_count: int) -> None:
        """Let a new post or reply pass.

        Args:
            connection: The transaction.
            writer: From `Writers.require` with the `content_hash` of the text.
            link_count: Links in it.

        Raises:
            DuplicatePost: The same user wrote the same within the duplicate window (DUPLICATE_POST).
            NewUserRateLimit: A new user has written enough for this hour (NEW_USER_RATE_LIMIT).
            NewUserLinkLimit: A new user's text has too many links (NEW_USER_LINK_LIMIT).
        """
        if writer.recent is None:
            raise ValueError("a writer who was not asked for with a content hash")
        if writer.recent.is_repeated:
            raise DuplicatePost
        if writer.is_new and writer.recent.text_count >= self._limits.texts_per_hour:
            raise NewUserRateLimit(
                metadata={"limit": str(self._limits.texts_per_hour)},
                retry_after=await self._seconds_left(connection, writer.user_id),
            )
        self.check_links(writer, link_count)

    def check_links(self, writer: Writer, link_count: int) -> None:
        """Let a text pass as far as its links are concerned; for edits.

        Raises:
            NewUserLinkLimit: A new user's text has too many (NEW_USER_LINK_LIMIT).
        """
        if writer.is_new and link_count > self._limits.links:
            raise NewUserLinkLimit(metadata={"limit": str(self._limits.links)})

    async def _seconds_left(self, connection: AsyncConnection, user_id: int) -> float:
        """Return when the oldest text of this hour is an hour old."""
        now = self._clock()
        oldest = await self._users.find_oldest_recent(connection, user_id, now - RATE_WINDOW)
        return RATE_WINDOW.total_seconds() if oldest is None else (oldest + RATE_WINDOW - now).total_seconds()
