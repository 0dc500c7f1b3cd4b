"""What admins do with categories: at most 500, nested one level.

Every change first locks the rows of all categories: the rules are about several rows at once, and changes are rare.
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.categories import Categories, category_of
from forum.errors import CategoryNotEmpty, CategoryNotFound, CategoryTooDeep, LimitReached
from forum.foundation import Foundation
from forum.ranks import ANYONE, RANKS, USER
from forum.repository.categories import CategoryRow
from forum.writers import Writers
from plaza.forum.v1 import category_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import CategoryChanged
from plaza.forum.v1.target_pb2 import TARGET_KIND_CATEGORY
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import masked_values, set_values
from plaza_kit.fields import missing, violations_of

CATEGORIES_MAX = 500

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NEW: dict[str, Any] = {
    "description": "",
    "parent_id": None,
    "read_rank": ANYONE,
    "write_rank": USER,
    "position": 0,
}

_Rows = dict[int, CategoryRow]


class CategoryChanges:
    """Makes, changes and removes categories.

    Args:
        foundation: What to stand on.
        writers: Knows who is banned.
        audit: The log of it.
        default_category_id: The one that stays.
    """

    def __init__(self, foundation: Foundation, writers: Writers, audit: Audit, *, default_category_id: int) -> None:
        self._categories = foundation.repositories.categories
        self._follows = foundation.repositories.follows
        self._events = foundation.events
        self._clock = foundation.clock
        self._writers = writers
        self._audit = audit
        self._default_category_id = default_category_id

    async def create(
        self, connection: AsyncConnection, caller: Caller, request: pb.CreateCategoryRequest
    ) -> pb.CreateCategoryResponse:
        """Make a category.

        Raises:
            InvalidArgument: A field is broken or absent (INVALID_REQUEST).
            CategoryNotFound: There is no such parent (CATEGORY_NOT_FOUND).
            CategoryTooDeep: The parent has one itself (CATEGORY_TOO_DEEP).
            CategorySlugTaken: (CATEGORY_SLUG_TAKEN.)
            LimitReached: There are 500 (LIMIT_REACHED).
        """
        await self._writers.require(connection, caller)
        reported = [*violations_of(request), *_slug_violations(request.fields)]
        values = _columns(set_values(request.fields, [*reported, *missing(request.fields, reported)]))
        rows = await self._lock(connection)
        _check_parent(rows, values)
        if len(rows) >= CATEGORIES_MAX:
            raise LimitReached(CATEGORIES_MAX)
        values = _NEW | values | {"created_time": self._clock()}
        category_id = await self._categories.insert(connection, values)
        await self._announce(connection, caller, category_id, action="category.create")
        return pb.CreateCategoryResponse(category=await self._read(connection, category_id))

    async def update(
        self, connection: AsyncConnection, caller: Caller, request: pb.UpdateCategoryRequest
    ) -> pb.UpdateCategoryResponse:
        """Change the fields that the mask names.

        Raises:
            CategoryNotFound: There is no such category, or no such parent (CATEGORY_NOT_FOUND).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            CategoryTooDeep: The parent has one itself, or there are categories below this one (CATEGORY_TOO_DEEP).
            CategorySlugTaken: (CATEGORY_SLUG_TAKEN.)
        """
        rows = await self._lock(connection)
        row = _require(rows, request.category_id)
        await self._writers.require(connection, caller)
        paths = list(request.update_mask.paths)
        slug_violations = _slug_violations(request.fields) if "slug" in paths else []
        values = _columns(masked_values(request.fields, paths, [*violations_of(request), *slug_violations]))
        _check_parent(rows, values, category_id=row.id)
        if any(getattr(row, name) != value for name, value in values.items()):
            await self._categories.update(connection, row.id, values)
            await self._announce(connection, caller, row.id, action="category.update", detail=" ".join(sorted(values)))
        return pb.UpdateCategoryResponse(category=await self._read(connection, row.id))

    async def delete(self, connection: AsyncConnection, caller: Caller, category_id: int) -> pb.DeleteCategoryResponse:
        """Remove an empty category.

        Raises:
            CategoryNotFound: (CATEGORY_NOT_FOUND.)
            CategoryNotEmpty: There are posts, of any status, or categories in it, or it is the default one
                (CATEGORY_NOT_EMPTY).
        """
        # A post counts itself on the category's row at the end of its transaction, and fails if there is none.
        rows = await self._lock(connection)
        row = _require(rows, category_id)
        await self._writers.require(connection, caller)
        is_kept = row.id == self._default_category_id or _has_children(rows, row.id)
        if is_kept or await self._categories.has_posts(connection, row.id):
            raise CategoryNotEmpty
        await self._follows.delete_from_all(connection, (TARGET_KIND_CATEGORY, row.id))
        await self._categories.delete(connection, row.id)
        await self._announce(connection, caller, row.id, action="category.delete", detail=row.slug)
        return pb.DeleteCategoryResponse()

    async def _lock(self, connection: AsyncConnection) -> _Rows:
        return {row.id: row for row in await self._categories.lock_all(connection)}

    async def _read(self, connection: AsyncConnection, category_id: int) -> pb.Category:
        rows = {row.id: row for row in await self._categories.list_all(connection)}
        row = Categories(rows.values()).get(category_id)
        return category_of(row or _require(rows, category_id))

    async def _announce(
        self, connection: AsyncConnection, caller: Caller, category_id: int, *, action: str, detail: str = ""
    ) -> None:
        target = (TARGET_KIND_CATEGORY, category_id)
        await self._audit.record(connection, caller.user_id, action=action, target=target, detail=detail)
        is_deleted = action == "category.delete"
        event = CategoryChanged(category_id=category_id, actor_id=caller.user_id, is_deleted=is_deleted)
        await self._events.about_category(connection, category_id, event)


def _require(rows: _Rows, category_id: int) -> CategoryRow:
    row = rows.get(category_id)
    if row is None:
        raise CategoryNotFound
    return row


def _check_parent(rows: _Rows, values: Mapping[str, Any], *, category_id: int = 0) -> None:
    parent_id = values.get("parent_id")
    if parent_id is None:
        return
    parent = _require(rows, parent_id)
    if parent.parent_id is not None or parent.id == category_id or _has_children(rows, category_id):
        raise CategoryTooDeep


def _has_children(rows: _Rows, category_id: int) -> bool:
    return any(row.parent_id == category_id for row in rows.values())


def _slug_violations(fields: pb.CategoryFields) -> list[Violation]:
    # An empty slug is reported as BLANK by the rules of the contract.
    is_broken = fields.slug and not _SLUG.fullmatch(fields.slug)
    return [Violation("slug", "BAD_FORMAT")] if is_broken else []


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of fields as those of columns: roles as ranks, no parent as null."""
    columns = dict(values)
    for field, column in (("read_role", "read_rank"), ("write_role", "write_rank")):
        if field in columns:
            columns[column] = RANKS[columns.pop(field)]
    if "parent_id" in columns:
        columns["parent_id"] = columns["parent_id"] or None
    return columns
