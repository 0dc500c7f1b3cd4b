"""A user's notifications: the list, what is unread, and which kinds they want."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.notices import PREFERENCES, notification_of
from forum.paging import from_micros, page_size, to_micros
from forum.ranks import rank_of
from forum.writers import Writers
from plaza.forum.v1 import forum_events_pb2
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse, refuse_broken
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100

_BEGINNING = (to_micros(datetime.max.replace(tzinfo=UTC)), 2**63 - 1)
"""Position before the first notification."""


class Notifications:
    """Shows and marks notifications, and keeps preferences."""

    def __init__(self, foundation: Foundation, writers: Writers) -> None:
        self._notifications = foundation.repositories.notifications
        self._users = foundation.repositories.users
        self._events = foundation.events
        self._page_tokens = foundation.page_tokens
        self._writers = writers

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListNotificationsRequest
    ) -> pb.ListNotificationsResponse:
        """Return the caller's notifications, last changed first.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        list_name = f"notifications:{caller.user_id}:{int(request.is_unread)}"
        position = self._position(list_name, request.page_token)
        rows = await self._notifications.list_before(
            connection, caller.user_id, position=position, is_unread=request.is_unread, limit=limit + 1
        )
        rank = rank_of(caller)
        response = pb.ListNotificationsResponse(notifications=[notification_of(row, rank=rank) for row in rows[:limit]])
        if len(rows) > limit:
            last = rows[limit - 1]
            response.next_page_token = self._page_tokens.encode(list_name, to_micros(last.updated_time), last.id)
        return response

    async def count_unread(self, connection: AsyncConnection, caller: Caller) -> pb.CountUnreadResponse:
        """Return how many are unread, at most 1,000."""
        return pb.CountUnreadResponse(count=await self._notifications.count_unread(connection, caller.user_id))

    async def mark_read(
        self, connection: AsyncConnection, caller: Caller, request: pb.MarkNotificationsReadRequest
    ) -> pb.MarkNotificationsReadResponse:
        """Mark notifications as read; the caller's other devices learn of it (NotificationsRead).

        Raises:
            InvalidArgument: A field is broken, or it is not said which, or said twice (INVALID_REQUEST).
        """
        refuse_broken(request)
        user_id = caller.user_id
        if request.HasField("up_to_id"):
            if request.notification_ids:
                refuse([Violation("up_to_id", "NOT_ALLOWED")])
            changed = await self._notifications.mark_read_up_to(connection, user_id, request.up_to_id)
        elif request.notification_ids:
            changed = await self._notifications.mark_read(connection, user_id, request.notification_ids)
        else:
            refuse([Violation("notification_ids", "REQUIRED")])
        unread_count = await self._notifications.count_unread(connection, user_id)
        if changed:
            event = forum_events_pb2.NotificationsRead(user_id=user_id, unread_count=unread_count)
            await self._events.about_user(connection, user_id, event)
        return pb.MarkNotificationsReadResponse(unread_count=unread_count)

    async def preferences(self, connection: AsyncConnection, caller: Caller) -> pb.NotificationPreferences:
        """Return which kinds the caller wants: all, unless they said otherwise."""
        said = await self._notifications.find_preferences(connection, caller.user_id)
        return pb.NotificationPreferences(**{name: said.get(kind, True) for name, kind in PREFERENCES.items()})

    async def set_preferences(
        self, connection: AsyncConnection, caller: Caller, request: pb.UpdateNotificationPreferencesRequest
    ) -> pb.NotificationPreferences:
        """Change the given kinds and return all of them.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            UserBanned: (USER_BANNED.)
        """
        await self._writers.require(connection, caller)
        refuse_broken(request)
        changes = {int(PREFERENCES[field.name]): bool(wanted) for field, wanted in request.preferences.ListFields()}
        if changes:
            await self._users.lock(connection, caller.user_id)
            await self._notifications.set_preferences(connection, caller.user_id, changes)
        return await self.preferences(connection, caller)

    def _position(self, list_name: str, token: str) -> tuple[datetime, int]:
        """Return time and id from which a page goes on, exclusive."""
        micros, last_id = self._page_tokens.decode(list_name, token) if token else _BEGINNING
        if not isinstance(micros, int) or not isinstance(last_id, int):
            raise PageTokenInvalid
        return from_micros(micros), last_id
