"""ListReplies: orders, filters, pages, and what a caller sees of each reply."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from plaza.forum.v1 import engagement_service_pb2 as engagement_pb
from plaza.forum.v1 import post_service_pb2 as post_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

SORTS = (pb.REPLY_SORT_UNSPECIFIED, pb.REPLY_SORT_OLD, pb.REPLY_SORT_NEW, pb.REPLY_SORT_TOP)


async def page(forum: Any, post_id: int, caller: Caller | None = None, **more: Any) -> pb.ListRepliesResponse:
    response: pb.ListRepliesResponse = await forum.call(
        "ListReplies", pb.ListRepliesRequest(post_id=post_id, **more), caller
    )
    return response


async def numbers(forum: Any, post_id: int, **more: Any) -> list[int]:
    """Return the numbers on all pages, in order."""
    found: list[int] = []
    token = ""
    while True:
        response = await page(forum, post_id, page_token=token, **more)
        found += [reply.number for reply in response.replies]
        token = response.next_page_token
        if not token:
            return found


async def vote(forum: Any, caller: Caller, reply_id: int, value: int) -> None:
    target = Target(kind=TARGET_KIND_REPLY, id=reply_id)
    await forum.call("SetVote", engagement_pb.SetVoteRequest(target=target, value=value), caller)


@contextmanager
def statements(forum: Any) -> Iterator[list[str]]:
    """Collect the statements of reads."""
    engine = forum.service.foundation.database._reader.sync_engine
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_replies_come_old_new_or_top_first(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    replies = [await forum.reply(alice, post_id) for _ in range(5)]
    await vote(forum, forum.user("bob"), replies[1].id, 1)
    await vote(forum, forum.user("bob"), replies[3].id, -1)

    assert await numbers(forum, post_id) == [1, 2, 3, 4, 5]
    assert await numbers(forum, post_id, sort=pb.REPLY_SORT_OLD) == [1, 2, 3, 4, 5]
    assert await numbers(forum, post_id, sort=pb.REPLY_SORT_NEW) == [5, 4, 3, 2, 1]
    assert await numbers(forum, post_id, sort=pb.REPLY_SORT_TOP) == [2, 5, 3, 1, 4]


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_leave_nothing_out_and_repeat_nothing(forum: Any, sort: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    for index in range(7):
        reply = await forum.reply(alice, post_id)
        if index % 3 == 0:
            await vote(forum, forum.user("bob"), reply.id, 1)

    whole = await numbers(forum, post_id, sort=sort)
    assert sorted(whole) == list(range(1, 8))
    for size in (1, 2, 7):
        assert await numbers(forum, post_id, sort=sort, page_size=size) == whole


async def test_a_reply_between_two_pages_is_on_neither_twice(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    for _ in range(4):
        await forum.reply(alice, post_id)
    first = await page(forum, post_id, sort=pb.REPLY_SORT_NEW, page_size=2)
    await forum.reply(alice, post_id)
    second = await page(forum, post_id, sort=pb.REPLY_SORT_NEW, page_size=2, page_token=first.next_page_token)

    assert [reply.number for reply in first.replies] == [4, 3]
    assert [reply.number for reply in second.replies] == [2, 1]
    assert second.next_page_token == ""


async def test_filters_by_what_is_answered(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    top = await forum.reply(alice, post_id)
    child = await forum.reply(alice, post_id, parent=top.id)
    await forum.reply(alice, post_id, parent=child.id)
    await forum.reply(alice, post_id)

    assert await numbers(forum, post_id, is_top_level=True) == [1, 4]
    assert await numbers(forum, post_id, parent_reply_id=top.id) == [2]
    assert await numbers(forum, post_id, parent_reply_id=2**53 - 1) == []
    assert await numbers(forum, await forum.post(alice), parent_reply_id=top.id) == []


async def test_children_are_counted_as_far_as_they_are_live(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    top = await forum.reply(alice, post_id)
    children = [await forum.reply(alice, post_id, parent=top.id) for _ in range(3)]
    await forum.reply(alice, post_id, parent=children[0].id)
    await forum.call("DeleteReply", pb.DeleteReplyRequest(reply_id=children[2].id), alice)

    found = (await page(forum, post_id)).replies
    assert [(reply.number, reply.child_count) for reply in found] == [(1, 2), (2, 1), (3, 0), (5, 0)]


async def test_the_default_page_has_fifty_and_the_largest_a_hundred(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    for _ in range(101):
        await forum.reply(alice, post_id)

    assert len((await page(forum, post_id)).replies) == 50
    largest = await page(forum, post_id, page_size=1000)
    assert len(largest.replies) == 100
    assert largest.next_page_token


async def test_what_is_asked_for_is_checked(forum: Any) -> None:
    post_id = await forum.post(forum.user("alice"))
    for field, more in {"page_size": {"page_size": -1}, "sort": {"sort": 9}}.items():
        request = pb.ListRepliesRequest(post_id=post_id, **more)  # type: ignore[arg-type]
        error = await forum.refused("ListReplies", request, "INVALID_REQUEST")
        assert [violation.field for violation in error.violations] == [field]
    error = await forum.refused("ListReplies", pb.ListRepliesRequest(post_id=post_id, page_size=-1), "INVALID_REQUEST")
    assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]


async def test_a_token_is_good_for_its_own_list_only(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    for _ in range(3):
        await forum.reply(alice, post_id)
    token = (await page(forum, post_id, page_size=1)).next_page_token
    others: list[dict[str, Any]] = [
        {"sort": pb.REPLY_SORT_NEW},
        {"is_top_level": True},
        {"parent_reply_id": 1},
        {"post_id": await forum.post(alice)},
        {"page_token": "nonsense"},
    ]

    for more in others:
        request = pb.ListRepliesRequest(**{"post_id": post_id, "page_token": token, **more})
        await forum.refused("ListReplies", request, "PAGE_TOKEN_INVALID")


async def test_replies_of_a_post_that_is_not_there_for_the_caller_are_not_either(forum: Any) -> None:
    alice = forum.user("alice")
    hidden = await forum.post(forum.moderator(), category_id=await forum.category(read_role="moderator"))
    deleted = await forum.post(alice)
    await forum.reply(alice, deleted)
    await forum.call("DeletePost", post_pb.DeletePostRequest(post_id=deleted), alice)

    for post_id in (2**53 - 1, hidden, deleted):
        await forum.refused("ListReplies", pb.ListRepliesRequest(post_id=post_id), "POST_NOT_FOUND", alice)
    assert await numbers_for(forum, deleted, forum.moderator()) == [1]


async def numbers_for(forum: Any, post_id: int, caller: Caller) -> list[int]:
    return [reply.number for reply in (await page(forum, post_id, caller)).replies]


async def test_replies_of_blocked_authors_come_without_their_text(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post_id = await forum.post(alice)
    mine, theirs = await forum.reply(alice, post_id, "mine"), await forum.reply(bob, post_id, "theirs")
    await forum.call("BlockUser", engagement_pb.BlockUserRequest(user_id=bob.user_id), alice)

    found = (await page(forum, post_id, alice)).replies
    assert [(reply.content, reply.is_from_blocked) for reply in found] == [("mine", False), ("", True)]
    assert found[1].content_html == ""
    assert [reply.content for reply in (await page(forum, post_id, bob)).replies] == ["mine", "theirs"]
    one = (await forum.call("GetReply", pb.GetReplyRequest(reply_id=theirs.id), alice)).reply
    assert (one.content, one.is_from_blocked) == ("theirs", True)
    assert mine.number == 1


async def test_a_caller_sees_what_they_have_to_do_with_a_reply(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post_id = await forum.post(alice)
    reply = await forum.reply(alice, post_id)
    target = Target(kind=TARGET_KIND_REPLY, id=reply.id)
    await vote(forum, bob, reply.id, 1)
    await forum.call("AddReaction", engagement_pb.AddReactionRequest(target=target, emoji="🎉"), bob)
    await forum.call("AddBookmark", engagement_pb.AddBookmarkRequest(target=target), bob)
    post = Target(kind=TARGET_KIND_POST, id=post_id)
    await forum.call("Follow", engagement_pb.FollowRequest(target=post), bob)

    seen = (await page(forum, post_id, bob)).replies[0]
    assert (seen.viewer.vote, list(seen.viewer.reactions)) == (1, ["🎉"])
    assert seen.viewer.is_bookmarked
    assert seen.viewer.is_followed
    assert not seen.viewer.may_edit
    assert [(count.emoji, count.count) for count in seen.reactions] == [("🎉", 1)]
    assert seen.up_count == 1
    own = (await page(forum, post_id, alice)).replies[0]
    assert own.viewer.may_edit
    assert not own.viewer.is_bookmarked
    anonymous = (await page(forum, post_id)).replies[0]
    assert not anonymous.HasField("viewer")
    assert [count.emoji for count in anonymous.reactions] == ["🎉"]


async def test_a_page_takes_the_same_statements_however_long_it_is(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    counts = []
    for _ in range(2):
        for _ in range(10):
            await forum.reply(alice, post_id)
        await page(forum, post_id, alice)  # the directory of categories is fresh for a second
        with statements(forum) as seen:
            await page(forum, post_id, alice)
        counts.append(len(seen))

    assert counts == [6, 6]
