"""People use the forum, others are notified: nothing but calls, and the service's own events."""

from typing import Any

import pytest
from sqlalchemy import select

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as engagement_pb
from plaza.forum.v1 import moderation_service_pb2 as moderation_pb
from plaza.forum.v1 import post_service_pb2 as post_pb
from plaza.forum.v1.notification_pb2 import (
    NOTIFICATION_KIND_ACCEPTED,
    NOTIFICATION_KIND_FOLLOWED_POST,
    NOTIFICATION_KIND_FOLLOWED_REPLY,
    NOTIFICATION_KIND_MENTION,
    NOTIFICATION_KIND_MODERATION,
    NOTIFICATION_KIND_REPLY,
    NOTIFICATION_KIND_VOTE_MILESTONE,
)
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, TARGET_KIND_TAG, TARGET_KIND_USER, Target
from plaza_kit.caller import Caller


@pytest.fixture
async def people(board: Any) -> list[Caller]:
    """Four users, and a moderator as the last."""
    names = ("alice", "bob", "carol", "dave")
    return [*[await board.user(name) for name in names], await board.user("mod", "moderator")]


async def kinds(board: Any, user: Caller) -> list[int]:
    return [each.kind for each in await board.notifications(user)]


async def test_an_answer_with_all_that_follows(board: Any, people: list[Caller]) -> None:
    alice, bob, carol, dave, _ = people
    call = board.forum.call
    post_id = await board.forum.post(alice)
    post = Target(kind=TARGET_KIND_POST, id=post_id)
    await call("Follow", engagement_pb.FollowRequest(target=post), dave)
    reply = await board.forum.reply(bob, post_id, "ask @carol")
    await call("SetVote", engagement_pb.SetVoteRequest(target=post, value=1), bob)
    await call("AcceptAnswer", engagement_pb.AcceptAnswerRequest(post_id=post_id, reply_id=reply.id), alice)

    assert await kinds(board, alice) == [NOTIFICATION_KIND_VOTE_MILESTONE, NOTIFICATION_KIND_REPLY]
    assert await kinds(board, bob) == [NOTIFICATION_KIND_ACCEPTED]
    assert await kinds(board, carol) == [NOTIFICATION_KIND_MENTION]
    assert await kinds(board, dave) == [NOTIFICATION_KIND_FOLLOWED_REPLY]


async def test_votes_that_come_and_go_tell_a_milestone_once(board: Any, people: list[Caller]) -> None:
    alice, bob, *_ = people
    target = Target(kind=TARGET_KIND_POST, id=await board.forum.post(alice))
    for value in (1, -1, 1, 0, 1):
        await board.forum.call("SetVote", engagement_pb.SetVoteRequest(target=target, value=value), bob)
    [found] = await board.notifications(alice)

    assert (found.kind, found.detail, found.count) == (NOTIFICATION_KIND_VOTE_MILESTONE, "1", 1)


async def test_a_post_is_told_to_followers_and_an_edit_to_whom_it_names_anew(board: Any, people: list[Caller]) -> None:
    alice, bob, carol, dave, _ = people
    await board.forum.post(alice, tags=["garden"])
    await board.apply()
    async with board.database.read() as connection:
        tag_id = (await connection.execute(select(models.tags.c.id))).scalar_one()
    for user, target in (
        (bob, Target(kind=TARGET_KIND_USER, id=alice.user_id)),
        (carol, Target(kind=TARGET_KIND_TAG, id=tag_id)),
    ):
        await board.forum.call("Follow", engagement_pb.FollowRequest(target=target), user)
    post_id = await board.forum.post(alice, tags=["garden"], content="see @bob")
    edit = post_pb.UpdatePostRequest(post_id=post_id, content="see @bob and @dave")
    await board.forum.call("UpdatePost", edit, alice)

    assert await kinds(board, bob) == [NOTIFICATION_KIND_MENTION]
    assert await kinds(board, carol) == [NOTIFICATION_KIND_FOLLOWED_POST]
    assert await kinds(board, dave) == [NOTIFICATION_KIND_MENTION]


async def test_a_held_post_is_told_when_a_moderator_lets_it_through(board: Any, people: list[Caller]) -> None:
    alice, bob, carol, _, mod = people
    call = board.forum.call
    word = moderation_pb.CreateWordFilterRequest(phrase="pills", action="hold")
    await call("CreateWordFilter", word, board.forum.admin())
    follow = engagement_pb.FollowRequest(target=Target(kind=TARGET_KIND_USER, id=alice.user_id))
    await call("Follow", follow, carol)
    await board.forum.post(alice, content="pills for @bob")
    assert await kinds(board, bob) == await kinds(board, carol) == []

    [case] = (await call("ListCases", moderation_pb.ListCasesRequest(), mod)).cases
    await call("ResolveCase", moderation_pb.ResolveCaseRequest(case_id=case.id, resolution="dismiss"), mod)
    assert await kinds(board, bob) == [NOTIFICATION_KIND_MENTION]
    assert await kinds(board, carol) == [NOTIFICATION_KIND_FOLLOWED_POST]


@pytest.mark.parametrize("kind", [TARGET_KIND_POST, TARGET_KIND_REPLY])
async def test_the_author_is_told_why_a_text_was_removed(board: Any, people: list[Caller], kind: Any) -> None:
    alice, bob, _, _, mod = people
    post_id = await board.forum.post(alice)
    reply = await board.forum.reply(bob, post_id)
    target = Target(kind=kind, id=post_id if kind == TARGET_KIND_POST else reply.id)
    author = alice if kind == TARGET_KIND_POST else bob
    request = moderation_pb.RemoveContentRequest(target=target, reason="Advertising")
    await board.forum.call("RemoveContent", request, mod)
    found = (await board.notifications(author))[0]

    assert (found.kind, found.detail, found.reason) == (NOTIFICATION_KIND_MODERATION, "content.remove", "Advertising")
    assert found.post_title == "title 1"


async def test_a_case_that_ends_in_removal_tells_the_author_why(board: Any, people: list[Caller]) -> None:
    alice, bob, _, _, mod = people
    post = Target(kind=TARGET_KIND_POST, id=await board.forum.post(alice))
    await board.forum.call("CreateReport", moderation_pb.CreateReportRequest(target=post, reason="spam"), bob)
    [case] = (await board.forum.call("ListCases", moderation_pb.ListCasesRequest(), mod)).cases
    request = moderation_pb.ResolveCaseRequest(case_id=case.id, resolution="remove", reason="Advertising")
    await board.forum.call("ResolveCase", request, mod)
    [found] = await board.notifications(alice)

    assert (found.detail, found.reason) == ("content.remove", "Advertising")
