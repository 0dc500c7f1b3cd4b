"""Votes: one of each user, changeable, counted exactly."""

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import func, select

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.forum_events_pb2 import VoteCast
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.errors import Violation


def vote(target: Target, value: int) -> pb.SetVoteRequest:
    return pb.SetVoteRequest(target=target, value=value)


async def counters(forum: Any, target: Target) -> tuple[int, int]:
    """Return the votes for and against a target, as readers see them."""
    if target.kind == TARGET_KIND_POST:
        response = await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=target.id))
        return response.post.summary.up_count, response.post.summary.down_count
    response = await forum.call("GetReply", reply_service_pb2.GetReplyRequest(reply_id=target.id))
    return response.reply.up_count, response.reply.down_count


@pytest.fixture(params=["post", "reply"])
async def voted(request: pytest.FixtureRequest, forum: Any) -> tuple[Target, int]:
    """A post or a reply of alice's, and the post it belongs to."""
    alice = forum.user("alice")
    post: int = await forum.post(alice)
    if request.param == "post":
        return Target(kind=TARGET_KIND_POST, id=post), post
    return Target(kind=TARGET_KIND_REPLY, id=(await forum.reply(alice, post)).id), post


async def test_a_vote_counts_once_and_can_be_changed_and_taken_back(forum: Any, voted: Any) -> None:
    target, _ = voted
    bob, carol = forum.user("bob"), forum.user("carol")
    seen = []
    for user, value in [(bob, 1), (bob, 1), (carol, 1), (bob, -1), (bob, -1), (carol, 0), (carol, 0), (bob, 1)]:
        response = await forum.call("SetVote", vote(target, value), user)
        seen.append((response.up_count, response.down_count))

    assert seen == [(1, 0), (1, 0), (2, 0), (1, 1), (1, 1), (0, 1), (0, 1), (1, 0)]
    assert await counters(forum, target) == (1, 0)


async def test_only_a_change_is_announced_with_the_new_counters(forum: Any, voted: Any) -> None:
    (target, post), alice, bob = voted, forum.user("alice"), forum.user("bob")
    for value in (0, 1, 1, -1):
        await forum.call("SetVote", vote(target, value), bob)

    assert await forum.events(VoteCast) == [
        VoteCast(target=target, post_id=post, author_id=alice.user_id, up_count=1),
        VoteCast(target=target, post_id=post, author_id=alice.user_id, down_count=1),
    ]
    subjects = {envelope.subject for envelope in await forum.envelopes() if envelope.type.endswith("VoteCast")}
    assert subjects == {f"post:{post}"}


@pytest.mark.parametrize("value", [1, -1, 0])
async def test_nobody_votes_on_their_own(forum: Any, voted: Any, value: int) -> None:
    target, _ = voted
    await forum.refused("SetVote", vote(target, value), "OWN_CONTENT", forum.user("alice"))

    assert await counters(forum, target) == (0, 0)


@pytest.mark.parametrize(("value", "limit"), [(2, 1), (-2, -1)])
async def test_there_is_no_vote_with_more_weight(forum: Any, voted: Any, value: int, limit: int) -> None:
    target, _ = voted
    error = await forum.refused("SetVote", vote(target, value), "INVALID_REQUEST", forum.user("bob"))

    assert error.violations == [Violation("value", "OUT_OF_RANGE", limit)]
    assert await counters(forum, target) == (0, 0)


async def test_the_voter_sees_their_vote(forum: Any, voted: Any) -> None:
    target, post = voted
    bob = forum.user("bob")
    await forum.call("SetVote", vote(target, -1), bob)
    if target.kind == TARGET_KIND_POST:
        viewer = (await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post), bob)).post.viewer
    else:
        request = reply_service_pb2.GetReplyRequest(reply_id=target.id)
        viewer = (await forum.call("GetReply", request, bob)).reply.viewer

    assert viewer.vote == -1


async def test_a_repeated_request_counts_once(forum: Any, voted: Any) -> None:
    target, _ = voted
    bob = forum.user("bob")._replace(idempotency_key="the-same-key")
    first = await forum.call("SetVote", vote(target, 1), bob)
    await forum.call("SetVote", vote(target, 0), forum.user("bob"))
    again = await forum.call("SetVote", vote(target, 1), bob)

    assert (first, again) == (pb.SetVoteResponse(up_count=1), pb.SetVoteResponse(up_count=1))
    assert await counters(forum, target) == (0, 0)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize("settings_changes", [{"database_pool_size": 10}])
async def test_counters_equal_the_votes_whoever_votes_at_once(forum: Any) -> None:
    alice = forum.user("alice")
    post = await forum.post(alice)
    targets = [
        Target(kind=TARGET_KIND_POST, id=post),
        Target(kind=TARGET_KIND_REPLY, id=(await forum.reply(alice, post)).id),
    ]
    choices = random.Random(7)
    devices = [forum.user(f"voter-{number}") for number in range(30) for _ in range(2)]

    async def vote_often(user: Any) -> None:
        for _ in range(6):
            await forum.call("SetVote", vote(choices.choice(targets), choices.choice((1, -1, 0))), user)

    await asyncio.gather(*map(vote_often, devices))

    for target in targets:
        up_count, down_count, score = await stored(forum, target)
        last = [event for event in await forum.events(VoteCast) if event.target == target][-1]
        assert 10 <= up_count + down_count <= 30
        assert await counters(forum, target) == (last.up_count, last.down_count) == (up_count, down_count)
        assert score == up_count - down_count


async def stored(forum: Any, target: Target) -> tuple[int, int, int]:
    """Return the number of rows for and against a target, and the score in its own row."""
    votes, table = models.votes.c, models.posts if target.kind == TARGET_KIND_POST else models.replies
    counted = select(votes.value, func.count()).where(
        votes.target_kind == int(target.kind), votes.target_id == target.id
    )
    async with forum.service.foundation.database.read() as connection:
        counts = {row[0]: row[1] for row in await connection.execute(counted.group_by(votes.value))}
        score = (await connection.execute(select(table.c.score).where(table.c.id == target.id))).scalar_one()
    return counts.get(1, 0), counts.get(-1, 0), score
