"""Rows of `cases`. What is due of a claim at a moment is the domain's to say; here it is only compared."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import cases, posts, replies
from plaza.forum.v1.moderation_service_pb2 import CASE_STATE_CLAIMED, CASE_STATE_OPEN, CASE_STATE_RESOLVED, CaseState
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, TargetKind


class CaseRow(NamedTuple):
    """One case; the attributes are the columns."""

    id: int
    target_kind: int
    target_id: int
    post_id: int
    is_held: bool
    report_count: int
    state: int
    moderator_id: int | None
    claimed_until_time: datetime | None
    resolution: str
    created_time: datetime
    updated_time: datetime


class CaseFilter(NamedTuple):
    """Which cases.

    Attributes:
        state: Where they stand at `now`; 0 is all that are not resolved.
        now: A claim that has ended by then counts for nothing.
        hidden_category_ids: Cases about posts in these, and about replies to them, are left out.
    """

    state: "CaseState.ValueType"
    now: datetime
    hidden_category_ids: Collection[int]


class CaseContent(NamedTuple):
    """What a case is about, as it is now."""

    author_id: int
    status: int
    content: str


_COLUMNS = tuple(cases.c[name] for name in CaseRow._fields)


class CaseRepository:
    """All SQL about cases. Statements are built once, at construction."""

    def __init__(self) -> None:
        self._by_id = select(*_COLUMNS).where(cases.c.id == bindparam("case_id"))
        self._by_id_locked = self._by_id.with_for_update()
        self._open_locked = select(*_COLUMNS).where(cases.c.open_key == bindparam("open_key")).with_for_update()

    async def find(self, connection: AsyncConnection, case_id: int) -> CaseRow | None:
        """Return one case."""
        row = (await connection.execute(self._by_id, {"case_id": case_id})).first()
        return None if row is None else CaseRow(*row)

    async def lock(self, connection: AsyncConnection, case_id: int) -> CaseRow | None:
        """Return one case and keep its row locked until the transaction ends."""
        row = (await connection.execute(self._by_id_locked, {"case_id": case_id})).first()
        return None if row is None else CaseRow(*row)

    async def lock_open(
        self, connection: AsyncConnection, target: tuple["TargetKind.ValueType", int]
    ) -> CaseRow | None:
        """Return the case of a target that is not resolved, locked; there is at most one."""
        row = (await connection.execute(self._open_locked, {"open_key": _open_key(target)})).first()
        return None if row is None else CaseRow(*row)

    async def insert(
        self, connection: AsyncConnection, target: tuple["TargetKind.ValueType", int], post_id: int, *, now: datetime
    ) -> bool:
        """Add an open case of a target; return False if there is one by now."""
        row = {
            "target_kind": int(target[0]),
            "target_id": target[1],
            "post_id": post_id,
            "is_held": False,
            "report_count": 0,
            "state": CASE_STATE_OPEN,
            "resolution": "",
            "created_time": now,
            "updated_time": now,
            "open_key": _open_key(target),
        }
        try:
            await connection.execute(insert(cases).values(row))
        except IntegrityError:
            return False
        return True

    async def update(self, connection: AsyncConnection, case_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one case; one that becomes resolved makes room for the next of its target."""
        if values.get("state") == CASE_STATE_RESOLVED:
            values = {**values, "open_key": None}
        await connection.execute(update(cases).where(cases.c.id == case_id).values(dict(values)))

    async def list_after(
        self, connection: AsyncConnection, wanted: CaseFilter, *, after_id: int, limit: int
    ) -> list[CaseRow]:
        """Return up to `limit` cases by id, from `after_id` (exclusive) on."""
        parts = [
            select(*_COLUMNS).where(condition, cases.c.id > after_id).order_by(cases.c.id).limit(limit)
            for condition in _conditions(wanted.state, wanted.now)
        ]
        if wanted.hidden_category_ids:
            parts = [_without_categories(part, wanted.hidden_category_ids) for part in parts]
        # One part for each stored state: every one reads its own range of the index.
        together = union_all(*(select(part.subquery()) for part in parts)).subquery()
        rows = await connection.execute(select(together).order_by(together.c.id).limit(limit))
        return [CaseRow(*row) for row in rows]

    async def find_contents(
        self, connection: AsyncConnection, targets: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], CaseContent]:
        """Return what those targets are, by kind and id; one statement for each kind."""
        found = {}
        for kind, table in ((TARGET_KIND_POST, posts), (TARGET_KIND_REPLY, replies)):
            ids = [target_id for target_kind, target_id in targets if target_kind == kind]
            if ids:
                columns = (table.c.id, table.c.author_id, table.c.status, table.c.content)
                rows = await connection.execute(select(*columns).where(table.c.id.in_(ids)))
                found.update({(int(kind), row[0]): CaseContent(*row[1:]) for row in rows})
        return found


def _open_key(target: tuple["TargetKind.ValueType", int]) -> bytes:
    return b"%d:%d" % target


def _conditions(state: "CaseState.ValueType", now: datetime) -> list[ColumnElement[bool]]:
    is_open = cases.c.state == CASE_STATE_OPEN
    is_claimed = cases.c.state == CASE_STATE_CLAIMED
    if state == CASE_STATE_OPEN:
        return [is_open, is_claimed & (cases.c.claimed_until_time <= now)]
    if state == CASE_STATE_CLAIMED:
        return [is_claimed & (cases.c.claimed_until_time > now)]
    if state == CASE_STATE_RESOLVED:
        return [cases.c.state == CASE_STATE_RESOLVED]
    return [is_open, is_claimed]


def _without_categories(part: Select[Any], category_ids: Collection[int]) -> Select[Any]:
    return part.join(posts, posts.c.id == cases.c.post_id).where(posts.c.category_id.not_in(category_ids))
