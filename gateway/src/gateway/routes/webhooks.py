"""Webhooks: events of posts and replies, sent as signed HTTP requests (standardwebhooks.com)."""

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import choice, page_size, paging, path_id, text
from gateway.routing import Body, Operation, Query, Routes
from gateway.schemas.webhooks import DELIVERY_STATES, Deliveries, Delivery, Webhook, Webhooks, WebhookWithSecret
from plaza.forum.v1 import webhook_service_pb2 as pb

routes = Routes("Webhooks", "en")

_FOR_ADMINS = ("PERMISSION_DENIED", "USER_BANNED")


@routes.get("/webhooks", Operation(answers=(Webhooks,), errors=("PERMISSION_DENIED",)))
async def list_webhooks(call: Call) -> Webhooks:
    """List the webhooks; for admins."""
    response = await call.ask(call.services.forum.webhooks.list, pb.ListWebhooksRequest())
    return Webhooks([Webhook.of(webhook) for webhook in response.webhooks])


@routes.post(
    "/webhooks",
    Operation(
        body=Body(pb.CreateWebhookRequest),
        answers=(WebhookWithSecret,),
        errors=("INVALID_REQUEST", "WEBHOOK_URL_REFUSED", "LIMIT_REACHED", *_FOR_ADMINS),
    ),
)
async def create_webhook(call: Call) -> WebhookWithSecret:
    """Make a webhook; for admins.

    The answer is the only one with its secret.
    """
    request, found = decode(call.body, pb.CreateWebhookRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.webhooks.create, request)
    return WebhookWithSecret.made(response.webhook, response.secret)


@routes.patch(
    "/webhooks/{id}",
    Operation(
        body=Body(pb.UpdateWebhookRequest),
        answers=(WebhookWithSecret,),
        errors=("WEBHOOK_NOT_FOUND", "INVALID_REQUEST", "WEBHOOK_URL_REFUSED", *_FOR_ADMINS),
    ),
)
async def update_webhook(call: Call) -> WebhookWithSecret:
    """Change a webhook, switch it on or off, or give it a new secret; for admins."""
    request, found = decode(call.body, pb.UpdateWebhookRequest(webhook_id=path_id(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.webhooks.update, request)
    return WebhookWithSecret.made(response.webhook, response.secret)


@routes.delete("/webhooks/{id}", Operation(status=204, errors=("WEBHOOK_NOT_FOUND", *_FOR_ADMINS)))
async def delete_webhook(call: Call) -> None:
    """Drop a webhook and what it has not delivered; for admins."""
    await call.ask(call.services.forum.webhooks.delete, pb.DeleteWebhookRequest(webhook_id=path_id(call)))


@routes.get(
    "/webhooks/{id}/deliveries",
    Operation(
        query=(
            *paging("Deliveries", default=20, maximum=100),
            Query("state", {"enum": [*DELIVERY_STATES]}, "Only these."),
        ),
        answers=(Deliveries,),
        errors=("WEBHOOK_NOT_FOUND", "INVALID_REQUEST", "PAGE_TOKEN_INVALID", "PERMISSION_DENIED"),
    ),
)
async def list_deliveries(call: Call) -> Deliveries:
    """List the deliveries of a webhook, newest first; for admins.

    One that is `dead` was given up after its last attempt, and can be sent again.
    """
    request = pb.ListDeliveriesRequest(
        webhook_id=path_id(call),
        state=choice(call, "state", DELIVERY_STATES, pb.DELIVERY_STATE_UNSPECIFIED),
        page_size=page_size(call),
        page_token=text(call, "page_token"),
    )
    response = await call.ask(call.services.forum.webhooks.list_deliveries, request)
    return Deliveries([Delivery.of(delivery) for delivery in response.deliveries], response.next_page_token)


@routes.post(
    "/webhooks/{id}/deliveries/{n}/replay",
    Operation(answers=(Delivery,), errors=("WEBHOOK_NOT_FOUND", "DELIVERY_NOT_FOUND", *_FOR_ADMINS)),
)
async def replay_delivery(call: Call) -> Delivery:
    """Send a delivery again, now; for admins."""
    request = pb.ReplayDeliveryRequest(webhook_id=path_id(call), delivery_id=path_id(call, "n"))
    return Delivery.of((await call.ask(call.services.forum.webhooks.replay_delivery, request)).delivery)
