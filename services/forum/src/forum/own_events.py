"""The service's own events, applied to what follows from them: notifications and webhooks.

One consumer does both in one transaction, because the inbox knows an event only once.
"""

from typing import Any

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.notifying import Notifying
from forum.webhook_events import WebhookEvents
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY


class OwnEvents:
    """Applies one event.

    Attributes:
        types: Full names of the events that something follows from.
    """

    def __init__(self, foundation: Foundation, notifying: Notifying, webhook_events: WebhookEvents) -> None:
        self._occasions = foundation.repositories.occasions
        self._notifying = notifying
        self._webhook_events = webhook_events
        self._messages: dict[str, type[Message]] = {
            kind.DESCRIPTOR.full_name: kind for kind in {*notifying.types, *webhook_events.types}
        }
        self.types = frozenset(self._messages)

    async def apply(self, connection: AsyncConnection, envelope: Envelope) -> None:
        """Apply an event in the given transaction; types that nothing follows from are passed over."""
        message = self._messages.get(envelope.type)
        if message is None:
            return
        event: Any = message.FromString(envelope.payload)
        occasion = await self._occasions.find(connection, event.post_id, _reply_of(event))
        if occasion is None:
            return
        if message in self._notifying.types:
            await self._notifying.apply(connection, event, occasion)
        if message in self._webhook_events.types:
            await self._webhook_events.apply(connection, envelope, event, occasion=occasion)


def _reply_of(event: Any) -> int:
    if "target" in event.DESCRIPTOR.fields_by_name:
        return int(event.target.id) if event.target.kind == TARGET_KIND_REPLY else 0
    return int(getattr(event, "reply_id", 0))
