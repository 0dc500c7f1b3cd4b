"""Who is notified of what: from the service's own events to what users see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from forum import models, notifying
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1.notification_pb2 import (
    NOTIFICATION_KIND_FOLLOWED_POST,
    NOTIFICATION_KIND_FOLLOWED_REPLY,
    NOTIFICATION_KIND_MENTION,
    NOTIFICATION_KIND_REPLY,
)
from plaza.forum.v1.post_pb2 import (
    CONTENT_STATUS_DELETED,
    CONTENT_STATUS_HELD,
    CONTENT_STATUS_LIVE,
    CONTENT_STATUS_REMOVED,
)
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_TAG,
    TARGET_KIND_USER,
)

MODERATOR_RANK = 2


def kinds(notifications: list[Any]) -> list[int]:
    return [each.kind for each in notifications]


async def test_the_author_of_a_post_hears_of_a_reply(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id)
    [found] = await board.notifications(alice)

    assert found.kind == NOTIFICATION_KIND_REPLY
    assert (found.post_id, found.post_title, found.reply_id) == (post_id, "a title", reply_id)
    assert (found.actor.username, found.count, found.is_read) == ("bob", 1, False)


async def test_the_author_of_the_answered_reply_hears_of_it_and_not_the_author_of_the_post(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice)
    parent = await board.reply(alice, post_id)
    other = await board.reply(bob, post_id, parent=parent)
    await board.reply(carol, post_id, parent=other)

    assert kinds(await board.notifications(bob)) == [NOTIFICATION_KIND_REPLY]
    assert [each.actor.username for each in await board.notifications(alice)] == ["bob"]


async def test_nobody_hears_of_their_own_doing(board: Any) -> None:
    [alice] = await board.users("alice")
    post_id = await board.post(alice, mentions=(alice.user_id,))
    await board.follow(alice, TARGET_KIND_POST, post_id)
    await board.reply(alice, post_id, mentions=(alice.user_id,))

    assert await board.notifications(alice) == []


async def test_a_mention_counts_more_than_a_reply_and_a_reply_more_than_following(board: Any) -> None:
    alice, bob, carol, dave = await board.users("alice", "bob", "carol", "dave")
    post_id = await board.post(alice)
    for user in (alice, bob, carol):
        await board.follow(user, TARGET_KIND_POST, post_id)
    await board.reply(dave, post_id, mentions=(bob.user_id,))

    assert kinds(await board.notifications(alice)) == [NOTIFICATION_KIND_REPLY]
    assert kinds(await board.notifications(bob)) == [NOTIFICATION_KIND_MENTION]
    assert kinds(await board.notifications(carol)) == [NOTIFICATION_KIND_FOLLOWED_REPLY]


async def test_who_does_not_want_a_kind_gets_the_next_that_fits(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    await board.follow(alice, TARGET_KIND_POST, post_id)
    await want(board, alice, mention=False, reply=False)
    await board.reply(bob, post_id, mentions=(alice.user_id,))
    assert kinds(await board.notifications(alice)) == [NOTIFICATION_KIND_FOLLOWED_REPLY]

    await want(board, alice, followed_reply=False)
    await board.reply(bob, post_id, mentions=(alice.user_id,))
    assert [each.count for each in await board.notifications(alice)] == [1]


async def want(board: Any, user: Any, **wishes: bool) -> None:
    request = pb.UpdateNotificationPreferencesRequest(preferences=pb.NotificationPreferences(**wishes))
    await board.forum.call("UpdateNotificationPreferences", request, user)


async def test_a_user_who_blocks_the_actor_hears_nothing(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice)
    blocking = {"user_id": alice.user_id, "blocked_user_id": bob.user_id, "created_time": datetime.now(UTC)}
    await board.insert(models.blocks, **blocking)
    await board.follow(alice, TARGET_KIND_USER, bob.user_id)
    await board.reply(bob, post_id, mentions=(alice.user_id,))
    await board.post(bob, mentions=(alice.user_id,))
    assert await board.notifications(alice) == []

    await board.reply(carol, post_id)
    assert [each.actor.username for each in await board.notifications(alice)] == ["carol"]


@pytest.mark.parametrize(
    ("gone", "is_notified"),
    [
        ({"is_deleted": True, "username_key": None}, False),
        ({"is_banned": True}, False),
        ({"is_banned": True, "ban_until_time": datetime.now(UTC) + timedelta(days=1)}, False),
        ({"is_banned": True, "ban_until_time": datetime.now(UTC) - timedelta(days=1)}, True),
    ],
)
async def test_deleted_and_banned_users_hear_nothing(board: Any, gone: dict[str, Any], is_notified: bool) -> None:
    [alice] = await board.users("alice")
    bob = await board.user("bob", **gone)
    post_id = await board.post(bob)
    await board.reply(alice, post_id)

    assert bool(await board.notifications(bob)) == is_notified


async def test_who_may_not_read_a_category_hears_nothing_of_it(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    mod = await board.user("mod", "moderator")
    hidden = await board.category(read_rank=MODERATOR_RANK)
    below = await board.category(parent_id=hidden)
    for category_id in (hidden, below):
        post_id = await board.post(mod, category_id=category_id, mentions=(bob.user_id,))
        await board.follow(bob, TARGET_KIND_POST, post_id)
        await board.reply(alice, post_id, mentions=(bob.user_id,))

    assert await board.notifications(bob) == []
    assert [each.count for each in await board.notifications(mod)] == [1, 1]


async def test_what_happens_again_before_it_is_read_is_counted(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice)
    await board.reply(bob, post_id)
    [first] = await board.notifications(alice)
    newest = await board.reply(carol, post_id)
    [second] = await board.notifications(alice)

    assert (second.id, second.count, second.actor.username, second.reply_id) == (first.id, 2, "carol", newest)
    assert second.updated_time.ToDatetime() > first.updated_time.ToDatetime()


async def test_after_it_was_read_it_begins_again(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    await board.reply(bob, post_id)
    await board.reply(bob, post_id)
    [read] = await board.notifications(alice)
    request = pb.MarkNotificationsReadRequest(notification_ids=[read.id])
    await board.forum.call("MarkNotificationsRead", request, alice)
    await board.reply(bob, post_id)
    [again] = await board.notifications(alice)

    assert (read.count, again.id, again.count, again.is_read) == (2, read.id, 1, False)


async def test_each_change_is_an_event_with_the_number_of_unread_ones(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    first, second = await board.post(alice), await board.post(alice)
    for post_id in (first, second, second):
        await board.reply(bob, post_id)
    shown = await board.notifications(alice)
    changes = await board.forum.events(events_pb.NotificationChanged)

    assert [(each.user_id, each.unread_count, each.notification.count) for each in changes] == [
        (alice.user_id, 1, 1),
        (alice.user_id, 2, 1),
        (alice.user_id, 2, 2),
    ]
    assert changes[-1].notification == shown[0]
    envelopes = await board.forum.envelopes()
    assert {each.subject for each in envelopes if each.type.endswith("NotificationChanged")} == {
        f"user:{alice.user_id}"
    }


@pytest.mark.parametrize("kind", [TARGET_KIND_USER, TARGET_KIND_CATEGORY, TARGET_KIND_TAG])
async def test_followers_of_an_author_a_category_or_a_tag_hear_of_a_post(board: Any, kind: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    category_id = await board.category()
    tag_id = await board.insert(
        models.tags,
        name="tag",
        name_key=b"tag",
        description="",
        is_restricted=False,
        post_count=0,
        created_time=datetime.now(UTC),
    )
    targets = {TARGET_KIND_USER: alice.user_id, TARGET_KIND_CATEGORY: category_id, TARGET_KIND_TAG: tag_id}
    await board.follow(bob, kind, targets[kind])
    await board.post(alice)  # not of the category or the tag
    post_id = await board.post(alice, category_id=category_id)
    await board.insert(models.post_tags, post_id=post_id, tag_id=tag_id, position=0)
    found = await board.notifications(bob)

    assert kinds(found) == [NOTIFICATION_KIND_FOLLOWED_POST] * (2 if kind == TARGET_KIND_USER else 1)
    assert found[0].post_id == post_id


async def test_who_follows_for_several_reasons_gets_one_notification(board: Any) -> None:
    alice, bob = await board.users("alice", "bob")
    await board.follow(bob, TARGET_KIND_USER, alice.user_id)
    await board.follow(bob, TARGET_KIND_CATEGORY, 1)
    await board.post(alice)

    assert [each.count for each in await board.notifications(bob)] == [1]


async def test_users_named_in_an_edit_hear_of_it(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice, mentions=(bob.user_id,))
    edit = events_pb.PostUpdated(post_id=post_id, editor_id=alice.user_id, mentioned_user_ids=[carol.user_id])
    await board.happen(post_id, edit)

    assert kinds(await board.notifications(carol)) == [NOTIFICATION_KIND_MENTION]
    assert [each.count for each in await board.notifications(bob)] == [1]


@pytest.mark.parametrize("status", [CONTENT_STATUS_HELD, CONTENT_STATUS_DELETED])
async def test_what_is_not_in_sight_is_told_when_it_comes_into_sight(board: Any, status: int) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    mod = await board.user("mod", "moderator")
    await board.follow(carol, TARGET_KIND_USER, alice.user_id)
    post_id = await board.post(alice, status=status, mentions=(bob.user_id,))
    assert [await board.notifications(user) for user in (bob, carol)] == [[], []]

    await board.change(models.posts, post_id, status=CONTENT_STATUS_LIVE)
    await board.happen(post_id, events_pb.PostRestored(post_id=post_id, actor_id=mod.user_id))
    [named], [following] = await board.notifications(bob), await board.notifications(carol)
    assert (named.kind, named.actor.username) == (NOTIFICATION_KIND_MENTION, "alice")
    assert (following.kind, following.actor.username) == (NOTIFICATION_KIND_FOLLOWED_POST, "alice")
    assert await board.count(models.held_notices) == 0


async def test_what_was_told_is_not_told_again_when_it_comes_back(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id, mentions=(carol.user_id,))
    await board.apply()
    for status in (CONTENT_STATUS_REMOVED, CONTENT_STATUS_HELD, CONTENT_STATUS_DELETED):
        ids = {"reply_id": reply_id, "post_id": post_id, "actor_id": bob.user_id}
        await board.change(models.replies, reply_id, status=status)
        await board.happen(post_id, events_pb.ReplyDeleted(**ids, status=status))
        await board.apply()
        await board.change(models.replies, reply_id, status=CONTENT_STATUS_LIVE)
        await board.happen(post_id, events_pb.ReplyRestored(**ids))

    assert [each.count for each in await board.notifications(alice)] == [1]
    assert [each.count for each in await board.notifications(carol)] == [1]


async def test_users_named_while_a_text_is_held_hear_of_it_with_the_others(board: Any) -> None:
    alice, bob, carol, dave = await board.users("alice", "bob", "carol", "dave")
    post_id = await board.post(alice)
    reply_id = await board.reply(bob, post_id, status=CONTENT_STATUS_HELD, mentions=(carol.user_id,))
    ids = {"reply_id": reply_id, "post_id": post_id}
    await board.happen(post_id, events_pb.ReplyUpdated(**ids, editor_id=bob.user_id, mentioned_user_ids=[dave.user_id]))
    await board.apply()
    await board.change(models.replies, reply_id, status=CONTENT_STATUS_LIVE)
    await board.happen(post_id, events_pb.ReplyRestored(**ids, actor_id=alice.user_id))

    assert [kinds(await board.notifications(user)) for user in (alice, carol, dave)] == [
        [NOTIFICATION_KIND_REPLY],
        [NOTIFICATION_KIND_MENTION],
        [NOTIFICATION_KIND_MENTION],
    ]


async def test_an_edit_that_is_held_tells_only_whom_it_names(board: Any) -> None:
    alice, bob, carol = await board.users("alice", "bob", "carol")
    await board.follow(carol, TARGET_KIND_USER, alice.user_id)
    post_id = await board.post(alice)
    await board.apply()
    await board.change(models.posts, post_id, status=CONTENT_STATUS_HELD)
    edit = events_pb.PostUpdated(post_id=post_id, editor_id=alice.user_id, mentioned_user_ids=[bob.user_id])
    await board.happen(post_id, edit)
    await board.apply()
    await board.change(models.posts, post_id, status=CONTENT_STATUS_LIVE)
    await board.happen(post_id, events_pb.PostRestored(post_id=post_id, actor_id=alice.user_id))

    assert kinds(await board.notifications(bob)) == [NOTIFICATION_KIND_MENTION]
    assert [each.count for each in await board.notifications(carol)] == [1]


async def test_many_followers_are_notified_batch_by_batch_each_once(
    board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "BATCH", 3)
    alice, bob = await board.users("alice", "bob")
    post_id = await board.post(alice)
    followers = await board.users(*(f"follower{number}" for number in range(10)))
    for user in (alice, *followers):
        await board.follow(user, TARGET_KIND_POST, post_id)
    await board.apply()
    await board.reply(bob, post_id, mentions=(followers[4].user_id,))
    await board.apply()

    assert kinds(await board.notifications(alice)) == [NOTIFICATION_KIND_REPLY]
    assert kinds(await board.notifications(followers[4])) == [NOTIFICATION_KIND_MENTION]
    others = [user for user in followers if user != followers[4]]
    assert [await shown(board, user) for user in others] == [[(NOTIFICATION_KIND_FOLLOWED_REPLY, 1)]] * 9
    waiting = await board.forum.events(events_pb.FollowersWaiting)
    assert [each.after_user_id for each in waiting] == sorted(each.after_user_id for each in waiting)
    assert len(waiting) == 3


async def shown(board: Any, user: Any) -> list[tuple[int, int]]:
    return [(each.kind, each.count) for each in await board.notifications(user)]


async def test_followers_who_wait_are_left_in_peace_when_the_text_is_gone(
    board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "BATCH", 1)
    alice, bob, carol = await board.users("alice", "bob", "carol")
    for user in (bob, carol):
        await board.follow(user, TARGET_KIND_USER, alice.user_id)
    post_id = await board.post(alice)
    [created] = [each for each in await board.forum.envelopes() if each.type.endswith("PostCreated")]
    await board.apply_one(created)
    await board.change(models.posts, post_id, status=CONTENT_STATUS_REMOVED)
    [waiting] = [each for each in await board.forum.envelopes() if each.type.endswith("FollowersWaiting")]
    await board.apply_one(waiting)

    async with board.database.read() as connection:
        told = (await connection.execute(select(models.notifications.c.user_id))).scalars().all()
    assert told == [bob.user_id]
