"""What all methods with a target have in common: whom they are for, and for whom the target exists."""

from collections.abc import Callable
from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_REPLY,
    TARGET_KIND_TAG,
    TARGET_KIND_UNSPECIFIED,
    TARGET_KIND_USER,
    Target,
)
from plaza_kit.errors import Violation

CONTENT = (TARGET_KIND_POST, TARGET_KIND_REPLY)
FOLLOWED = (TARGET_KIND_POST, TARGET_KIND_CATEGORY, TARGET_KIND_TAG, TARGET_KIND_USER)
KINDS = (TARGET_KIND_UNSPECIFIED, TARGET_KIND_POST, TARGET_KIND_REPLY, *FOLLOWED[1:])
NOT_FOUND: dict[int, str] = {
    TARGET_KIND_POST: "POST_NOT_FOUND",
    TARGET_KIND_REPLY: "REPLY_NOT_FOUND",
    TARGET_KIND_CATEGORY: "CATEGORY_NOT_FOUND",
    TARGET_KIND_TAG: "TAG_NOT_FOUND",
    TARGET_KIND_USER: "USER_NOT_FOUND",
}

Make = Callable[[Target], Any]

TARGETED: dict[str, tuple[Make, tuple[int, ...]]] = {
    "SetVote": (lambda target: pb.SetVoteRequest(target=target, value=1), CONTENT),
    "AddReaction": (lambda target: pb.AddReactionRequest(target=target, emoji="👍"), CONTENT),
    "RemoveReaction": (lambda target: pb.RemoveReactionRequest(target=target, emoji="👍"), CONTENT),
    "AddBookmark": (lambda target: pb.AddBookmarkRequest(target=target), CONTENT),
    "RemoveBookmark": (lambda target: pb.RemoveBookmarkRequest(target=target), CONTENT),
    "Follow": (lambda target: pb.FollowRequest(target=target), FOLLOWED),
    "Unfollow": (lambda target: pb.UnfollowRequest(target=target), FOLLOWED),
}
OF_POST: dict[str, Callable[[int], Any]] = {
    "AcceptAnswer": lambda post_id: pb.AcceptAnswerRequest(post_id=post_id, reply_id=1),
    "ClearAnswer": lambda post_id: pb.ClearAnswerRequest(post_id=post_id),
    "MarkPostRead": lambda post_id: pb.MarkPostReadRequest(post_id=post_id, last_read_number=0),
}
OF_USER: dict[str, Callable[[int], Any]] = {
    "BlockUser": lambda user_id: pb.BlockUserRequest(user_id=user_id),
    "UnblockUser": lambda user_id: pb.UnblockUserRequest(user_id=user_id),
}
OF_NOTHING: dict[str, Any] = {
    "ListBookmarks": pb.ListBookmarksRequest(),
    "ListFollows": pb.ListFollowsRequest(),
    "ListBlocks": pb.ListBlocksRequest(),
    "MarkAllRead": pb.MarkAllReadRequest(),
}


def target(kind: Any, target_id: int) -> Target:
    return Target(kind=kind, id=target_id)


def post_methods(post_id: int) -> list[tuple[str, Any]]:
    """Return every method that can be about a post, with a request about this one."""
    targeted = [(name, make(target(TARGET_KIND_POST, post_id))) for name, (make, _) in TARGETED.items()]
    return targeted + [(name, make(post_id)) for name, make in OF_POST.items()]


def reply_methods(reply_id: int) -> list[tuple[str, Any]]:
    """Return every method that can be about a reply, with a request about this one."""
    wanted = target(TARGET_KIND_REPLY, reply_id)
    return [(name, make(wanted)) for name, (make, kinds) in TARGETED.items() if TARGET_KIND_REPLY in kinds]


async def test_nobody_in_particular_engages_in_nothing(forum: Any) -> None:
    post = await forum.post(forum.user("alice"))
    of_user = [(name, make(1)) for name, make in OF_USER.items()]
    methods = [*post_methods(post), *of_user, *OF_NOTHING.items()]
    for name, request in methods:
        await forum.refused(name, request, "TOKEN_MISSING")

    assert len(methods) == 16


