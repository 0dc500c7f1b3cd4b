"""What is over is thrown away, what is not stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from forum import housekeeping, models
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD
from plaza_kit.testing.polling import eventually

URL = "https://hooks.example.org/plaza"


async def clean_up(board: Any) -> dict[str, int]:
    gone: dict[str, int] = await board.forum.service.housekeeping.clean_up()
    return {kind: count for kind, count in gone.items() if count}


async def hook(board: Any) -> int:
    request = pb.CreateWebhookRequest(url=URL, events=["post.created"])
    return int((await board.forum.call("CreateWebhook", request, board.forum.admin())).webhook.id)


async def test_notifications_go_when_they_have_not_changed_for_ninety_days(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    first, second = await board.post(alice), await board.post(alice)
    for post_id in (first, second):
        await board.reply(bob, post_id)
    await board.apply()
    board.forum.clock.forward(days=50)
    await board.reply(bob, second)
    await board.apply()
    board.forum.clock.forward(days=41)

    assert await clean_up(board) == {"notifications": 1}
    assert [(each.post_id, each.count) for each in await board.notifications(alice)] == [(second, 2)]


async def test_held_notices_go_after_ninety_days(board: Any) -> None:
    [alice] = await board.users("alice")
    await board.post(alice, status=CONTENT_STATUS_HELD)
    await board.apply()
    board.forum.clock.forward(days=89)
    assert await clean_up(board) == {}
    board.forum.clock.forward(days=2)
    assert await clean_up(board) == {"held_notices": 1}


async def test_deliveries_go_after_thirty_days(board: Any) -> None:
    await hook(board)
    [alice] = await board.users("alice")
    await board.post(alice)
    await board.apply()
    board.forum.clock.forward(days=29)
    assert await clean_up(board) == {}
    board.forum.clock.forward(days=2)

    assert await clean_up(board) == {"deliveries": 1}
    assert await board.count(models.webhooks) == 1


async def test_a_dropped_webhook_goes_with_its_deliveries_some_at_a_time(
    board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "RANGE", 2)
    monkeypatch.setattr(housekeeping, "RANGES", 1)
    dropped, kept = await hook(board), await hook(board)
    [alice] = await board.users("alice")
    for _ in range(3):
        await board.post(alice)
    await board.apply()
    request = pb.DeleteWebhookRequest(webhook_id=dropped)
    await board.forum.call("DeleteWebhook", request, board.forum.admin())

    assert await clean_up(board) == {"webhooks": 2}
    assert await board.count(models.webhooks) == 2
    assert await clean_up(board) == {"webhooks": 2}
    assert await clean_up(board) == {}
    async with board.database.read() as connection:
        assert (await connection.execute(select(models.webhooks.c.id))).scalars().all() == [kept]
        left = (await connection.execute(select(models.webhook_deliveries.c.webhook_id))).scalars().all()
    assert left == [kept] * 3


async def test_events_and_kept_answers_go_when_they_cannot_come_again(board: Any) -> None:
    now = datetime.now(UTC)
    events = [{"event_id": str(days), "applied_time": now - timedelta(days=days)} for days in (7, 9)]
    answers = [
        {"key_hash": bytes([hours]), "fingerprint": b"", "created_time": now - timedelta(hours=hours)}
        for hours in (71, 73)
    ]
    await board.write(lambda connection: connection.execute(insert(models.inbox), events))
    await board.write(lambda connection: connection.execute(insert(models.idempotency), answers))

    assert await clean_up(board) == {"inbox": 1, "idempotency_keys": 1}
    assert (await board.count(models.inbox), await board.count(models.idempotency)) == (1, 1)


async def test_the_background_task_cleans_up_and_stops(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "INTERVAL_SECONDS", 0.01)
    rows = [{"event_id": "old", "applied_time": datetime.now(UTC) - timedelta(days=9)}]
    await board.write(lambda connection: connection.execute(insert(models.inbox), rows))
    stop = asyncio.Event()
    task = asyncio.create_task(board.forum.service.housekeeping.run(stop))

    async def is_empty() -> bool:
        return bool(await board.count(models.inbox) == 0)

    await eventually(is_empty)
    stop.set()
    await asyncio.wait_for(task, 2)
    assert task.exception() is None
