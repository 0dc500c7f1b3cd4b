"""Notifications as they come to users: grouped rows, and an event for each.

A notification's group is what it is about. What happens in a group again before the user has read it is counted in
the same row; after that the row begins again. A notice is given in the transaction in which its event is marked as
applied, so it is never counted twice.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.repository.notifications import Notice, NotificationRow
from forum.times import timestamp
from forum.writers import author_of
from plaza.forum.v1 import forum_events_pb2, post_pb2
from plaza.forum.v1 import notification_pb2 as pb

PREFERENCES: dict[str, "pb.NotificationKind.ValueType"] = {
    "reply": pb.NOTIFICATION_KIND_REPLY,
    "mention": pb.NOTIFICATION_KIND_MENTION,
    "vote_milestone": pb.NOTIFICATION_KIND_VOTE_MILESTONE,
    "accepted": pb.NOTIFICATION_KIND_ACCEPTED,
    "followed_reply": pb.NOTIFICATION_KIND_FOLLOWED_REPLY,
    "followed_post": pb.NOTIFICATION_KIND_FOLLOWED_POST,
    "moderation": pb.NOTIFICATION_KIND_MODERATION,
}
"""The kinds by their names in `NotificationPreferences`."""

_NAMES = {kind: name for name, kind in PREFERENCES.items()}


def group_key(kind: "pb.NotificationKind.ValueType", *ids: int) -> bytes:
    """Return the key of what is counted together: `reply:7:0`."""
    return ":".join([_NAMES[kind], *map(str, ids)]).encode()


def notification_of(row: NotificationRow, *, rank: int) -> pb.Notification:
    """Return a notification as its user sees it.

    Args:
        row: The row.
        rank: The user's rank: the title of a post that they may not read (any more) is left out, but for their own.
    """
    may_read = row.is_post_live and rank >= row.read_rank
    return pb.Notification(
        id=row.id,
        kind=pb.NotificationKind.ValueType(row.kind),
        actor=_actor_of(row),
        count=row.count,
        post_id=row.post_id,
        post_title=row.post_title if may_read or row.post_author_id == row.user_id else "",
        reply_id=row.reply_id,
        detail=row.detail,
        is_read=row.is_read,
        updated_time=timestamp(row.updated_time),
        reason=row.reason,
    )


def _actor_of(row: NotificationRow) -> post_pb2.Author | None:
    if row.actor_id is None:
        return None
    return author_of((row.actor_id, row.actor_username, row.actor_avatar, row.is_actor_deleted))


class Notices:
    """Gives notices to users."""

    def __init__(self, foundation: Foundation) -> None:
        self._notifications = foundation.repositories.notifications
        self._events = foundation.events
        self._clock = foundation.clock

    async def give(
        self, connection: AsyncConnection, user_ids: Sequence[int], notice: Notice, *, least_rank: int
    ) -> None:
        """Write notifications and their events (NotificationChanged), as part of a transaction.

        Args:
            connection: The transaction.
            user_ids: Whose; at most some hundred. They may have the notice and want it.
            notice: What of.
            least_rank: Rank that each of them has at least.
        """
        if not user_ids:
            return
        rows = await self._notifications.record(connection, user_ids, notice, self._clock())
        unread = await self._notifications.count_unread_of(connection, user_ids)
        events = {
            row.user_id: forum_events_pb2.NotificationChanged(
                user_id=row.user_id,
                notification=notification_of(row, rank=least_rank),
                unread_count=unread.get(row.user_id, 0),
            )
            for row in rows
        }
        await self._events.about_users(connection, events)