@pytest.mark.parametrize("method", TARGETED)
async def test_kinds_that_a_method_does_not_take_are_refused(forum: Any, method: str) -> None:
    make, kinds = TARGETED[method]
    for kind in KINDS:
        request = make(target(kind, 999))
        if kind in kinds:
            await forum.refused(method, request, NOT_FOUND[kind], forum.user("bob"))
        else:
            error = await forum.refused(method, request, "INVALID_REQUEST", forum.user("bob"))
            assert error.violations == [Violation("target", "NOT_ALLOWED")]


async def test_what_a_user_may_not_read_does_not_exist(forum: Any) -> None:
    mod, bob = forum.moderator(), forum.user("bob")
    hidden = await forum.category(read_role="moderator")
    post = await forum.post(mod, category_id=hidden)
    reply = await forum.reply(mod, post)
    for name, request in post_methods(post):
        await forum.refused(name, request, "POST_NOT_FOUND", bob)
    for name, request in reply_methods(reply.id):
        await forum.refused(name, request, "REPLY_NOT_FOUND", bob)
    await forum.refused("Follow", pb.FollowRequest(target=target(TARGET_KIND_CATEGORY, hidden)), NOT_FOUND[3], bob)

    await forum.call("Follow", pb.FollowRequest(target=target(TARGET_KIND_CATEGORY, hidden)), mod)


async def test_what_is_deleted_does_not_exist(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post, other = await forum.post(alice), await forum.post(alice)
    reply, below = await forum.reply(alice, post), await forum.reply(alice, other)
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply.id), alice)
    await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=other), alice)
    for name, request in [*reply_methods(reply.id), *reply_methods(below.id)]:
        await forum.refused(name, request, "REPLY_NOT_FOUND", bob)
    for name, request in post_methods(other):
        await forum.refused(name, request, "POST_NOT_FOUND", bob)

    answer = pb.AcceptAnswerRequest(post_id=post, reply_id=reply.id)
    await forum.refused("AcceptAnswer", answer, "REPLY_NOT_FOUND", alice)


@pytest.mark.parametrize("method", OF_USER)
async def test_users_who_are_unknown_or_gone_do_not_exist(forum: Any, change_row: Any, method: str) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    await forum.post(alice)
    await change_row(models.users, alice.user_id, is_deleted=True, username="")
    for user_id in (0, -1, 999, alice.user_id):
        await forum.refused(method, OF_USER[method](user_id), "USER_NOT_FOUND", bob)

    followed = pb.FollowRequest(target=target(TARGET_KIND_USER, alice.user_id))
    await forum.refused("Follow", followed, "USER_NOT_FOUND", bob)


async def test_a_banned_user_changes_nothing(forum: Any, change_row: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    reply = await forum.reply(alice, post)
    await forum.post(bob)
    await change_row(models.users, bob.user_id, is_banned=True)
    of_user = [(name, make(alice.user_id)) for name, make in OF_USER.items()]
    methods = [*post_methods(post), *reply_methods(reply.id), *of_user, ("MarkAllRead", pb.MarkAllReadRequest())]
    before = await forum.envelopes()
    for name, request in methods:
        await forum.refused(name, request, "USER_BANNED", bob)

    assert await forum.envelopes() == before
    assert len(methods) == 18


async def test_a_request_without_what_it_needs_names_it(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    wanted = target(TARGET_KIND_POST, post)
    requests = [
        ("SetVote", pb.SetVoteRequest(target=wanted), "value"),
        ("AddReaction", pb.AddReactionRequest(target=wanted), "emoji"),
        ("RemoveReaction", pb.RemoveReactionRequest(target=wanted), "emoji"),
        ("MarkPostRead", pb.MarkPostReadRequest(post_id=post), "last_read_number"),
    ]
    for name, request, field in requests:
        error = await forum.refused(name, request, "INVALID_REQUEST", bob)
        assert error.violations == [Violation(field, "REQUIRED")]
    error = await forum.refused("AcceptAnswer", pb.AcceptAnswerRequest(post_id=post), "INVALID_REQUEST", alice)
    assert error.violations == [Violation("reply_id", "REQUIRED")]
