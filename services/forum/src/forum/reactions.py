"""Reactions: emoji that users give to posts and replies."""

from collections.abc import Mapping

import emoji
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import LimitReached
from forum.foundation import Foundation
from forum.targets import LockedTarget, Targets
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import ReactionChanged
from plaza.forum.v1.post_pb2 import ReactionCount
from plaza.forum.v1.target_pb2 import Target
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import in_order, refuse
from plaza_kit.fields import check, missing, violations_of

OF_USER_MAX = 10
"""Emoji of one user on one target."""
DIFFERENT_MAX = 30
"""Different emoji on one target."""


class Reactions:
    """Gives emoji and takes them back."""

    def __init__(self, foundation: Foundation, targets: Targets, writers: Writers) -> None:
        self._reactions = foundation.repositories.reactions
        self._events = foundation.events
        self._clock = foundation.clock
        self._targets = targets
        self._writers = writers

    async def add(
        self, connection: AsyncConnection, caller: Caller, request: pb.AddReactionRequest
    ) -> pb.AddReactionResponse:
        """Give a target an emoji; one that was given before stays.

        Raises:
            NotFound: There is no such target for the caller (POST_NOT_FOUND, REPLY_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            InvalidArgument: The kind of the target is not allowed, or it is not one emoji (INVALID_REQUEST).
            LimitReached: The user gave it 10, or there are 30 different ones on it (LIMIT_REACHED).
        """
        target, given = await self._prepare(connection, caller, request)
        counts = await self._reactions.list_of_target(connection, target.key)
        own = await self._reactions.list_of_user(connection, caller.user_id, target.key)
        if given not in own:
            if len(own) >= OF_USER_MAX:
                raise LimitReached(OF_USER_MAX)
            if given not in counts and len(counts) >= DIFFERENT_MAX:
                raise LimitReached(DIFFERENT_MAX)
            await self._reactions.insert(connection, caller.user_id, target.key, emoji=given, now=self._clock())
            counts[given] = counts.get(given, 0) + 1
            await self._announce(connection, target, given, count=counts[given])
        return pb.AddReactionResponse(reactions=_in_order(counts))

    async def remove(
        self, connection: AsyncConnection, caller: Caller, request: pb.RemoveReactionRequest
    ) -> pb.RemoveReactionResponse:
        """Take an emoji back; errors as `add`, but for the limits."""
        target, given = await self._prepare(connection, caller, request)
        was_there = await self._reactions.delete(connection, caller.user_id, target.key, emoji=given)
        counts = await self._reactions.list_of_target(connection, target.key)
        if was_there:
            await self._announce(connection, target, given, count=counts.get(given, 0))
        return pb.RemoveReactionResponse(reactions=_in_order(counts))

    async def _prepare(
        self,
        connection: AsyncConnection,
        caller: Caller,
        request: pb.AddReactionRequest | pb.RemoveReactionRequest,
    ) -> tuple[LockedTarget, str]:
        """Return the target, with its post locked, and the emoji in its one spelling."""
        target = await self._targets.lock(connection, caller, request.target)
        await self._writers.require(connection, caller)
        reported = violations_of(request)
        violations = [*reported, *check(request), *missing(request, reported)]
        given = normalise(request.emoji)
        if request.emoji and not given:
            violations.append(Violation("emoji", "BAD_FORMAT"))
        refuse(in_order(request, violations))
        return target, given

    async def _announce(self, connection: AsyncConnection, target: LockedTarget, given: str, *, count: int) -> None:
        kind, target_id = target.key
        event = ReactionChanged(
            target=Target(kind=kind, id=target_id), post_id=target.post.id, emoji=given, count=count
        )
        await self._events.about_post(connection, target.post.id, event)


def normalise(text: str) -> str:
    """Return an emoji as Unicode recommends to send it, fully qualified; empty if the text is not exactly one emoji.

    What only modifies others (a skin tone, hair) is none. The same emoji may come with and without variation selectors.
    """
    known = emoji.EMOJI_DATA.get(text)
    if known is None or known["status"] == emoji.STATUS["component"]:
        return ""
    return emoji.emojize(known["en"])


def _in_order(counts: Mapping[str, int]) -> list[ReactionCount]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [ReactionCount(emoji=given, count=count) for given, count in ordered]
