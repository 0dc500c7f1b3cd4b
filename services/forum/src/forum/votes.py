"""Votes on posts and replies. The counters are exact because the row of the post is locked first."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import OwnContent
from forum.foundation import Foundation
from forum.targets import LockedTarget, Targets
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import VoteCast
from plaza.forum.v1.target_pb2 import Target
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken


class Votes:
    """Takes votes."""

    def __init__(self, foundation: Foundation, targets: Targets, writers: Writers) -> None:
        self._votes = foundation.repositories.votes
        self._events = foundation.events
        self._clock = foundation.clock
        self._targets = targets
        self._writers = writers

    async def set(self, connection: AsyncConnection, caller: Caller, request: pb.SetVoteRequest) -> pb.SetVoteResponse:
        """Vote for or against a target, or take the vote back.

        Raises:
            NotFound: There is no such target for the caller (POST_NOT_FOUND, REPLY_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            OwnContent: (OWN_CONTENT.)
            InvalidArgument: The kind of the target or the value is not allowed (INVALID_REQUEST).
        """
        target = await self._targets.lock(connection, caller, request.target)
        await self._writers.require(connection, caller)
        if target.author_id == caller.user_id:
            raise OwnContent
        refuse_broken(request)
        old = await self._votes.find_value(connection, caller.user_id, target.key)
        if request.value == old:
            counted = target.reply or target.post
            return pb.SetVoteResponse(up_count=counted.up_count, down_count=counted.down_count)
        await self._store(connection, caller.user_id, target, old=old, new=request.value)
        return await self._count(connection, target, old=old, new=request.value)

    async def _store(
        self, connection: AsyncConnection, user_id: int, target: LockedTarget, *, old: int, new: int
    ) -> None:
        if new == 0:
            await self._votes.delete(connection, user_id, target.key)
        elif old == 0:
            await self._votes.insert(connection, user_id, target.key, value=new, now=self._clock())
        else:
            await self._votes.update(connection, user_id, target.key, value=new, now=self._clock())

    async def _count(
        self, connection: AsyncConnection, target: LockedTarget, *, old: int, new: int
    ) -> pb.SetVoteResponse:
        up, down = (new == 1) - (old == 1), (new == -1) - (old == -1)
        await self._votes.count(connection, target.key, up=up, down=down)
        counted = target.reply or target.post
        event = VoteCast(
            target=Target(kind=target.key[0], id=target.key[1]),
            post_id=target.post.id,
            author_id=target.author_id,
            up_count=counted.up_count + up,
            down_count=counted.down_count + down,
        )
        await self._events.about_post(connection, target.post.id, event)
        return pb.SetVoteResponse(up_count=event.up_count, down_count=event.down_count)
