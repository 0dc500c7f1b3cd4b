"""The service's own events through a real Redis: the relay publishes, the `consume` role applies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from forum import models, notifying, processes
from forum.main import SERVICE
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1 import webhook_service_pb2
from plaza.forum.v1.target_pb2 import TARGET_KIND_USER
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.outbox import Outbox
from plaza_kit.relay import Relay
from plaza_kit.testing.polling import eventually

STREAM = stream_name(SERVICE, 0)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(redis_url)
    await client.delete(STREAM)
    yield client
    await client.aclose()


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)  # raises what ended a part early


def relay(board: Any, redis: "Redis") -> Any:
    return Relay(board.database, Outbox(models.outbox, source=SERVICE), models.leases, redis).run


async def notified(board: Any, *users: Any) -> list[list[int]]:
    """Return the counts of each user's notifications, without applying anything by hand."""
    responses = [await board.forum.call("ListNotifications", pb.ListNotificationsRequest(), user) for user in users]
    return [[each.count for each in response.notifications] for response in responses]


async def test_what_happens_is_announced_to_users_and_webhooks(board: Any, redis: "Redis") -> None:
    request = webhook_service_pb2.CreateWebhookRequest(url="https://hooks.example.org/", events=["reply.created"])
    webhook_id = (await board.forum.call("CreateWebhook", request, board.forum.admin())).webhook.id
    alice, bob = await board.users("alice", "bob")
    async with running(relay(board, redis), *processes.consuming_parts(board.forum.service, redis)):
        post_id = await board.post(alice)
        await board.reply(bob, post_id)
        await eventually(lambda: is_so(board, [[1]], alice), timeout=15)
        await eventually(lambda: reaches(redis, events_pb.NotificationChanged), timeout=15)
    async with board.database.read() as connection:
        columns = (models.webhook_deliveries.c.webhook_id, models.webhook_deliveries.c.event)
        rows = (await connection.execute(select(*columns))).all()

    assert [tuple(row) for row in rows] == [(webhook_id, "reply.created")]
    assert await board.count(models.dead_letters) == 0


async def is_so(board: Any, expected: list[list[int]], *users: Any) -> bool:
    return await notified(board, *users) == expected


async def reaches(redis: "Redis", kind: Any) -> bool:
    entries: Any = await redis.xrange(STREAM)
    return any(kind.DESCRIPTOR.full_name.encode() in fields[FIELD] for _, fields in entries)


async def test_what_comes_again_is_not_counted_again(board: Any, redis: "Redis") -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice)
    await board.reply(bob, post_id)
    async with running(relay(board, redis), *processes.consuming_parts(board.forum.service, redis)):
        await eventually(lambda: is_so(board, [[1]], alice), timeout=15)
        entries: Any = await redis.xrange(STREAM)
        for _, fields in entries:
            await redis.xadd(STREAM, fields)
        await board.reply(carol, post_id)
        await eventually(lambda: is_so(board, [[2]], alice), timeout=15)


async def test_a_crash_among_many_followers_loses_and_repeats_nothing(
    board: Any, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer is stopped between batches, and fails once in the middle of one."""
    monkeypatch.setattr(notifying, "BATCH", 2)
    [alice] = await board.users("alice")
    followers = await board.users(*(f"follower{number}" for number in range(7)))
    for user in followers:
        await board.follow(user, TARGET_KIND_USER, alice.user_id)
    await board.post(alice)
    service = board.forum.service
    give, calls = service.notifying._notices.give, 0

    async def give_until_it_breaks(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        await give(*args, **more)
        if calls == 2:
            raise ArithmeticError  # after the rows were written, before the commit: tried again by the consumer

    monkeypatch.setattr(service.notifying._notices, "give", give_until_it_breaks)
    for _ in range(3):
        further = partial(is_further, board, await board.count(models.notifications))
        async with running(relay(board, redis), *processes.consuming_parts(service, redis)):
            await eventually(further, timeout=15)
    async with running(relay(board, redis), *processes.consuming_parts(service, redis)):
        await eventually(lambda: is_so(board, [[1]] * 7, *followers), timeout=15)

    changes = await board.forum.events(events_pb.NotificationChanged)
    assert sorted(each.user_id for each in changes) == [user.user_id for user in followers]
    assert await board.count(models.dead_letters) == 0


async def is_further(board: Any, seen: int) -> bool:
    count = await board.count(models.notifications)
    return bool(count > seen or count == 7)
