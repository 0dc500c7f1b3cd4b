"""Whom an event of this service is news for.

Events carry ids; text, status and permissions are those of the moment in which the event is applied. A user gets at
most one notification of an event: that they are named counts more than that they are replied to, and this more than
that they follow. Nobody hears of their own doing, nor of somebody whom they block, nor of what they may not read.

What is not in sight when its event is applied (it waits for a review, or went again at once) is held, and given when
it comes into sight: so a text is news exactly once, however often it vanishes and comes back.

Followers may be many. Up to `BATCH` are notified in the transaction of the event; if there may be more, it writes
`FollowersWaiting` into the outbox, which comes back here as an event of its own. Each part is applied once, in one
transaction with the note on where the next begins, so a crash neither loses nor repeats anything; and other events
take their turn in between.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.notices import Notices, group_key
from forum.ranks import ANYONE
from forum.repository.held_notices import HeldNotice
from forum.repository.notifications import Notice
from forum.repository.occasions import Occasion, Target
from plaza.forum.v1 import forum_events_pb2 as pb
from plaza.forum.v1.notification_pb2 import (
    NOTIFICATION_KIND_ACCEPTED,
    NOTIFICATION_KIND_FOLLOWED_POST,
    NOTIFICATION_KIND_FOLLOWED_REPLY,
    NOTIFICATION_KIND_MENTION,
    NOTIFICATION_KIND_MODERATION,
    NOTIFICATION_KIND_REPLY,
    NOTIFICATION_KIND_VOTE_MILESTONE,
    NotificationKind,
)
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_TAG,
    TARGET_KIND_USER,
)

BATCH = 500
"""Followers of one transaction."""

MENTIONS_MAX = 20
"""A text has no more (`content.Rendered`); edits of a held one add up to no more."""

REMOVED = "content.remove"
"""The action of the audit log that a removal is."""


def is_milestone(count: int) -> bool:
    """Tell whether a number of votes is worth a notification: 1, 5, 10, 25, 50, 100, 250, 500, 1,000, 2,500, ..."""
    scale = 1
    while count >= 100 * scale:
        scale *= 10
    return count in (1, 5) if count < 10 else count in (10 * scale, 25 * scale, 50 * scale)


@dataclass(frozen=True, slots=True)
class _News:
    """A text that is news, and whose doing it is."""

    occasion: Occasion
    actor_id: int


class Notifying:
    """Turns events into notifications."""

    def __init__(self, foundation: Foundation, notices: Notices) -> None:
        repositories = foundation.repositories
        self._occasions = repositories.occasions
        self._recipients = repositories.recipients
        self._held = repositories.held_notices
        self._notifications = repositories.notifications
        self._events = foundation.events
        self._clock = foundation.clock
        self._notices = notices
        self._rules: Mapping[type[Message], Callable[[AsyncConnection, Any, Occasion], Awaitable[None]]] = {
            pb.PostCreated: self._created,
            pb.ReplyCreated: self._created,
            pb.PostUpdated: self._updated,
            pb.ReplyUpdated: self._updated,
            pb.PostRestored: self._restored,
            pb.ReplyRestored: self._restored,
            pb.PostDeleted: self._deleted,
            pb.ReplyDeleted: self._deleted,
            pb.PostModerated: self._moderated,
            pb.AnswerAccepted: self._accepted,
            pb.VoteCast: self._voted,
            pb.FollowersWaiting: self._continued,
        }

    @property
    def types(self) -> Collection[type[Message]]:
        """The events that there are rules for."""
        return self._rules.keys()

    async def apply(self, connection: AsyncConnection, event: Any, occasion: Occasion) -> None:
        """Notify of an event, as part of the transaction in which it is applied.

        Args:
            connection: The transaction.
            event: One of `types`.
            occasion: The post or reply that it is about.
        """
        await self._rules[type(event)](connection, event, occasion)

    async def _created(self, connection: AsyncConnection, event: Any, occasion: Occasion) -> None:
        held = HeldNotice(True, event.author_id, list(event.mentioned_user_ids)[:MENTIONS_MAX])
        await self._announce(connection, occasion, held)

    async def _updated(self, connection: AsyncConnection, event: Any, occasion: Occasion) -> None:
        if not event.mentioned_user_ids:
            return
        held = HeldNotice(False, event.editor_id, list(event.mentioned_user_ids)[:MENTIONS_MAX])
        await self._announce(connection, occasion, held)

    async def _restored(self, connection: AsyncConnection, event: Any, occasion: Occasion) -> None:
        held = await self._held.find(connection, occasion.target)
        if held is not None and occasion.is_live:
            await self._held.remove(connection, occasion.target)
            await self._announce(connection, occasion, held)

    async def _announce(self, connection: AsyncConnection, occasion: Occasion, notice: HeldNotice) -> None:
        if not occasion.is_live:
            await self._hold(connection, occasion.target, notice)
            return
        news = _News(occasion, notice.actor_id)
        answered = [occasion.answered_author_id] if notice.is_new and occasion.reply_id else []
        notified = await self._notify_named(connection, news, notice.mentioned_user_ids, answered)
        if notice.is_new:
            await self._notify_followers(connection, news, after_user_id=0, notified=notified)

    async def _hold(self, connection: AsyncConnection, target: Target, notice: HeldNotice) -> None:
        before = await self._held.find(connection, target)
        if before is None:
            await self._held.insert(connection, target, notice, self._clock())
            return
        mentioned = dict.fromkeys([*before.mentioned_user_ids, *notice.mentioned_user_ids])
        await self._held.set_mentioned(connection, target, list(mentioned)[:MENTIONS_MAX])

    async def _notify_named(
        self, connection: AsyncConnection, news: _News, mentioned: Sequence[int], answered: Sequence[int]
    ) -> list[int]:
        """Notify those whom a text names and whom it answers; return who was notified."""
        wishes: dict[int, list[NotificationKind.ValueType]] = {}
        for user_id in mentioned:
            wishes[user_id] = [NOTIFICATION_KIND_MENTION]
        for user_id in answered:
            wishes.setdefault(user_id, []).append(NOTIFICATION_KIND_REPLY)
        return await self._notify(connection, news, wishes)

    async def _notify_followers(
        self, connection: AsyncConnection, news: _News, *, after_user_id: int, notified: Sequence[int]
    ) -> None:
        occasion = news.occasion
        kind = NOTIFICATION_KIND_FOLLOWED_REPLY if occasion.reply_id else NOTIFICATION_KIND_FOLLOWED_POST
        targets = await self._followed(connection, news)
        followers = await self._recipients.list_followers(connection, targets, after_user_id=after_user_id, limit=BATCH)
        await self._notify(connection, news, {user_id: [kind] for user_id in followers if user_id not in notified})
        if len(followers) == BATCH:
            waiting = pb.FollowersWaiting(
                post_id=occasion.post_id,
                reply_id=occasion.reply_id,
                actor_id=news.actor_id,
                after_user_id=followers[-1],
                notified_user_ids=notified,
            )
            await self._events.for_itself(connection, waiting)

    async def _followed(self, connection: AsyncConnection, news: _News) -> Sequence[Target]:
        occasion = news.occasion
        if occasion.reply_id:
            return [(TARGET_KIND_POST, occasion.post_id)]
        tag_ids = await self._occasions.list_tags(connection, occasion.post_id)
        return [
            (TARGET_KIND_USER, occasion.author_id),
            (TARGET_KIND_CATEGORY, occasion.category_id),
            *((TARGET_KIND_TAG, tag_id) for tag_id in tag_ids),
        ]

    async def _continued(self, connection: AsyncConnection, event: pb.FollowersWaiting, occasion: Occasion) -> None:
        if occasion.is_live:
            news = _News(occasion, event.actor_id)
            await self._notify_followers(
                connection, news, after_user_id=event.after_user_id, notified=event.notified_user_ids
            )

    async def _notify(
        self,
        connection: AsyncConnection,
        news: _News,
        wishes: Mapping[int, Sequence["NotificationKind.ValueType"]],
    ) -> list[int]:
        """Give each user the first of the kinds that they want, if they may have it; return who got one."""
        if not wishes:
            return []
        occasion = news.occasion
        eligible = await self._recipients.list_eligible(
            connection, wishes, actor_id=news.actor_id, least_rank=occasion.read_rank, now=self._clock()
        )
        unwanted = await self._recipients.list_unwanted(connection, eligible) if eligible else set()
        chosen: dict[NotificationKind.ValueType, list[int]] = {}
        for user_id in sorted(eligible):
            kind = next((kind for kind in wishes[user_id] if (user_id, kind) not in unwanted), None)
            if kind is not None:
                chosen.setdefault(kind, []).append(user_id)
        for kind, user_ids in chosen.items():
            notice = Notice(kind, _key_of(kind, occasion), news.actor_id, occasion.post_id, occasion.reply_id)
            await self._notices.give(connection, user_ids, notice, least_rank=occasion.read_rank)
        return [user_id for user_ids in chosen.values() for user_id in user_ids]

    async def _deleted(self, connection: AsyncConnection, event: Any, occasion: Occasion) -> None:
        if event.status == CONTENT_STATUS_REMOVED:
            reason = await self._occasions.find_reason(connection, occasion.target, REMOVED)
            await self._tell_author(connection, event.actor_id, occasion, action=REMOVED, reason=reason)

    async def _moderated(self, connection: AsyncConnection, event: pb.PostModerated, occasion: Occasion) -> None:
        await self._tell_author(connection, event.actor_id, occasion, action=event.action, reason="")

    async def _tell_author(
        self, connection: AsyncConnection, actor_id: int, occasion: Occasion, *, action: str, reason: str
    ) -> None:
        if actor_id == occasion.author_id:
            return
        key = group_key(NOTIFICATION_KIND_MODERATION, occasion.post_id, occasion.reply_id)
        notice = Notice(
            NOTIFICATION_KIND_MODERATION, key, None, occasion.post_id, occasion.reply_id, action, reason[:500]
        )
        # Of one's own text one may always hear, wherever it stands by now; whom one blocks does not matter.
        await self._give_author(connection, occasion._replace(read_rank=ANYONE), notice)

    async def _accepted(self, connection: AsyncConnection, event: pb.AnswerAccepted, occasion: Occasion) -> None:
        is_so = occasion.is_live and event.reply_id and occasion.accepted_reply_id == event.reply_id
        if is_so:
            await self._notify(
                connection, _News(occasion, event.actor_id), {occasion.author_id: [NOTIFICATION_KIND_ACCEPTED]}
            )

    async def _voted(self, connection: AsyncConnection, event: pb.VoteCast, occasion: Occasion) -> None:
        """Tell each milestone once; the highest is remembered in the notification, and goes with it after 90 days."""
        if not occasion.is_live or not is_milestone(event.up_count):
            return
        key = group_key(NOTIFICATION_KIND_VOTE_MILESTONE, occasion.post_id, occasion.reply_id)
        reached = await self._notifications.find_detail(connection, occasion.author_id, key)
        if event.up_count > int(reached or 0):
            notice = Notice(
                NOTIFICATION_KIND_VOTE_MILESTONE,
                key,
                None,
                occasion.post_id,
                occasion.reply_id,
                str(event.up_count),
            )
            await self._give_author(connection, occasion, notice)

    async def _give_author(self, connection: AsyncConnection, occasion: Occasion, notice: Notice) -> None:
        author = [occasion.author_id]
        eligible = await self._recipients.list_eligible(
            connection, author, actor_id=0, least_rank=occasion.read_rank, now=self._clock()
        )
        unwanted = await self._recipients.list_unwanted(connection, author)
        if eligible and (occasion.author_id, notice.kind) not in unwanted:
            await self._notices.give(connection, author, notice, least_rank=occasion.read_rank)


def _key_of(kind: "NotificationKind.ValueType", occasion: Occasion) -> bytes:
    """Return what is counted together: replies to one text, new replies of a post; else each text by itself."""
    if kind == NOTIFICATION_KIND_REPLY:
        return group_key(kind, occasion.post_id, occasion.parent_reply_id)
    if kind == NOTIFICATION_KIND_FOLLOWED_REPLY:
        return group_key(kind, occasion.post_id)
    return group_key(kind, occasion.post_id, occasion.reply_id)
