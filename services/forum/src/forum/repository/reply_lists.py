"""Pages of the live replies of a post."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import replies
from forum.repository.replies import END, WrittenReply, select_written, written_reply
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.reply_service_pb2 import REPLY_SORT_NEW, REPLY_SORT_OLD, REPLY_SORT_TOP, ReplySort


class ReplyFilter(NamedTuple):
    """Which replies of a post, in which order."""

    post_id: int
    parent_id: int
    """Only those that answer it directly; 0 is all."""
    is_top_level: bool
    sort: "ReplySort.ValueType"


START: dict["ReplySort.ValueType", tuple[int, int]] = {
    REPLY_SORT_OLD: (0, 0),
    REPLY_SORT_NEW: (0, END),
    REPLY_SORT_TOP: (END, END),
}
"""Score and number of nothing that comes before all replies; without a bound the planner reads more than a page."""

_ORDERS: dict["ReplySort.ValueType", tuple[ColumnElement[Any], ...]] = {
    REPLY_SORT_OLD: (replies.c.number,),
    REPLY_SORT_NEW: (replies.c.number.desc(),),
    REPLY_SORT_TOP: (replies.c.score.desc(), replies.c.number.desc()),
}
_SCORE: ColumnElement[int] = bindparam("score", type_=replies.c.score.type)
_NUMBER: ColumnElement[int] = bindparam("number", type_=replies.c.number.type)
_AFTER: dict["ReplySort.ValueType", ColumnElement[bool]] = {
    REPLY_SORT_OLD: replies.c.number > _NUMBER,
    REPLY_SORT_NEW: replies.c.number < _NUMBER,
    # The first part alone bounds the index.
    REPLY_SORT_TOP: and_(replies.c.score <= _SCORE, or_(replies.c.score < _SCORE, replies.c.number < _NUMBER)),
}


class ReplyListRepository:
    """All SQL about lists of replies."""

    async def list_after(
        self, connection: AsyncConnection, wanted: ReplyFilter, *, after: tuple[int, int], limit: int
    ) -> list[WrittenReply]:
        """Return up to `limit` replies with their authors, after the one with this score and number.

        The page is chosen in an index alone: far down a long thread, or of one level of it, whole rows would be read
        only to be passed over.
        """
        page = select(replies.c.id.label("page_id")).where(
            replies.c.post_id == wanted.post_id, replies.c.status == CONTENT_STATUS_LIVE, _AFTER[wanted.sort]
        )
        if wanted.parent_id:
            page = page.where(replies.c.parent_id == wanted.parent_id)
        if wanted.is_top_level:
            page = page.where(replies.c.parent_id.is_(None))
        order = _ORDERS[wanted.sort]
        chosen = page.order_by(*order).limit(limit).subquery()
        statement = select_written().join(chosen, chosen.c.page_id == replies.c.id).order_by(*order)
        rows = await connection.execute(statement, {"score": after[0], "number": after[1]})
        return [written_reply(row) for row in rows]
