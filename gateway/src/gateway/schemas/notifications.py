"""Notifications in answers."""

from typing import Literal

import msgspec

from gateway.schemas.forum import Author, Count
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import notification_pb2, notification_service_pb2

Kind = Literal["reply", "mention", "vote_milestone", "accepted", "followed_reply", "followed_post", "moderation"]

_KINDS: dict[int, Kind] = {
    notification_pb2.NOTIFICATION_KIND_REPLY: "reply",
    notification_pb2.NOTIFICATION_KIND_MENTION: "mention",
    notification_pb2.NOTIFICATION_KIND_VOTE_MILESTONE: "vote_milestone",
    notification_pb2.NOTIFICATION_KIND_ACCEPTED: "accepted",
    notification_pb2.NOTIFICATION_KIND_FOLLOWED_REPLY: "followed_reply",
    notification_pb2.NOTIFICATION_KIND_FOLLOWED_POST: "followed_post",
    notification_pb2.NOTIFICATION_KIND_MODERATION: "moderation",
}


class Notification(msgspec.Struct):
    """One notification.

    `actor` did it last, null where it is nobody's business; `count` is how often it happened since it was last read;
    `detail` is a milestone or what a moderator did, `reason` why, in the moderator's words.
    """

    id: Id
    kind: Kind
    actor: Author | None
    count: Count
    post_id: Id
    post_title: str
    reply_id: Id | None
    detail: str
    reason: str
    is_read: bool
    updated_time: Milliseconds

    @classmethod
    def of(cls, notification: notification_pb2.Notification) -> "Notification":
        """Return what the service keeps."""
        return cls(
            notification.id,
            _KINDS[notification.kind],
            Author.of(notification.actor) if notification.HasField("actor") else None,
            notification.count,
            notification.post_id,
            notification.post_title,
            notification.reply_id or None,
            notification.detail,
            notification.reason,
            notification.is_read,
            to_milliseconds(notification.updated_time),
        )


class Notifications(msgspec.Struct):
    """A page of notifications, last changed first."""

    notifications: list[Notification]
    next_page_token: str


class UnreadCount(msgspec.Struct):
    """How many notifications are unread; at most 1,000 are counted."""

    unread_count: Count


class NotificationPreferences(msgspec.Struct):
    """Which kinds one wants."""

    reply: bool
    mention: bool
    vote_milestone: bool
    accepted: bool
    followed_reply: bool
    followed_post: bool
    moderation: bool

    @classmethod
    def of(cls, preferences: notification_service_pb2.NotificationPreferences) -> "NotificationPreferences":
        """Return what the service keeps."""
        return cls(*(getattr(preferences, name) for name in cls.__struct_fields__))
