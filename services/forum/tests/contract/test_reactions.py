"""Reactions: emoji on posts and replies, each of a user once."""

import asyncio
from typing import Any

import emoji
import pytest

from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2
from plaza.forum.v1.forum_events_pb2 import ReactionChanged
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.errors import Violation

MANY = [each for each, data in emoji.EMOJI_DATA.items() if data["status"] == emoji.STATUS["fully_qualified"]][:40]


@pytest.fixture(params=["post", "reply"])
async def target(request: pytest.FixtureRequest, forum: Any) -> Target:
    """A post or a reply of alice's."""
    alice = forum.user("alice")
    post = await forum.post(alice)
    if request.param == "post":
        return Target(kind=TARGET_KIND_POST, id=post)
    return Target(kind=TARGET_KIND_REPLY, id=(await forum.reply(alice, post)).id)


async def add(forum: Any, target: Target, given: str, user: Any) -> list[tuple[str, int]]:
    response = await forum.call("AddReaction", pb.AddReactionRequest(target=target, emoji=given), user)
    return [(each.emoji, each.count) for each in response.reactions]


async def remove(forum: Any, target: Target, given: str, user: Any) -> list[tuple[str, int]]:
    response = await forum.call("RemoveReaction", pb.RemoveReactionRequest(target=target, emoji=given), user)
    return [(each.emoji, each.count) for each in response.reactions]


async def test_reactions_add_up_and_the_most_frequent_come_first(forum: Any, target: Target) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    await add(forum, target, "🎉", alice)
    await add(forum, target, "👍", alice)
    seen = await add(forum, target, "👍", bob)
    again = await add(forum, target, "👍", bob)

    assert seen == again == [("👍", 2), ("🎉", 1)]


async def test_a_reaction_can_be_taken_back_once(forum: Any, target: Target) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    await add(forum, target, "👍", alice)
    await add(forum, target, "👍", bob)
    seen = [await remove(forum, target, "👍", user) for user in (bob, bob, alice)]

    assert seen == [[("👍", 1)], [("👍", 1)], []]


async def test_spellings_of_one_emoji_are_one_reaction(forum: Any, target: Target) -> None:
    bob = forum.user("bob")
    seen = [await add(forum, target, given, bob) for given in ("\u2764", "\u2764\ufe0f")]
    gone = await remove(forum, target, "\u2764", bob)

    assert (seen, gone) == ([[("\u2764\ufe0f", 1)]] * 2, [])


async def test_only_a_change_is_announced(forum: Any, target: Target) -> None:
    bob = forum.user("bob")
    await remove(forum, target, "👍", bob)
    for _ in range(2):
        await add(forum, target, "👍", bob)
    await remove(forum, target, "👍", bob)
    events = await forum.events(ReactionChanged)

    assert [(event.target, event.emoji, event.count) for event in events] == [(target, "👍", 1), (target, "👍", 0)]
    subjects = {envelope.subject for envelope in await forum.envelopes() if envelope.type.endswith("ReactionChanged")}
    assert subjects == {f"post:{event.post_id}" for event in events}


@pytest.mark.parametrize("given", ["a", "👍👍", ":+1:", "🏽", "👍" * 16])
async def test_anything_but_one_emoji_is_refused(forum: Any, target: Target, given: str) -> None:
    request = pb.AddReactionRequest(target=target, emoji=given)
    error = await forum.refused("AddReaction", request, "INVALID_REQUEST", forum.user("bob"))

    assert error.violations == [Violation("emoji", "BAD_FORMAT")]


async def test_too_long_and_empty_texts_are_named_so(forum: Any, target: Target) -> None:
    violations = []
    for given in ("", "x" * 17):
        request = pb.AddReactionRequest(target=target, emoji=given)
        error = await forum.refused("AddReaction", request, "INVALID_REQUEST", forum.user("bob"))
        violations += error.violations

    assert violations == [Violation("emoji", "BLANK", 1), Violation("emoji", "TOO_LONG", 16)]


async def test_a_user_gives_at_most_ten(forum: Any, target: Target) -> None:
    bob = forum.user("bob")
    for given in MANY[:10]:
        await add(forum, target, given, bob)
    request = pb.AddReactionRequest(target=target, emoji=MANY[10])
    error = await forum.refused("AddReaction", request, "LIMIT_REACHED", bob)

    assert error.metadata == {"limit": "10"}
    assert len(await add(forum, target, MANY[0], bob)) == 10


async def test_at_most_thirty_different_ones_are_given(forum: Any, target: Target) -> None:
    users = [forum.user(f"user-{number}") for number in range(4)]
    for number, given in enumerate(MANY[:30]):
        await add(forum, target, given, users[number // 10])
    request = pb.AddReactionRequest(target=target, emoji=MANY[30])
    error = await forum.refused("AddReaction", request, "LIMIT_REACHED", users[3])

    assert error.metadata == {"limit": "30"}
    assert (await add(forum, target, MANY[29], users[3]))[0] == (MANY[29], 2)


async def test_who_reacts_at_once_is_counted(forum: Any, target: Target) -> None:
    users = [forum.user(f"user-{number}") for number in range(12)]
    await asyncio.gather(*(add(forum, target, "👍", user) for user in users))

    assert await add(forum, target, "👍", users[0]) == [("👍", 12)]
    assert [event.count for event in await forum.events(ReactionChanged)] == list(range(1, 13))


async def test_the_giver_and_all_others_see_them(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    await add(forum, Target(kind=TARGET_KIND_POST, id=post), "👍", bob)
    seen = [
        (await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post), user)).post for user in (bob, alice)
    ]

    assert [(each.reactions[0].emoji, each.reactions[0].count) for each in seen] == [("👍", 1)] * 2
    assert [list(each.viewer.reactions) for each in seen] == [["👍"], []]
