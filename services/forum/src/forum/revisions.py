"""The versions of posts and replies, kept as they are edited; `revision_history.py` shows them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from plaza.forum.v1.target_pb2 import TargetKind


class Version(NamedTuple):
    """One version of a post or a reply.

    Attributes:
        version: From 1.
        editor_id: Who made it.
        title: Empty for a reply.
        content: Markdown.
        created_time: When it was made.
    """

    version: int
    editor_id: int
    title: str
    content: str
    created_time: datetime


class Revisions:
    """Keeps versions."""

    def __init__(self, foundation: Foundation) -> None:
        self._revisions = foundation.repositories.revisions

    async def keep(
        self,
        connection: AsyncConnection,
        *,
        target: tuple["TargetKind.ValueType", int],
        old: Version | None,
        new: Version,
    ) -> None:
        """Keep what an edit makes, in the transaction of the edit: one statement.

        Args:
            connection: The transaction; it holds the lock on the target's row.
            target: Kind and id.
            old: The first version, at the first edit: it stood in the target alone until now.
            new: The version that the target has from now on.
        """
        versions = [new] if old is None else [old, new]
        await self._revisions.insert(connection, target, [version._asdict() for version in versions])
