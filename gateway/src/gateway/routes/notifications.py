"""One's notifications."""

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import FLAG, flag, page_size, paging, text
from gateway.routing import Body, Operation, Query, Routes
from gateway.schemas.notifications import Notification, NotificationPreferences, Notifications, UnreadCount
from plaza.forum.v1 import notification_service_pb2 as pb

routes = Routes("Notifications", "en")


@routes.get(
    "/notifications",
    Operation(
        query=(*paging("Notifications", default=20, maximum=100), Query("unread", FLAG, "Only unread ones.")),
        answers=(Notifications,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def list_notifications(call: Call) -> Notifications:
    """List one's notifications, last changed first."""
    request = pb.ListNotificationsRequest(
        page_size=page_size(call), page_token=text(call, "page_token"), is_unread=flag(call, "unread")
    )
    response = await call.ask(call.services.forum.notifications.list, request)
    return Notifications([Notification.of(item) for item in response.notifications], response.next_page_token)


@routes.get("/notifications/unread-count", Operation(answers=(UnreadCount,)))
async def count_unread(call: Call) -> UnreadCount:
    """Count one's unread notifications."""
    return UnreadCount((await call.ask(call.services.forum.notifications.count_unread, pb.CountUnreadRequest())).count)


@routes.post(
    "/notifications/read",
    Operation(
        body=Body(pb.MarkNotificationsReadRequest), answers=(UnreadCount,), errors=("INVALID_REQUEST", "USER_BANNED")
    ),
)
async def mark_notifications_read(call: Call) -> UnreadCount:
    """Mark notifications as read.

    Single ones (`notification_ids`), or one and all that have not changed since it did (`up_to_id`).
    """
    request, found = decode(call.body, pb.MarkNotificationsReadRequest())
    request.violations.extend(found.wire())
    return UnreadCount((await call.ask(call.services.forum.notifications.mark_read, request)).unread_count)


@routes.get("/notifications/preferences", Operation(answers=(NotificationPreferences,)))
async def get_preferences(call: Call) -> NotificationPreferences:
    """Read which kinds of notifications one wants."""
    request = pb.GetNotificationPreferencesRequest()
    response = await call.ask(call.services.forum.notifications.get_preferences, request)
    return NotificationPreferences.of(response.preferences)


@routes.patch(
    "/notifications/preferences",
    Operation(
        body=Body(pb.NotificationPreferences),
        answers=(NotificationPreferences,),
        errors=("INVALID_REQUEST", "USER_BANNED"),
    ),
)
async def update_preferences(call: Call) -> NotificationPreferences:
    """Say which kinds of notifications one wants.

    Only the kinds that are present change.
    """
    preferences, found = decode(call.body, pb.NotificationPreferences())
    request = pb.UpdateNotificationPreferencesRequest(preferences=preferences, violations=found.wire())
    response = await call.ask(call.services.forum.notifications.update_preferences, request)
    return NotificationPreferences.of(response.preferences)
