"""Webhooks as admins keep them: where to, which events, and the deliveries so far.

A secret is shown once, when it is made, and kept sealed for its webhook.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.addresses import AddressGuard, AddressRefused
from forum.audit import Audit
from forum.errors import DeliveryNotFound, LimitReached, WebhookNotFound, WebhookUrlRefused
from forum.foundation import Foundation
from forum.paging import page_size
from forum.repository.deliveries import DeliveryRow
from forum.repository.webhooks import WebhookRow
from forum.times import timestamp
from forum.webhook_requests import new_secret
from forum.writers import Writers
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse, refuse_broken
from plaza_kit.page_token import PageTokenInvalid

WEBHOOKS_MAX = 100

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100

_LAST_ID = 2**63 - 1


def sealing_context(webhook_id: int) -> str:
    """Return what a webhook's secret is sealed for."""
    return f"webhook:{webhook_id}"


class Webhooks:
    """Makes, changes and shows webhooks."""

    def __init__(self, foundation: Foundation, writers: Writers, *, audit: Audit, guard: AddressGuard) -> None:
        self._webhooks = foundation.repositories.webhooks
        self._deliveries = foundation.repositories.deliveries
        self._sealer = foundation.sealer
        self._page_tokens = foundation.page_tokens
        self._clock = foundation.clock
        self._writers = writers
        self._audit = audit
        self._guard = guard

    async def create(
        self, connection: AsyncConnection, caller: Caller, request: pb.CreateWebhookRequest
    ) -> pb.CreateWebhookResponse:
        """Make a webhook with a secret.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            WebhookUrlRefused: Nothing may be sent there (WEBHOOK_URL_REFUSED).
            LimitReached: There are 100 (LIMIT_REACHED).
            UserBanned: (USER_BANNED; so do all other changes.)
        """
        await self._writers.require(connection, caller)
        refuse_broken(request)
        self._check_url(request.url)
        if await self._webhooks.lock_and_count(connection) >= WEBHOOKS_MAX:
            raise LimitReached(WEBHOOKS_MAX)
        webhook_id = await self._webhooks.insert(
            connection, url=request.url, events=list(dict.fromkeys(request.events)), now=self._clock()
        )
        secret = new_secret()
        await self._webhooks.update(connection, webhook_id, {"sealed_secret": self._sealed(webhook_id, secret)})
        await self._record(connection, caller, "webhook.create", webhook_id)
        return pb.CreateWebhookResponse(webhook=await self._shown(connection, webhook_id), secret=secret)

    async def update(
        self, connection: AsyncConnection, caller: Caller, request: pb.UpdateWebhookRequest
    ) -> pb.UpdateWebhookResponse:
        """Change the given fields.

        Raises:
            WebhookNotFound: (WEBHOOK_NOT_FOUND.)
            InvalidArgument: A field is broken (INVALID_REQUEST).
            WebhookUrlRefused: Nothing may be sent there (WEBHOOK_URL_REFUSED).
        """
        webhook_id = (await self._lock(connection, caller, request.webhook_id)).id
        refuse_broken(request)
        values: dict[str, Any] = {}
        if request.HasField("url"):
            self._check_url(request.url)
            values["url"] = request.url
        if request.events:
            values["events"] = list(dict.fromkeys(request.events))
        if request.HasField("is_active"):
            values["is_active"] = request.is_active
        secret = new_secret() if request.rotate_secret else ""
        if secret:
            values["sealed_secret"] = self._sealed(webhook_id, secret)
        if values:
            await self._webhooks.update(connection, webhook_id, values)
            await self._record(connection, caller, "webhook.update", webhook_id)
        return pb.UpdateWebhookResponse(webhook=await self._shown(connection, webhook_id), secret=secret)

    async def list_all(self, connection: AsyncConnection) -> pb.ListWebhooksResponse:
        """Return all webhooks by id."""
        return pb.ListWebhooksResponse(webhooks=[_webhook(row) for row in await self._webhooks.list_all(connection)])

    async def delete(self, connection: AsyncConnection, caller: Caller, webhook_id: int) -> None:
        """Drop a webhook: nothing is sent from now on; its deliveries go bit by bit.

        Raises:
            WebhookNotFound: (WEBHOOK_NOT_FOUND.)
        """
        row = await self._lock(connection, caller, webhook_id)
        await self._webhooks.update(connection, row.id, {"is_deleted": True, "is_active": False})
        await self._record(connection, caller, "webhook.delete", row.id)

    async def list_deliveries(
        self, connection: AsyncConnection, request: pb.ListDeliveriesRequest
    ) -> pb.ListDeliveriesResponse:
        """Return deliveries of a webhook, newest first.

        Raises:
            WebhookNotFound: (WEBHOOK_NOT_FOUND.)
            InvalidArgument: A negative page size, or no such state (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        await self._require(connection, request.webhook_id)
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        if request.state not in pb.DeliveryState.values():
            refuse([Violation("state", "NOT_ALLOWED")])
        list_name = f"deliveries:{request.webhook_id}:{request.state}"
        before_id = self._position(list_name, request.page_token)
        rows = await self._deliveries.list_before(
            connection, request.webhook_id, before_id=before_id, state=request.state, limit=limit + 1
        )
        response = pb.ListDeliveriesResponse(deliveries=[_delivery(row) for row in rows[:limit]])
        if len(rows) > limit:
            response.next_page_token = self._page_tokens.encode(list_name, rows[limit - 1].id)
        return response

    async def replay(
        self, connection: AsyncConnection, caller: Caller, request: pb.ReplayDeliveryRequest
    ) -> pb.ReplayDeliveryResponse:
        """Make a delivery due now, whatever came of it before.

        Raises:
            WebhookNotFound: (WEBHOOK_NOT_FOUND.)
            DeliveryNotFound: The webhook has no such delivery (DELIVERY_NOT_FOUND).
        """
        await self._lock(connection, caller, request.webhook_id)
        if not await self._deliveries.replay(connection, request.webhook_id, request.delivery_id, self._clock()):
            raise DeliveryNotFound
        row = await self._deliveries.find(connection, request.delivery_id)
        return pb.ReplayDeliveryResponse(delivery=_delivery(row))

    def _check_url(self, url: str) -> None:
        try:
            self._guard.check_url(url)
        except AddressRefused as refused:
            raise WebhookUrlRefused(str(refused)) from None

    def _sealed(self, webhook_id: int, secret: str) -> bytes:
        return self._sealer.seal(secret.encode(), sealing_context(webhook_id))

    def _position(self, list_name: str, token: str) -> int:
        if not token:
            return _LAST_ID
        position = self._page_tokens.decode(list_name, token)
        if len(position) != 1 or not isinstance(position[0], int):
            raise PageTokenInvalid
        return position[0]

    async def _lock(self, connection: AsyncConnection, caller: Caller, webhook_id: int) -> WebhookRow:
        row = await self._webhooks.lock(connection, webhook_id)
        if row is None:
            raise WebhookNotFound
        await self._writers.require(connection, caller)
        return row

    async def _require(self, connection: AsyncConnection, webhook_id: int) -> WebhookRow:
        row = await self._webhooks.find(connection, webhook_id)
        if row is None:
            raise WebhookNotFound
        return row

    async def _shown(self, connection: AsyncConnection, webhook_id: int) -> pb.Webhook:
        return _webhook(await self._require(connection, webhook_id))

    async def _record(self, connection: AsyncConnection, caller: Caller, action: str, webhook_id: int) -> None:
        """Record who did what; of the webhook the id alone, since a URL may have a secret in its path."""
        await self._audit.record(connection, caller.user_id, action=action, detail=str(webhook_id))


def _webhook(row: WebhookRow) -> pb.Webhook:
    return pb.Webhook(
        id=row.id,
        url=row.url,
        events=row.events,
        is_active=row.is_active,
        created_time=timestamp(row.created_time),
    )


def _delivery(row: DeliveryRow) -> pb.Delivery:
    return pb.Delivery(
        id=row.id,
        event_id=row.event_id,
        event=row.event,
        state=pb.DeliveryState.ValueType(row.state),
        attempt_count=row.attempt_count,
        last_status=row.last_status,
        last_error=row.last_error,
        created_time=timestamp(row.created_time),
        next_attempt_time=None if row.next_attempt_time is None else timestamp(row.next_attempt_time),
    )
