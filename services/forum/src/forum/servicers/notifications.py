"""NotificationService: the caller's notifications."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.notifications import Notifications
from forum.servicers.writes import Writes
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1 import notification_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class NotificationServicer(notification_service_pb2_grpc.NotificationServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, notifications: Notifications) -> None:
        self._database = database
        self._writes = writes
        self._notifications = notifications

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Any
    ) -> pb.ListNotificationsResponse:
        """Return notifications, last changed first."""
        async with self._database.read() as connection:
            return await self._notifications.list_page(connection, current_caller(), request)

    async def CountUnread(self, request: pb.CountUnreadRequest, context: Any) -> pb.CountUnreadResponse:
        """Return how many are unread."""
        async with self._database.read() as connection:
            return await self._notifications.count_unread(connection, current_caller())

    async def MarkNotificationsRead(
        self, request: pb.MarkNotificationsReadRequest, context: Any
    ) -> pb.MarkNotificationsReadResponse:
        """Mark notifications as read."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.MarkNotificationsReadResponse:
            return await self._notifications.mark_read(connection, caller, request)

        return await self._writes.run("MarkNotificationsRead", request, pb.MarkNotificationsReadResponse, work)

    async def GetNotificationPreferences(
        self, request: pb.GetNotificationPreferencesRequest, context: Any
    ) -> pb.GetNotificationPreferencesResponse:
        """Return which kinds the caller wants."""
        async with self._database.read() as connection:
            preferences = await self._notifications.preferences(connection, current_caller())
        return pb.GetNotificationPreferencesResponse(preferences=preferences)

    async def UpdateNotificationPreferences(
        self, request: pb.UpdateNotificationPreferencesRequest, context: Any
    ) -> pb.UpdateNotificationPreferencesResponse:
        """Change which kinds the caller wants."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateNotificationPreferencesResponse:
            preferences = await self._notifications.set_preferences(connection, caller, request)
            return pb.UpdateNotificationPreferencesResponse(preferences=preferences)

        response_type = pb.UpdateNotificationPreferencesResponse
        return await self._writes.run("UpdateNotificationPreferences", request, response_type, work)
