"""What has been done with posts and replies: by the caller, and how often by all."""

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.ranks import is_moderator
from plaza.forum.v1 import post_pb2
from plaza.forum.v1.target_pb2 import TargetKind
from plaza_kit.caller import Caller


class Viewers:
    """Answers for a whole page at once, whatever its length."""

    def __init__(self, foundation: Foundation) -> None:
        self._viewers = foundation.repositories.viewers

    async def of(
        self,
        connection: AsyncConnection,
        caller: Caller,
        kind: "TargetKind.ValueType",
        author_ids: Mapping[int, int],
    ) -> dict[int, post_pb2.Viewer]:
        """Return what the caller has to do with targets, in one statement.

        Args:
            connection: Where to read.
            caller: Whose view it is.
            kind: Posts or replies.
            author_ids: The targets: who wrote it, by its id.

        Returns:
            One message for each target; none at all for nobody.
        """
        if caller.is_anonymous or not author_ids:
            return {}
        may_edit_all = is_moderator(caller)
        viewers = {
            target_id: post_pb2.Viewer(may_edit=may_edit_all or author_id == caller.user_id)
            for target_id, author_id in author_ids.items()
        }
        for mark in await self._viewers.list_marks(connection, caller.user_id, kind, author_ids):
            viewer = viewers[mark.target_id]
            if mark.kind == "vote":
                viewer.vote = mark.value
            elif mark.kind == "reaction":
                viewer.reactions.append(mark.emoji)
            elif mark.kind == "bookmark":
                viewer.is_bookmarked = True
            else:
                viewer.is_followed = True
        return viewers

    async def reactions(
        self, connection: AsyncConnection, kind: "TargetKind.ValueType", target_ids: Collection[int]
    ) -> dict[int, list[post_pb2.ReactionCount]]:
        """Return the reactions to targets, most frequent first, in one statement; those without any are left out."""
        if not target_ids:
            return {}
        found: dict[int, list[post_pb2.ReactionCount]] = {}
        rows = await self._viewers.count_reactions(connection, kind, target_ids)
        for target_id, emoji, count in sorted(rows, key=lambda row: (-row[2], row[1])):
            found.setdefault(target_id, []).append(post_pb2.ReactionCount(emoji=emoji, count=count))
        return found

    async def reads(
        self, connection: AsyncConnection, caller: Caller, post_ids: Collection[int]
    ) -> dict[int, post_pb2.ReadPosition]:
        """Return how far the caller has read posts, in one statement; those they have not opened are left out."""
        if caller.is_anonymous or not post_ids:
            return {}
        found = await self._viewers.list_reads(connection, caller.user_id, post_ids)
        return {post_id: post_pb2.ReadPosition(last_read_number=number) for post_id, number in found.items()}
