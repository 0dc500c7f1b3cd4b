"""Cases: what moderators have to look at. A target has at most one that is not resolved."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.foundation import Foundation
from forum.repository.cases import CaseRow
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1.moderation_service_pb2 import CASE_STATE_RESOLVED
from plaza.forum.v1.target_pb2 import TargetKind

TargetKey = tuple["TargetKind.ValueType", int]
"""Kind and id of a post or a reply."""


class Cases:
    """Opens and closes cases in the transactions of others."""

    def __init__(self, foundation: Foundation, audit: Audit) -> None:
        self._cases = foundation.repositories.cases
        self._events = foundation.events
        self._clock = foundation.clock
        self._audit = audit

    async def hold(self, connection: AsyncConnection, *, target: TargetKey, post_id: int) -> None:
        """Ask for the review of what a word filter held.

        Args:
            connection: The transaction.
            target: Of what was held.
            post_id: The post itself, or that of the reply.
        """
        case = await self.open(connection, target=target, post_id=post_id)
        await self._cases.update(connection, case.id, {"is_held": True, "updated_time": self._clock()})
        await self.announce(connection, case.id)

    async def open(self, connection: AsyncConnection, *, target: TargetKey, post_id: int) -> CaseRow:
        """Return the target's case, locked; a new one if there is none or the last is resolved."""
        case = await self._cases.lock_open(connection, target)
        if case is None:
            # Somebody else may be faster: then their case is joined.
            await self._cases.insert(connection, target, post_id, now=self._clock())
            case = await self._cases.lock_open(connection, target)
        if case is None:
            raise AssertionError("an open case neither was there nor could be added")
        return case

    async def close(
        self, connection: AsyncConnection, *, target: TargetKey, moderator_id: int, resolution: str
    ) -> None:
        """Resolve the target's case, if it has an open one: what it asks for has been done.

        Args:
            connection: The transaction.
            target: Whose.
            moderator_id: Who did it.
            resolution: `dismiss` or `remove`.
        """
        case = await self._cases.lock_open(connection, target)
        if case is not None:
            await self.resolve(connection, case, moderator_id=moderator_id, resolution=resolution)

    async def resolve(self, connection: AsyncConnection, case: CaseRow, *, moderator_id: int, resolution: str) -> None:
        """Write down how a locked case was decided."""
        values = {
            "state": CASE_STATE_RESOLVED,
            "moderator_id": moderator_id,
            "claimed_until_time": None,
            "resolution": resolution,
        }
        await self.change(connection, case, values, moderator_id=moderator_id, action="case.resolve")

    async def change(
        self, connection: AsyncConnection, case: CaseRow, values: Mapping[str, Any], *, moderator_id: int, action: str
    ) -> None:
        """Change a locked case, with its entry in the audit log and its event."""
        await self._cases.update(connection, case.id, {**values, "updated_time": self._clock()})
        target = (TargetKind.ValueType(case.target_kind), case.target_id)
        detail = " ".join(filter(None, [f"case {case.id}", values.get("resolution")]))
        await self._audit.record(connection, moderator_id, action=action, target=target, detail=detail)
        await self.announce(connection, case.id)

    async def announce(self, connection: AsyncConnection, case_id: int) -> None:
        """Tell moderators that a case is not what it was."""
        await self._events.for_moderators(connection, events_pb.CaseChanged(case_id=case_id))
