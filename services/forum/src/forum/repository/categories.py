"""Rows of `categories`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import CategoryNotFound, CategorySlugTaken
from forum.models import categories, posts
from plaza_kit.db import Database


class CategoryRow(NamedTuple):
    """One category; the attributes are the columns."""

    id: int
    name: str
    slug: str
    description: str
    parent_id: int | None
    read_rank: int
    write_rank: int
    position: int
    post_count: int
    change_count: int
    created_time: datetime


_COLUMNS = tuple(categories.c[name] for name in CategoryRow._fields)


class CategoryRepository:
    """All SQL about categories. Statements are built once, at construction."""

    def __init__(self, database: Database) -> None:
        self._all = select(*_COLUMNS).order_by(categories.c.id)
        self._all_locked = self._all.with_for_update()
        self._count_posts = database.prepare_write(
            update(categories)
            .where(categories.c.id == bindparam("category_id"))
            .values(
                post_count=categories.c.post_count + bindparam("by"),
                change_count=categories.c.change_count + bindparam("change"),
            )
        )

    async def list_all(self, connection: AsyncConnection) -> list[CategoryRow]:
        """Return all categories by id."""
        return [CategoryRow(*row) for row in await connection.execute(self._all)]

    async def lock_all(self, connection: AsyncConnection) -> list[CategoryRow]:
        """Return all categories by id and keep their rows locked until the transaction ends."""
        return [CategoryRow(*row) for row in await connection.execute(self._all_locked)]

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> int:
        """Add an empty category and return its id.

        Raises:
            CategorySlugTaken: (ALREADY_EXISTS, CATEGORY_SLUG_TAKEN.)
        """
        try:
            result = await connection.execute(insert(categories).values({"post_count": 0, "change_count": 0, **values}))
        except IntegrityError as error:
            raise CategorySlugTaken from error
        return int(result.lastrowid)

    async def update(self, connection: AsyncConnection, category_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one category.

        Raises:
            CategorySlugTaken: (ALREADY_EXISTS, CATEGORY_SLUG_TAKEN.)
        """
        try:
            await connection.execute(update(categories).where(categories.c.id == category_id).values(dict(values)))
        except IntegrityError as error:
            raise CategorySlugTaken from error

    async def delete(self, connection: AsyncConnection, category_id: int) -> None:
        """Remove a category."""
        await connection.execute(delete(categories).where(categories.c.id == category_id))

    async def has_posts(self, connection: AsyncConnection, category_id: int) -> bool:
        """Tell whether there is a post in it, whatever its status."""
        found = await connection.execute(select(posts.c.id).where(posts.c.category_id == category_id).limit(1))
        return found.first() is not None

    async def count_posts(self, connection: AsyncConnection, category_id: int, *, by: int, is_change: bool) -> None:
        """Add to the number of live posts; also the proof that the category still exists, so call it with 0 too.

        Args:
            connection: The transaction; nothing but the outbox's row should follow in it, the row is in demand.
            category_id: Which.
            by: How many more.
            is_change: Posts left or came back; a new post does not count.

        Raises:
            CategoryNotFound: It has been removed (CATEGORY_NOT_FOUND).
        """
        values = {"category_id": category_id, "by": by, "change": int(is_change)}
        if (await self._count_posts.run(connection, **values)).row_count == 0:
            raise CategoryNotFound
