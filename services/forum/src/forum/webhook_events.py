"""From events of posts and replies to deliveries of webhooks, in the transaction in which the event is applied.

What a receiver learns is what anybody may know: the text goes along only where everybody may read, and nothing goes
out about categories that only moderators may read. An event is delivered at least once and in no certain order;
receivers know it again by its `webhook-id`.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.ranks import ANYONE, MODERATOR
from forum.repository.deliveries import NewDelivery
from forum.repository.occasions import Occasion
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import forum_events_pb2 as pb


class _Rule(NamedTuple):
    """How an event is told.

    Attributes:
        name: Its name outside.
        is_of_live: It is told only of what is in sight, with the text.
    """

    name: str
    is_of_live: bool


_RULES: Mapping[type[Message], _Rule] = {
    pb.PostCreated: _Rule("post.created", True),
    pb.PostUpdated: _Rule("post.updated", True),
    pb.PostDeleted: _Rule("post.deleted", False),
    pb.PostRestored: _Rule("post.restored", True),
    pb.ReplyCreated: _Rule("reply.created", True),
    pb.ReplyUpdated: _Rule("reply.updated", True),
    pb.ReplyDeleted: _Rule("reply.deleted", False),
    pb.ReplyRestored: _Rule("reply.restored", True),
}


class WebhookEvents:
    """Queues deliveries."""

    def __init__(self, foundation: Foundation) -> None:
        self._webhooks = foundation.repositories.webhooks
        self._deliveries = foundation.repositories.deliveries
        self._clock = foundation.clock

    @property
    def types(self) -> Collection[type[Message]]:
        """The events that webhooks can be about."""
        return _RULES.keys()

    async def apply(self, connection: AsyncConnection, envelope: Envelope, event: Any, *, occasion: Occasion) -> None:
        """Queue a delivery for every active webhook that wants the event.

        Args:
            connection: The transaction.
            envelope: Its id is the event's outside, too.
            event: One of `types`.
            occasion: What it is about.
        """
        rule = _RULES[type(event)]
        if occasion.read_rank >= MODERATOR or (rule.is_of_live and not occasion.is_live):
            return
        webhook_ids = [row.id for row in await self._webhooks.list_active(connection) if rule.name in row.events]
        if not webhook_ids:
            return
        body = _body(rule, envelope, event, occasion=occasion)
        delivery = NewDelivery(event_id=envelope.id, event=rule.name, body=body)
        await self._deliveries.insert(connection, webhook_ids, delivery, self._clock())


def _body(rule: _Rule, envelope: Envelope, event: Any, *, occasion: Occasion) -> bytes:
    data: dict[str, Any] = {
        "post_id": occasion.post_id,
        "author_id": occasion.author_id,
        "category_id": occasion.category_id,
        "path": f"/posts/{occasion.post_id}",
    }
    if occasion.reply_id:
        data |= {
            "reply_id": occasion.reply_id,
            "parent_reply_id": occasion.parent_reply_id or None,
            "path": f"/replies/{occasion.reply_id}",
        }
    if rule.is_of_live and occasion.read_rank == ANYONE:
        data |= {"content": occasion.content} if occasion.reply_id else _text(occasion)
    timestamp = envelope.occurred_time.ToJsonString()
    return orjson.dumps({"type": rule.name, "timestamp": timestamp, "data": data})


def _text(occasion: Occasion) -> dict[str, str]:
    return {"title": occasion.title, "content": occasion.content}
