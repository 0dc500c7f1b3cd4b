"""What tests of the contract change behind the service's back."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update

ChangeRow = Callable[..., Awaitable[None]]


@pytest.fixture
def change_row(forum: Any) -> ChangeRow:
    """Return a function that sets columns of one row by its id: `await change_row(models.posts, 7, status=3)`."""

    async def change(table: Any, row_id: int, **values: Any) -> None:
        async def work(connection: Any) -> None:
            await connection.execute(update(table).where(table.c.id == row_id).values(values))

        await forum.service.foundation.database.write(work)

    return change
