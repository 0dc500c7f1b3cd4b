"""WebhookService: webhooks and their deliveries, for admins."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.servicers.writes import Writes
from forum.webhooks import Webhooks
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza.forum.v1 import webhook_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class WebhookServicer(webhook_service_pb2_grpc.WebhookServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, webhooks: Webhooks) -> None:
        self._database = database
        self._writes = writes
        self._webhooks = webhooks

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, context: Any) -> pb.CreateWebhookResponse:
        """Make a webhook."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.CreateWebhookResponse:
            return await self._webhooks.create(connection, caller, request)

        return await self._writes.run("CreateWebhook", request, pb.CreateWebhookResponse, work)

    async def UpdateWebhook(self, request: pb.UpdateWebhookRequest, context: Any) -> pb.UpdateWebhookResponse:
        """Change a webhook."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateWebhookResponse:
            return await self._webhooks.update(connection, caller, request)

        return await self._writes.run("UpdateWebhook", request, pb.UpdateWebhookResponse, work)

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, context: Any) -> pb.ListWebhooksResponse:
        """Return all webhooks."""
        async with self._database.read() as connection:
            return await self._webhooks.list_all(connection)

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, context: Any) -> pb.DeleteWebhookResponse:
        """Drop a webhook."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeleteWebhookResponse:
            await self._webhooks.delete(connection, caller, request.webhook_id)
            return pb.DeleteWebhookResponse()

        return await self._writes.run("DeleteWebhook", request, pb.DeleteWebhookResponse, work)

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Any) -> pb.ListDeliveriesResponse:
        """Return deliveries of a webhook."""
        async with self._database.read() as connection:
            return await self._webhooks.list_deliveries(connection, request)

    async def ReplayDelivery(self, request: pb.ReplayDeliveryRequest, context: Any) -> pb.ReplayDeliveryResponse:
        """Send a delivery again."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.ReplayDeliveryResponse:
            return await self._webhooks.replay(connection, caller, request)

        return await self._writes.run("ReplayDelivery", request, pb.ReplayDeliveryResponse, work)
