"""Places in the list of all posts, so that a page far down is found without counting from the top.

Posts are numbered from the oldest, from 1: such a number does not change when posts are added, only when one leaves,
comes back or moves, which the categories count (`change_count`). The place of every 500th post is kept in memory, as
far up as somebody has asked for, and is good as long as that count is what it was when it was read. Posts of the last
minute are left out: their transactions may end in another order than that of their moments.
"""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from forum.clock import Clock
from forum.repository.post_pages import OLDEST, SETS_MAX, PageStatements, Place

STEP = 500
LANDMARKS_MAX = 20_000
"""Of one set of categories: enough for ten million posts, 4 MB."""
SETTLED_AFTER = timedelta(minutes=1)


class PagePositions:
    """Finds the place of a post by its number."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sets: OrderedDict[frozenset[int], _Landmarks] = OrderedDict()

    async def find(
        self, statements: PageStatements, hidden: frozenset[int], *, number: int, changes: tuple[int, int]
    ) -> tuple[Place, int] | None:
        """Return a place at or less than `STEP` posts above a post, and how many posts above it is.

        None if the post is too young. It is the right place if the state's `changes` are still the same when posts are
        read from there: they never come back to an earlier value.

        Args:
            statements: For reading places.
            hidden: The categories that these leave out.
            number: Of the post, counted from the oldest, from 1.
            changes: Of the state in which the post has this number.
        """
        landmarks = self._sets.pop(hidden, None) or _Landmarks()
        self._sets[hidden] = landmarks
        if len(self._sets) > SETS_MAX:
            self._sets.popitem(last=False)
        count = -(-number // STEP)
        before = (self._clock() - SETTLED_AFTER).replace(tzinfo=None)
        place = await landmarks.reach(statements, count, changes=changes, before=before)
        return None if place is None else (place, count * STEP - number)


class _Landmarks:
    """The places of the posts numbered 500, 1000, ... as they were when `changes` was read."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._changes: tuple[int, int] | None = None
        self._lock = asyncio.Lock()  # whoever waits for it finds the work done; what a cancelled one did stays

    async def reach(
        self, statements: PageStatements, count: int, *, changes: tuple[int, int], before: datetime
    ) -> Place | None:
        """Return the place of a landmark, counted from 1; reads those up to it that are not known."""
        if count > LANDMARKS_MAX:
            return None
        async with self._lock:
            if self._changes != changes:
                self._places.clear()
                self._changes = changes
            while len(self._places) < count:
                last = self._places[-1] if self._places else OLDEST
                place = await statements.place_above(last, skip=STEP - 1, before=before)
                if place is None:
                    return None
                self._places.append(place)
            return self._places[count - 1]
