"""The audit log: what moderators and admins did, written in the transaction in which they did it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from plaza.forum.v1.target_pb2 import TARGET_KIND_UNSPECIFIED, TargetKind

DETAIL_MAX = 1000


class Audit:
    """Writes entries."""

    def __init__(self, foundation: Foundation) -> None:
        self._entries = foundation.repositories.audit
        self._clock = foundation.clock

    async def record(
        self,
        connection: AsyncConnection,
        actor_id: int,
        *,
        action: str,
        target: tuple["TargetKind.ValueType", int] = (TARGET_KIND_UNSPECIFIED, 0),
        detail: str = "",
    ) -> None:
        """Add an entry.

        Args:
            connection: The transaction of the action.
            actor_id: Who acts.
            action: One of the contract's (AuditEntry.action).
            target: Kind and id of what it is done to.
            detail: Why, or what exactly; cut to 1000 code points.
        """
        values = {
            "actor_id": actor_id,
            "action": action,
            "target_kind": int(target[0]),
            "target_id": target[1],
            "detail": detail[:DETAIL_MAX],
        }
        await self._entries.insert(connection, values, self._clock())
