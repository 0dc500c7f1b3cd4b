"""Rows of `resumes` and of the four tables of items."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import custom_sections, education_experiences, project_experiences, resumes, work_experiences

Kind = Literal["work", "project", "education", "custom"]

TABLES: Mapping[Kind, Table] = {
    "work": work_experiences,
    "project": project_experiences,
    "education": education_experiences,
    "custom": custom_sections,
}

Item = Mapping[str, Any]
"""The columns of one item by name, `id` among them, without `resume_id`."""


class Resume(NamedTuple):
    """The basic part of a resume; the attributes are the columns."""

    id: int
    name: str
    age: int
    graduation_date: date
    education_level: str
    expected_position: str
    created_time: datetime
    updated_time: datetime


RESUME_COLUMNS = tuple(resumes.c[name] for name in Resume._fields)


class ResumeRepository:
    """All SQL about resumes. Statements are built once, at construction."""

    def __init__(self) -> None:
        self._of_user = select(*RESUME_COLUMNS).where(resumes.c.user_id == bindparam("user_id"))
        self._items: dict[Kind, Select[Any]] = {kind: _items_of_user(kind) for kind in TABLES}

    async def find(self, connection: AsyncConnection, user_id: int) -> Resume | None:
        """Return the resume of a user."""
        row = (await connection.execute(self._of_user, {"user_id": user_id})).first()
        return None if row is None else Resume(*row)

    async def insert(
        self, connection: AsyncConnection, user_id: int, values: Mapping[str, Any], *, now: datetime
    ) -> int:
        """Add a resume; return its id, or 0 if the user got one in the meantime."""
        row = {"user_id": user_id, "created_time": now, "updated_time": now, **values}
        try:
            result = await connection.execute(insert(resumes).values(row))
        except IntegrityError:
            return 0
        return int(result.lastrowid)

    async def update(
        self, connection: AsyncConnection, user_id: int, values: Mapping[str, Any], *, now: datetime
    ) -> int | None:
        """Set fields and `updated_time`, and keep the row locked; return the resume's id, None if there is none."""
        statement = update(resumes).where(resumes.c.user_id == user_id)
        result = await connection.execute(statement.values({"updated_time": now, **values}))
        if result.rowcount == 0:
            return None
        found = await connection.execute(select(resumes.c.id).where(resumes.c.user_id == user_id))
        return int(found.scalar_one())

    async def list_items(self, connection: AsyncConnection, user_id: int, kind: Kind) -> list[Item]:
        """Return a user's items of one kind in the order of the contract: newest first, sections as created."""
        rows = await connection.execute(self._items[kind], {"user_id": user_id})
        return [dict(row._mapping) for row in rows]

    async def count_items(self, connection: AsyncConnection, resume_id: int, kind: Kind) -> int:
        """Return the number of items of one kind."""
        table = TABLES[kind]
        statement = select(func.count()).select_from(table).where(table.c.resume_id == resume_id)
        return int((await connection.execute(statement)).scalar_one())

    async def find_item(self, connection: AsyncConnection, resume_id: int, kind: Kind, *, item_id: int) -> Item | None:
        """Return one item of a resume."""
        table = TABLES[kind]
        statement = select(*_item_columns(table)).where(table.c.resume_id == resume_id, table.c.id == item_id)
        row = (await connection.execute(statement)).first()
        return None if row is None else dict(row._mapping)

    async def insert_item(
        self, connection: AsyncConnection, resume_id: int, kind: Kind, *, values: Mapping[str, Any]
    ) -> int:
        """Add an item and return its id."""
        result = await connection.execute(insert(TABLES[kind]).values({"resume_id": resume_id, **values}))
        return int(result.lastrowid)

    async def update_item(
        self, connection: AsyncConnection, kind: Kind, *, item_id: int, values: Mapping[str, Any]
    ) -> None:
        """Set fields of an item."""
        table = TABLES[kind]
        if values:
            await connection.execute(update(table).where(table.c.id == item_id).values(dict(values)))

    async def delete_item(self, connection: AsyncConnection, resume_id: int, kind: Kind, *, item_id: int) -> bool:
        """Delete an item of a resume; return whether there was one."""
        table = TABLES[kind]
        statement = delete(table).where(table.c.resume_id == resume_id, table.c.id == item_id)
        return (await connection.execute(statement)).rowcount == 1

    async def delete(self, connection: AsyncConnection, user_id: int) -> None:
        """Delete the resume of a user with all its items."""
        resume = await self.find(connection, user_id)
        if resume is None:
            return
        for table in TABLES.values():
            await connection.execute(delete(table).where(table.c.resume_id == resume.id))
        await connection.execute(delete(resumes).where(resumes.c.id == resume.id))


def _item_columns(table: Table) -> list[Any]:
    return [column for column in table.c if column.name != "resume_id"]


def _items_of_user(kind: Kind) -> Select[Any]:
    table = TABLES[kind]
    statement = (
        select(*_item_columns(table))
        .join(resumes, resumes.c.id == table.c.resume_id)
        .where(resumes.c.user_id == bindparam("user_id"))
    )
    if kind == "custom":
        return statement.order_by(table.c.id)
    return statement.order_by(table.c.start_date.desc(), table.c.id.desc())
