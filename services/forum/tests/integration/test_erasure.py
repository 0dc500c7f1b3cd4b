"""What was only a deleted user's goes in small steps; what is others' stays."""

from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from forum.erasure import BATCH
from plaza_kit.caller import Caller


async def read_posts(forum: Any, caller: Caller, count: int) -> None:
    """Make somebody known who has read so many posts."""
    now = forum.clock()
    rows = [
        {"user_id": caller.user_id, "post_id": post_id, "last_read_number": 0, "read_time": now}
        for post_id in range(1, count + 1)
    ]

    async def work(connection: AsyncConnection) -> None:
        await forum.service.writers.require(connection, caller)
        await connection.execute(insert(models.post_reads), rows)

    await forum.service.foundation.database.write(work)


async def reads_of(forum: Any, caller: Caller) -> int:
    table = models.post_reads
    statement = select(func.count()).select_from(table).where(table.c.user_id == caller.user_id)
    async with forum.service.foundation.database.read() as connection:
        return int(await connection.scalar(statement) or 0)


async def test_rows_go_a_thousand_at_a_time_until_none_is_left(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    await read_posts(forum, alice, BATCH + 2)
    await read_posts(forum, bob, 3)
    due = update(models.users).where(models.users.c.id == alice.user_id).values(erasure_due_time=forum.clock())
    await forum.service.foundation.database.write(lambda connection: connection.execute(due))

    assert await forum.service.erasure.step()
    assert await reads_of(forum, alice) == 2
    assert await forum.service.erasure.step()
    assert await reads_of(forum, alice) == 0
    assert await forum.service.erasure.step()  # finds nothing and says so
    assert not await forum.service.erasure.step()
    assert await reads_of(forum, bob) == 3


async def test_nothing_of_users_who_are_not_deleted_is_due(forum: Any) -> None:
    alice = forum.user("alice")
    await read_posts(forum, alice, 1)

    assert not await forum.service.erasure.step()
    assert await reads_of(forum, alice) == 1
