"""The accepted answer: said by the post's author or a moderator, one at most."""

from typing import Any

import pytest

from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.forum_events_pb2 import AnswerAccepted


def accept(post_id: int, reply_id: int) -> pb.AcceptAnswerRequest:
    return pb.AcceptAnswerRequest(post_id=post_id, reply_id=reply_id)


async def accepted(forum: Any, post_id: int) -> int:
    response = await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post_id))
    return int(response.post.summary.accepted_reply_id)


@pytest.mark.parametrize("who", ["alice", "mod"])
async def test_author_and_moderators_accept_another_and_none(forum: Any, who: str) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    caller = alice if who == "alice" else forum.moderator()
    post = await forum.post(alice)
    replies = [(await forum.reply(bob, post)).id for _ in range(2)]
    seen = []
    for reply_id in replies:
        await forum.call("AcceptAnswer", accept(post, reply_id), caller)
        seen.append(await accepted(forum, post))
    shown = await forum.call("GetReply", reply_service_pb2.GetReplyRequest(reply_id=replies[1]))
    await forum.call("ClearAnswer", pb.ClearAnswerRequest(post_id=post), caller)

    assert seen == replies
    assert shown.reply.is_accepted
    assert await accepted(forum, post) == 0


async def test_only_a_change_is_announced(forum: Any) -> None:
    alice = forum.user("alice")
    post = await forum.post(alice)
    reply = await forum.reply(alice, post)
    await forum.call("ClearAnswer", pb.ClearAnswerRequest(post_id=post), alice)
    for _ in range(2):
        await forum.call("AcceptAnswer", accept(post, reply.id), alice)
    for _ in range(2):
        await forum.call("ClearAnswer", pb.ClearAnswerRequest(post_id=post), alice)

    assert await forum.events(AnswerAccepted) == [
        AnswerAccepted(post_id=post, reply_id=reply.id, actor_id=alice.user_id),
        AnswerAccepted(post_id=post, actor_id=alice.user_id),
    ]


async def test_others_do_not_decide(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    reply = await forum.reply(bob, post)
    await forum.refused("AcceptAnswer", accept(post, reply.id), "NOT_POST_AUTHOR", bob)
    await forum.refused("AcceptAnswer", pb.AcceptAnswerRequest(post_id=post), "NOT_POST_AUTHOR", bob)
    await forum.call("AcceptAnswer", accept(post, reply.id), alice)
    await forum.refused("ClearAnswer", pb.ClearAnswerRequest(post_id=post), "NOT_POST_AUTHOR", bob)

    assert await accepted(forum, post) == reply.id


async def test_only_a_live_reply_of_the_post_answers_it(forum: Any) -> None:
    alice = forum.user("alice")
    post, other = await forum.post(alice), await forum.post(alice)
    elsewhere, gone = await forum.reply(alice, other), await forum.reply(alice, post)
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=gone.id), alice)
    for reply_id in (elsewhere.id, gone.id, 999):
        await forum.refused("AcceptAnswer", accept(post, reply_id), "REPLY_NOT_FOUND", alice)
    await forum.refused("AcceptAnswer", accept(post, gone.id), "REPLY_NOT_FOUND", forum.moderator())

    assert await accepted(forum, post) == 0


async def test_a_vanished_answer_answers_nothing(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    reply = await forum.reply(bob, post)
    await forum.call("AcceptAnswer", accept(post, reply.id), alice)
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply.id), bob)

    assert await accepted(forum, post) == 0
