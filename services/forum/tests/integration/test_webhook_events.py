"""What is queued for webhooks: which events, for whom, and what of them."""

from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from forum import models
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import webhook_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED, CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE

POST_EVENTS = ("post.created", "post.updated", "post.deleted", "post.restored")
REPLY_EVENTS = ("reply.created", "reply.updated", "reply.deleted", "reply.restored")


async def hook(board: Any, *events: str) -> int:
    request = pb.CreateWebhookRequest(url="https://hooks.example.org/", events=events or POST_EVENTS + REPLY_EVENTS)
    return int((await board.forum.call("CreateWebhook", request, board.forum.admin())).webhook.id)


async def bodies(board: Any, *webhook_ids: int) -> list[Any]:
    """Apply what has happened and return what is queued, in the order of queueing."""
    await board.apply()
    columns = models.webhook_deliveries.c
    statement = select(columns.body).order_by(columns.id)
    if webhook_ids:
        statement = statement.where(columns.webhook_id.in_(webhook_ids))
    async with board.database.read() as connection:
        return [orjson.loads(body) for body in (await connection.execute(statement)).scalars()]


async def test_what_a_receiver_learns_of_a_post_and_a_reply(board: Any) -> None:
    await hook(board)
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id)
    below = await board.reply(alice, post_id, parent=reply_id)
    created, replied, answered = await bodies(board)

    assert created["data"] == {
        "post_id": post_id,
        "author_id": alice.user_id,
        "category_id": 1,
        "path": f"/posts/{post_id}",
        "title": "a title",
        "content": "a post",
    }
    assert replied["data"] == {
        "post_id": post_id,
        "reply_id": reply_id,
        "parent_reply_id": None,
        "author_id": bob.user_id,
        "category_id": 1,
        "path": f"/replies/{reply_id}",
        "content": "a reply",
    }
    assert (answered["data"]["reply_id"], answered["data"]["parent_reply_id"]) == (below, reply_id)
    assert created["timestamp"].endswith("Z")


async def test_only_events_that_are_asked_for_are_queued(board: Any) -> None:
    of_posts = await hook(board, "post.created")
    of_replies = await hook(board, "reply.created", "reply.deleted")
    off = await hook(board)
    change = pb.UpdateWebhookRequest(webhook_id=off, is_active=False)
    await board.forum.call("UpdateWebhook", change, board.forum.admin())
    [alice] = await board.users("alice")
    await board.reply(alice, await board.post(alice))

    assert [each["type"] for each in await bodies(board, of_posts)] == ["post.created"]
    assert [each["type"] for each in await bodies(board, of_replies)] == ["reply.created"]
    assert await bodies(board, off) == []


async def test_what_is_out_of_sight_is_told_without_its_text(board: Any) -> None:
    await hook(board)
    [alice] = await board.users("alice")
    held = await board.post(alice, status=CONTENT_STATUS_HELD)
    ids = {"post_id": held, "actor_id": alice.user_id}
    await board.happen(held, events_pb.PostUpdated(post_id=held, editor_id=alice.user_id))
    assert await bodies(board) == []
    await board.change(models.posts, held, status=CONTENT_STATUS_LIVE)
    await board.happen(held, events_pb.PostRestored(**ids))
    await board.apply()
    await board.change(models.posts, held, status=CONTENT_STATUS_DELETED)
    await board.happen(held, events_pb.PostDeleted(**ids, status=CONTENT_STATUS_DELETED))
    restored, deleted = await bodies(board)

    assert (restored["type"], restored["data"]["content"]) == ("post.restored", "a post")
    assert (deleted["type"], sorted(deleted["data"])) == (
        "post.deleted",
        ["author_id", "category_id", "path", "post_id"],
    )


async def test_text_goes_out_only_where_everybody_may_read(board: Any) -> None:
    await hook(board)
    [alice] = await board.users("alice")
    for_users = await board.category(read_rank=1)
    for_moderators = await board.category(read_rank=2)
    below = await board.category(parent_id=for_moderators)
    post_id = await board.post(alice, category_id=for_users)
    for category_id in (for_moderators, below):
        await board.post(alice, category_id=category_id)
    [body] = await bodies(board)

    assert body["data"] == {
        "post_id": post_id,
        "author_id": alice.user_id,
        "category_id": for_users,
        "path": f"/posts/{post_id}",
    }


async def test_every_kind_of_event_has_its_name(board: Any) -> None:
    await hook(board)
    [alice] = await board.users("alice")
    post_id = await board.post(alice)
    reply_id = await board.reply(alice, post_id)
    post, reply = {"post_id": post_id}, {"post_id": post_id, "reply_id": reply_id}
    for event in (
        events_pb.PostUpdated(**post, editor_id=alice.user_id),
        events_pb.PostDeleted(**post, actor_id=alice.user_id, status=CONTENT_STATUS_DELETED),
        events_pb.PostRestored(**post, actor_id=alice.user_id),
        events_pb.ReplyUpdated(**reply, editor_id=alice.user_id),
        events_pb.ReplyDeleted(**reply, actor_id=alice.user_id, status=CONTENT_STATUS_DELETED),
        events_pb.ReplyRestored(**reply, actor_id=alice.user_id),
    ):
        await board.happen(post_id, event)

    assert sorted(each["type"] for each in await bodies(board)) == sorted(POST_EVENTS + REPLY_EVENTS)


async def test_an_event_that_is_applied_twice_is_queued_once(board: Any) -> None:
    """The unique key stands behind the inbox."""
    await hook(board)
    [alice] = await board.users("alice")
    await board.post(alice)
    await board.apply()
    [created] = [each for each in await board.forum.envelopes() if each.type.endswith("PostCreated")]
    with pytest.raises(IntegrityError):
        await board.apply_one(created)

    assert len(await bodies(board)) == 1
