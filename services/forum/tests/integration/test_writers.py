"""Who may write: the copy of users under concurrency, and what one statement finds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from forum.errors import DuplicatePost
from forum.writers import Writer
from plaza.forum.v1 import post_pb2
from plaza_kit.caller import Caller

HASH = b"h" * 16


async def written(forum: Any, caller: Caller) -> Writer:
    """Write a post in the way of a use case: standing, rules, row."""

    async def work(connection: AsyncConnection) -> Writer:
        service = forum.service
        writer: Writer = await service.writers.require(connection, caller, content_hash=HASH)
        await service.new_users.check(connection, writer, link_count=0)
        now = forum.clock()
        zeros = dict.fromkeys(("reply_seq", "reply_count", "up_count", "down_count", "score", "pin_scope"), 0)
        times = dict.fromkeys(("created_time", "updated_time", "last_activity_time"), now)
        texts = {"title": "t", "content": "c", "content_html": "", "excerpt": ""}
        row = {
            **zeros,
            **times,
            **texts,
            "author_id": writer.user_id,
            "category_id": 1,
            "content_hash": HASH,
            "status": post_pb2.CONTENT_STATUS_LIVE,
            "version": 1,
            "is_locked": False,
            "is_featured": False,
        }
        await connection.execute(insert(models.posts).values(row))
        return writer

    result: Writer = await forum.service.foundation.database.write(work)
    return result


async def count(forum: Any, table: Any) -> int:
    async with forum.service.foundation.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)))


async def test_two_first_writes_of_one_user_at_once_both_succeed(forum: Any) -> None:
    writers = await asyncio.gather(*(written(forum, forum.user("alice")) for _ in range(4)))

    assert {writer.user_id for writer in writers} == {forum.user("alice").user_id}
    assert await count(forum, models.users) == 1
    assert await count(forum, models.posts) == 4


@pytest.mark.parametrize("settings_changes", [{"duplicate_window": timedelta(minutes=5)}])
async def test_of_the_same_text_sent_four_times_at_once_one_is_written(forum: Any) -> None:
    async def first(connection: AsyncConnection) -> None:
        await forum.service.writers.require(connection, forum.user("alice"))

    await forum.service.foundation.database.write(first)
    outcomes = await asyncio.gather(*(written(forum, forum.user("alice")) for _ in range(4)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes].count(DuplicatePost) == 3
    assert await count(forum, models.posts) == 1
