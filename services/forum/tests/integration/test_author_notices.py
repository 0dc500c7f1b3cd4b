"""What an author hears of a text of theirs: votes, an accepted answer, a moderator's doing."""

import itertools
from typing import Any

from forum import models
from forum.notifying import is_milestone
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1.notification_pb2 import (
    NOTIFICATION_KIND_ACCEPTED,
    NOTIFICATION_KIND_MODERATION,
    NOTIFICATION_KIND_VOTE_MILESTONE,
)
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED, CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY

MODERATOR_RANK = 2


def test_milestones_are_those_of_the_contract() -> None:
    found = list(itertools.islice(filter(is_milestone, itertools.count()), 13))
    assert found == [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000]


async def test_each_milestone_of_votes_is_told_once_whatever_voters_do(board: Any) -> None:
    alice, _ = await board.users("alice", "bob")
    post_id = await board.post(alice)
    for up_count in (1, 0, 1, 2, 3, 4, 5, 4, 5, 6):
        await board.vote(post_id, alice, up_count)
    [found] = await board.notifications(alice)
    assert (found.kind, found.count, found.detail) == (NOTIFICATION_KIND_VOTE_MILESTONE, 2, "5")
    assert not found.HasField("actor")

    request = pb.MarkNotificationsReadRequest(notification_ids=[found.id])
    await board.forum.call("MarkNotificationsRead", request, alice)
    for up_count in (5, 1, 5):
        await board.vote(post_id, alice, up_count)
    assert [each.is_read for each in await board.notifications(alice)] == [True]
    await board.vote(post_id, alice, 10)
    assert [(each.count, each.detail) for each in await board.notifications(alice)] == [(1, "10")]


async def test_votes_for_a_reply_are_told_to_its_author(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id)
    await board.vote(post_id, bob, 1, reply_id=reply_id)

    assert [(each.kind, each.reply_id) for each in await board.notifications(bob)] == [
        (NOTIFICATION_KIND_VOTE_MILESTONE, reply_id)
    ]


async def test_the_author_of_an_accepted_reply_hears_of_it(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id)
    accepted = events_pb.AnswerAccepted(post_id=post_id, reply_id=reply_id, actor_id=alice.user_id)
    await board.happen(post_id, accepted)
    assert await board.notifications(bob) == []  # by then it is not accepted any more

    await board.change(models.posts, post_id, accepted_reply_id=reply_id)
    await board.happen(post_id, accepted)
    await board.happen(post_id, events_pb.AnswerAccepted(post_id=post_id, actor_id=alice.user_id))
    [found] = await board.notifications(bob)
    assert (found.kind, found.reply_id, found.actor.username) == (NOTIFICATION_KIND_ACCEPTED, reply_id, "alice")


async def test_the_author_hears_what_was_removed_and_why_but_not_by_whom(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    mod = await board.user("mod", "moderator")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id)
    audit = board.forum.service.audit
    removed = {"action": "content.remove", "target": (TARGET_KIND_REPLY, reply_id), "detail": "Advertising"}
    await board.write(lambda connection: audit.record(connection, mod.user_id, **removed))
    await board.change(models.replies, reply_id, status=CONTENT_STATUS_REMOVED)
    event = events_pb.ReplyDeleted(
        reply_id=reply_id, post_id=post_id, actor_id=mod.user_id, status=CONTENT_STATUS_REMOVED
    )
    await board.happen(post_id, event)
    [found] = await board.notifications(bob)

    assert (found.kind, found.detail, found.reason) == (NOTIFICATION_KIND_MODERATION, "content.remove", "Advertising")
    assert not found.HasField("actor")
    assert await board.notifications(alice) == []


async def test_the_author_hears_what_a_moderator_did_to_a_post(board: Any) -> None:
    [alice] = await board.users("alice")
    mod = await board.user("mod", "moderator")
    post_id = await board.post(alice)
    hidden = await board.category(read_rank=MODERATOR_RANK)
    await board.change(models.posts, post_id, category_id=hidden)
    await board.happen(post_id, events_pb.PostModerated(post_id=post_id, actor_id=mod.user_id, action="post.move"))
    await board.happen(post_id, events_pb.PostModerated(post_id=post_id, actor_id=alice.user_id, action="post.pin"))
    [found] = await board.notifications(alice)

    assert (found.kind, found.detail, found.post_title) == (NOTIFICATION_KIND_MODERATION, "post.move", "a title")


async def test_deleting_ones_own_text_tells_nobody(board: Any) -> None:
    [alice] = await board.users("alice")
    post_id = await board.post(alice, status=CONTENT_STATUS_DELETED)
    ids = {"post_id": post_id, "actor_id": alice.user_id}
    await board.happen(post_id, events_pb.PostDeleted(**ids, status=CONTENT_STATUS_DELETED))
    await board.happen(post_id, events_pb.PostDeleted(**ids, status=CONTENT_STATUS_REMOVED))

    assert await board.notifications(alice) == []
