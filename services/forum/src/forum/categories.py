"""Categories: who may read and write where.

A category's own rights are capped by those of the category above it, and nobody writes where they may not read.
"""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import CategoryNotFound
from forum.foundation import Foundation
from forum.ranks import NAMES, rank_of
from forum.repository.categories import CategoryRow
from forum.snapshot import Snapshot
from forum.times import timestamp
from plaza.forum.v1 import category_service_pb2 as pb
from plaza_kit.caller import Caller


class Categories:
    """All categories at one moment; `read_rank` and `write_rank` of its rows are the ones that count.

    Args:
        rows: All rows, with the rights that were set.
    """

    def __init__(self, rows: Iterable[CategoryRow]) -> None:
        own = {row.id: row for row in rows}
        self._rows = {row.id: _effective(row, own) for row in own.values()}
        self._readable = {
            rank: frozenset(row.id for row in self._rows.values() if row.read_rank <= rank) for rank in NAMES
        }
        self._children: dict[int, list[int]] = {}
        for row in sorted(own.values(), key=_place):
            if row.parent_id is not None:
                self._children.setdefault(row.parent_id, []).append(row.id)

    def get(self, category_id: int) -> CategoryRow | None:
        """Return a category, whoever may read it."""
        return self._rows.get(category_id)

    def may_read(self, category_id: int, rank: int) -> bool:
        """Tell whether it exists for somebody of that rank."""
        return category_id in self._readable[rank]

    def may_write(self, category_id: int, rank: int) -> bool:
        """Tell whether somebody of that rank may write in it."""
        row = self._rows.get(category_id)
        return row is not None and row.write_rank <= rank

    def readable_ids(self, rank: int) -> frozenset[int]:
        """Return the ids of all that somebody of that rank may read."""
        return self._readable[rank]

    def unreadable_ids(self, rank: int) -> frozenset[int]:
        """Return the ids of the others."""
        return frozenset(self._rows) - self._readable[rank]

    def below(self, category_id: int) -> tuple[int, ...]:
        """Return its own id and those of the categories below it."""
        return (category_id, *self._children.get(category_id, ()))

    def in_order(self) -> list[CategoryRow]:
        """Return all, parents before their children, each group by position then id."""
        top = sorted((row for row in self._rows.values() if row.parent_id is None), key=_place)
        return [self._rows[category_id] for row in top for category_id in self.below(row.id)]


class CategoryDirectory:
    """Knows all categories, at most a second late, and at once what this process changes."""

    def __init__(self, foundation: Foundation) -> None:
        self._database = foundation.database
        self._categories = foundation.repositories.categories
        self._snapshot = Snapshot(self._load)

    async def current(self) -> Categories:
        """Return all categories as they were within the last second."""
        return await self._snapshot.current()

    def drop(self) -> None:
        """Read them anew next time; after each commit of a change."""
        self._snapshot.drop()

    async def get(self, connection: AsyncConnection, caller: Caller, category_id: int) -> pb.GetCategoryResponse:
        """Return one category as it is now.

        Raises:
            CategoryNotFound: Or not for the caller (CATEGORY_NOT_FOUND).
        """
        categories = Categories(await self._categories.list_all(connection))
        row = categories.get(category_id)
        if row is None or row.read_rank > rank_of(caller):
            raise CategoryNotFound
        return pb.GetCategoryResponse(category=category_of(row))

    async def list_readable(self, connection: AsyncConnection, caller: Caller) -> pb.ListCategoriesResponse:
        """Return all that the caller may read, as they are now."""
        rank = rank_of(caller)
        rows = Categories(await self._categories.list_all(connection)).in_order()
        return pb.ListCategoriesResponse(categories=[category_of(row) for row in rows if row.read_rank <= rank])

    async def _load(self) -> Categories:
        async with self._database.read(is_reserved=True) as connection:
            return Categories(await self._categories.list_all(connection))


def category_of(row: CategoryRow) -> pb.Category:
    """Return a row of `Categories` as a message."""
    return pb.Category(
        id=row.id,
        name=row.name,
        slug=row.slug,
        description=row.description,
        parent_id=row.parent_id or 0,
        read_role=NAMES[row.read_rank],
        write_role=NAMES[row.write_rank],
        position=row.position,
        post_count=row.post_count,
        created_time=timestamp(row.created_time),
    )


def _effective(row: CategoryRow, own: dict[int, CategoryRow]) -> CategoryRow:
    parent = own.get(row.parent_id or 0)
    read_rank, write_rank = row.read_rank, row.write_rank
    if parent is not None:
        read_rank, write_rank = max(read_rank, parent.read_rank), max(write_rank, parent.write_rank)
    return row._replace(read_rank=read_rank, write_rank=max(write_rank, read_rank))


def _place(row: CategoryRow) -> tuple[int, int]:
    return row.position, row.id
