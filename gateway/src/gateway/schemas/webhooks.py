"""Webhooks in answers."""

from typing import Literal, cast

import msgspec

from gateway.schemas.forum import Count
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import milliseconds_or_none, to_milliseconds
from plaza.forum.v1 import webhook_service_pb2

DeliveryState = Literal["pending", "delivered", "dead"]

DELIVERY_STATES: dict[str, "webhook_service_pb2.DeliveryState.ValueType"] = {
    "pending": webhook_service_pb2.DELIVERY_STATE_PENDING,
    "delivered": webhook_service_pb2.DELIVERY_STATE_DELIVERED,
    "dead": webhook_service_pb2.DELIVERY_STATE_DEAD,
}
_STATES: dict[int, DeliveryState] = {number: cast("DeliveryState", name) for name, number in DELIVERY_STATES.items()}


class Webhook(msgspec.Struct):
    """Where which events are sent."""

    id: Id
    url: str
    events: list[str]
    is_active: bool
    created_time: Milliseconds

    @classmethod
    def of(cls, webhook: webhook_service_pb2.Webhook) -> "Webhook":
        """Return what the service keeps."""
        return cls(
            webhook.id, webhook.url, list(webhook.events), webhook.is_active, to_milliseconds(webhook.created_time)
        )


class WebhookWithSecret(Webhook):
    """A webhook and the key of its signatures (`whsec_` and base64), which is shown once; null if none was made."""

    secret: str | None

    @classmethod
    def made(cls, webhook: webhook_service_pb2.Webhook, secret: str) -> "WebhookWithSecret":
        """Return what the service made."""
        shown = Webhook.of(webhook)
        return cls(shown.id, shown.url, shown.events, shown.is_active, shown.created_time, secret or None)


class Webhooks(msgspec.Struct):
    """All webhooks, by id."""

    webhooks: list[Webhook]


class Delivery(msgspec.Struct):
    """One event on its way to one address; `event_id` is the request's `webhook-id`, `last_status` 0 without answer."""

    id: Id
    event_id: str
    event: str
    state: DeliveryState
    attempt_count: Count
    last_status: Count
    last_error: str
    created_time: Milliseconds
    next_attempt_time: Milliseconds | None

    @classmethod
    def of(cls, delivery: webhook_service_pb2.Delivery) -> "Delivery":
        """Return what the service keeps."""
        return cls(
            delivery.id,
            delivery.event_id,
            delivery.event,
            _STATES[delivery.state],
            delivery.attempt_count,
            delivery.last_status,
            delivery.last_error,
            to_milliseconds(delivery.created_time),
            milliseconds_or_none(delivery, "next_attempt_time"),
        )


class Deliveries(msgspec.Struct):
    """A page of deliveries, newest first."""

    deliveries: list[Delivery]
    next_page_token: str
