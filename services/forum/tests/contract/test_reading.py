"""Reading: how far a user has come in a post; never back."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2
from plaza.forum.v1.forum_events_pb2 import PostRead
from plaza_kit.errors import Violation


async def mark(forum: Any, post_id: int, number: int, user: Any) -> int:
    request = pb.MarkPostReadRequest(post_id=post_id, last_read_number=number)
    return int((await forum.call("MarkPostRead", request, user)).read.last_read_number)


async def read(forum: Any, post_id: int, user: Any) -> int | None:
    """Return how far a user has read, as the post shows it to them."""
    response = await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post_id), user)
    summary = response.post.summary
    return summary.read.last_read_number if summary.HasField("read") else None


@pytest.fixture
async def post(forum: Any) -> int:
    """A post with five replies."""
    alice = forum.user("alice")
    post_id: int = await forum.post(alice)
    for _ in range(5):
        await forum.reply(alice, post_id)
    return post_id


async def test_reading_goes_on_but_never_back(forum: Any, post: int) -> None:
    bob = forum.user("bob")
    unread = await read(forum, post, bob)
    seen = [await mark(forum, post, number, bob) for number in (0, 3, 2, 0, 5)]

    assert (unread, seen) == (None, [0, 3, 3, 3, 5])
    assert await read(forum, post, bob) == 5
    assert await read(forum, post, forum.user("alice")) is None


@pytest.mark.parametrize("number", [6, 2**62])
async def test_beyond_the_newest_reply_is_the_newest(forum: Any, post: int, number: int) -> None:
    assert await mark(forum, post, number, forum.user("bob")) == 5


async def test_other_devices_of_the_user_hear_of_progress_only(forum: Any, post: int) -> None:
    bob = forum.user("bob")
    for number in (0, 0, 3, 1, 99, 5):
        await mark(forum, post, number, bob)

    assert await forum.events(PostRead) == [
        PostRead(user_id=bob.user_id, post_id=post, last_read_number=number) for number in (0, 3, 5)
    ]
    subjects = {envelope.subject for envelope in await forum.envelopes() if envelope.type.endswith("PostRead")}
    assert subjects == {f"user:{bob.user_id}"}


async def test_a_negative_number_is_refused(forum: Any, post: int) -> None:
    request = pb.MarkPostReadRequest(post_id=post, last_read_number=-1)
    error = await forum.refused("MarkPostRead", request, "INVALID_REQUEST", forum.user("bob"))

    assert error.violations == [Violation("last_read_number", "OUT_OF_RANGE")]


async def test_devices_that_report_at_once_leave_the_furthest(forum: Any, post: int) -> None:
    bob = forum.user("bob")
    await forum.call("MarkAllRead", pb.MarkAllReadRequest(), bob)
    await asyncio.gather(*(mark(forum, post, number, bob) for number in (1, 5, 2, 4, 3)))

    assert await read(forum, post, bob) == 5


async def test_all_is_read_up_to_the_last_time_it_was_said(forum: Any) -> None:
    bob = forum.user("bob")
    horizons = []
    for _ in range(2):
        before = forum.clock()
        await forum.call("MarkAllRead", pb.MarkAllReadRequest(), bob)
        async with forum.service.foundation.database.read() as connection:
            rows = (await connection.execute(select(models.read_horizons))).all()
        horizons.append([(row.user_id, before < row.read_time < forum.clock()) for row in rows])

    assert horizons == [[(bob.user_id, True)]] * 2
