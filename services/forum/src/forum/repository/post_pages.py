"""Pages of posts by number, newest first: the hottest list, so its statements are prepared and its rows are tuples.

The posts of a page are found in the index `ix_posts_new` alone, however far down they are; only they are then looked
up. Moments are naive and in UTC, because nothing but a message is made of them.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)

from forum.models import categories, posts, users
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza_kit.db import Database

SETS_MAX = 8
"""Sets of hidden categories whose statements are kept: one for each rank, and some more while categories change."""


class Place(NamedTuple):
    """Where a post stands in the order of writing."""

    created_time: datetime
    post_id: int


OLDEST = Place(datetime(1970, 1, 1), 0)
"""Before all posts."""


class State(NamedTuple):
    """How many posts there are.

    Attributes:
        total: Live posts in readable categories.
        changes: Another one whenever one of them left, came back or moved; not when one was added.
    """

    total: int
    changes: tuple[int, int]


class ListedRow(NamedTuple):
    """One post of a page, and how many there were when it was read."""

    id: int
    title: str
    content: str
    author: str
    created_time: datetime
    updated_time: datetime
    reply_count: int
    total: int


class PageStatements:
    """The statements for readers to whom some categories do not exist.

    Args:
        database: Prepares them.
        hidden: The ids of these categories.
    """

    def __init__(self, database: Database, hidden: frozenset[int]) -> None:
        # The numbers stand in the text, because a prepared statement has no lists; they are our own.
        numbers = [literal_column(str(category_id), BigInteger) for category_id in sorted(hidden)]
        shown = posts.c.status == CONTENT_STATUS_LIVE
        counted = select().select_from(categories)
        if hidden:
            shown &= posts.c.category_id.not_in(numbers)
            counted = counted.where(categories.c.id.not_in(numbers))
        total, changes, ids = (_sum(counted, name) for name in ("post_count", "change_count", "id"))
        at_or_below = _beside("<=", "<", posts.c.id <= _PLACE_ID)
        above = _beside(">=", ">", posts.c.id > _PLACE_ID)
        state = (total.scalar_subquery(), changes.scalar_subquery(), ids.scalar_subquery())
        self._newest = database.prepare(_page(select(posts.c.id).where(shown), state[:1]))
        self._from_place = database.prepare(_page(select(posts.c.id).where(shown, at_or_below), state))
        self._state = database.prepare(select(*state))
        self._above = database.prepare(
            select(_CREATED, posts.c.id)
            .where(shown, above, posts.c.created_time < _BEFORE)
            .order_by(posts.c.created_time, posts.c.id)
            .limit(1)
            .offset(_SKIP)
        )

    async def newest(self, *, skip: int, limit: int) -> list[ListedRow]:
        """Return posts, newest first, after so many that are newer."""
        return _in_order(await self._newest.all(skip=skip, limit=limit))

    async def from_place(self, place: Place, *, skip: int, limit: int) -> tuple[list[ListedRow], State | None]:
        """Return posts, newest first, from a place down after so many; and the state, unless there are none."""
        found = await self._from_place.all(
            place_time=place.created_time, place_id=place.post_id, skip=skip, limit=limit
        )
        return _in_order(found), _state(found[0][-3:]) if found else None

    async def state(self) -> State:
        """Return how many posts there are now."""
        found = await self._state.first()
        return _state(found or (0, 0, 0))

    async def place_above(self, place: Place, *, skip: int, before: datetime) -> Place | None:
        """Return the place of the post above another one, after so many.

        None if there is no such post that was written earlier than `before` (naive, UTC).
        """
        values = {"place_time": place.created_time, "place_id": place.post_id, "skip": skip, "before": before}
        row = await self._above.first(**values)
        return None if row is None else Place(*row)


class PostPageRepository:
    """Keeps the statements for each set of hidden categories."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sets: OrderedDict[frozenset[int], PageStatements] = OrderedDict()

    def without(self, hidden: frozenset[int]) -> PageStatements:
        """Return the statements for readers to whom these categories do not exist."""
        statements = self._sets.pop(hidden, None) or PageStatements(self._database, hidden)
        self._sets[hidden] = statements
        if len(self._sets) > SETS_MAX:
            self._sets.popitem(last=False)
        return statements


_NAIVE = DateTime()
_CREATED = type_coerce(posts.c.created_time, _NAIVE)
_PLACE_TIME = bindparam("place_time", type_=_NAIVE)
_PLACE_ID = bindparam("place_id", type_=BigInteger)
_BEFORE = bindparam("before", type_=_NAIVE)
_SKIP = bindparam("skip", type_=Integer)
_LIMIT = bindparam("limit", type_=Integer)


def _beside(bound: str, strict: str, same_moment: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition on the place, in a form that planners make a range of the index of."""
    created = posts.c.created_time
    return created.op(bound, is_comparison=True)(_PLACE_TIME) & (
        created.op(strict, is_comparison=True)(_PLACE_TIME) | same_moment
    )


def _sum(counted: Select[Any], name: str) -> Select[Any]:
    return counted.add_columns(func.coalesce(func.sum(categories.c[name]), 0))


def _page(found: Select[Any], more: Sequence[ColumnElement[Any]]) -> Select[Any]:
    page = found.order_by(posts.c.created_time.desc(), posts.c.id.desc()).limit(_LIMIT).offset(_SKIP).subquery("page")
    columns = (
        posts.c.id,
        posts.c.title,
        posts.c.content,
        users.c.username,
        _CREATED,
        type_coerce(posts.c.updated_time, _NAIVE),
        posts.c.reply_count,
    )
    joined = page.join(posts, posts.c.id == page.c.id).outerjoin(users, users.c.id == posts.c.author_id)
    return select(*columns, *more).select_from(joined)


def _in_order(rows: Sequence[tuple[Any, ...]]) -> list[ListedRow]:
    """Return the rows newest first: a derived table has no order, and a page is sorted here for nothing."""
    found = [ListedRow(*row[:8]) for row in rows]
    found.sort(key=_place, reverse=True)
    return found


def _place(row: ListedRow) -> tuple[datetime, int]:
    return row.created_time, row.id


def _state(row: Sequence[Any]) -> State:
    total, changes, ids = row
    return State(int(total), (int(changes), int(ids)))
