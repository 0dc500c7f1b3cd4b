"""Rows of `bookmarks`, and what they mark."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import bookmarks, replies
from forum.repository.collected import CollectedRepository
from forum.repository.replies import WrittenReply, select_written, written_reply


class BookmarkRepository(CollectedRepository):
    """All SQL about bookmarks."""

    def __init__(self) -> None:
        super().__init__(bookmarks)

    async def list_replies(self, connection: AsyncConnection, reply_ids: Collection[int]) -> dict[int, WrittenReply]:
        """Return replies with their authors by id, whatever became of them."""
        rows = await connection.execute(select_written().where(replies.c.id.in_(reply_ids)))
        return {written.reply.id: written for written in map(written_reply, rows)}
