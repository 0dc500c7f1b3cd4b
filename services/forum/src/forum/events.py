"""The events of this service, written into the outbox in the transaction of their cause.

The subject decides the order: everything about a post and its replies is one subject.
"""

from collections.abc import Mapping

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.outbox import Outbox


class Events:
    """Adds the messages of `plaza.forum.v1.forum_events`."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def about_post(self, connection: AsyncConnection, post_id: int, payload: Message) -> None:
        """Something happened to a post, or to a reply of it."""
        await self._outbox.add(connection, payload, subject=f"post:{post_id}")

    async def about_user(self, connection: AsyncConnection, user_id: int, payload: Message) -> None:
        """Something is news for a user, or is known of one."""
        await self._outbox.add(connection, payload, subject=f"user:{user_id}")

    async def about_category(self, connection: AsyncConnection, category_id: int, payload: Message) -> None:
        """A category changed."""
        await self._outbox.add(connection, payload, subject=f"category:{category_id}")

    async def about_tag(self, connection: AsyncConnection, tag_id: int, payload: Message) -> None:
        """A tag changed."""
        await self._outbox.add(connection, payload, subject=f"tag:{tag_id}")

    async def for_moderators(self, connection: AsyncConnection, payload: Message) -> None:
        """Something is news for moderators."""
        await self._outbox.add(connection, payload, subject="moderation")

    async def about_users(self, connection: AsyncConnection, payloads: Mapping[int, Message]) -> None:
        """Each of many users has news of their own."""
        await self._outbox.add_all(connection, [(payload, f"user:{user_id}") for user_id, payload in payloads.items()])

    async def for_itself(self, connection: AsyncConnection, payload: Message) -> None:
        """The service itself has to go on with something."""
        await self._outbox.add(connection, payload, subject="forum")
