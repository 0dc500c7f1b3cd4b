"""ReplyService: writing replies, the order of checks, and whom they exist for."""

from datetime import timedelta
from typing import Any

import pytest

from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as moderation_pb
from plaza.forum.v1 import post_service_pb2 as post_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import (
    CONTENT_STATUS_HELD,
    CONTENT_STATUS_LIVE,
)
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

MISSING = 2**53 - 1


def create(post_id: int, content: str | None = "r", **more: Any) -> pb.CreateReplyRequest:
    return pb.CreateReplyRequest(post_id=post_id, content=content, **more)


def update(reply_id: int, content: str | None = "changed", **more: Any) -> pb.UpdateReplyRequest:
    return pb.UpdateReplyRequest(reply_id=reply_id, content=content, **more)


def delete(reply_id: int, **more: Any) -> pb.DeleteReplyRequest:
    return pb.DeleteReplyRequest(reply_id=reply_id, **more)


async def get(forum: Any, reply_id: int, caller: Caller | None = None) -> Any:
    return (await forum.call("GetReply", pb.GetReplyRequest(reply_id=reply_id), caller)).reply


async def reply_count(forum: Any, post_id: int) -> int:
    response = await forum.call("GetPost", post_pb.GetPostRequest(post_id=post_id), forum.moderator())
    return int(response.post.summary.reply_count)


async def listed(forum: Any, post_id: int) -> list[int]:
    response = await forum.call("ListReplies", pb.ListRepliesRequest(post_id=post_id))
    return [reply.id for reply in response.replies]


async def lock(forum: Any, post_id: int) -> None:
    await forum.call("LockPost", moderation_pb.LockPostRequest(post_id=post_id), forum.moderator())


async def remove_post(forum: Any, caller: Caller, post_id: int) -> None:
    await forum.call("DeletePost", post_pb.DeletePostRequest(post_id=post_id), caller)


async def add_filter(forum: Any, phrase: str, action: str) -> None:
    request = moderation_pb.CreateWordFilterRequest(phrase=phrase, action=action)
    await forum.call("CreateWordFilter", request, forum.admin())


class TestCreate:
    async def test_a_reply_has_its_place_and_its_author(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id = await forum.post(alice)
        reply = await forum.reply(bob, post_id, "*hello*")

        assert (reply.post_id, reply.parent_reply_id, reply.number, reply.depth) == (post_id, 0, 1, 0)
        assert (reply.author.id, reply.author.username) == (bob.user_id, "bob")
        assert (reply.content, reply.content_html) == ("*hello*", "<p><em>hello</em></p>\n")
        assert (reply.status, reply.version, reply.child_count) == (CONTENT_STATUS_LIVE, 1, 0)
        assert reply.viewer.may_edit
        assert reply == await get(forum, reply.id, bob)

    async def test_replies_are_numbered_and_counted_at_every_depth(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        first = await forum.reply(alice, post_id)
        second = await forum.reply(alice, post_id, parent=first.id)
        third = await forum.reply(alice, post_id, parent=second.id)

        assert [(reply.number, reply.depth) for reply in (first, second, third)] == [(1, 0), (2, 1), (3, 2)]
        assert third.parent_reply_id == second.id
        assert (await get(forum, first.id)).child_count == 1
        assert await reply_count(forum, post_id) == 3

    async def test_a_number_is_not_given_twice(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        first = await forum.reply(alice, post_id)
        await forum.call("DeleteReply", delete(first.id), alice)

        assert (await forum.reply(alice, post_id)).number == 2

    async def test_a_reply_moves_the_last_activity_and_not_the_last_edit(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        before = (await forum.call("GetPost", post_pb.GetPostRequest(post_id=post_id))).post.summary
        forum.clock.forward(hours=1)
        await forum.reply(alice, post_id)

        after = (await forum.call("GetPost", post_pb.GetPostRequest(post_id=post_id))).post.summary
        assert after.updated_time == before.updated_time
        assert after.last_activity_time.seconds >= before.last_activity_time.seconds + 3600

    async def test_a_reply_is_announced_with_whom_it_mentions(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id = await forum.post(alice)
        first = await forum.reply(bob, post_id)
        second = await forum.reply(bob, post_id, "for @alice", parent=first.id)

        event = (await forum.events(events_pb.ReplyCreated))[-1]
        assert (event.reply_id, event.post_id, event.parent_reply_id) == (second.id, post_id, first.id)
        assert (event.number, event.author_id, event.status) == (2, bob.user_id, CONTENT_STATUS_LIVE)
        assert list(event.mentioned_user_ids) == [alice.user_id]

    async def test_the_same_key_makes_one_reply(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        repeated = forum.user("alice", idempotency_key="a-key-of-the-client")
        answers = [await forum.call("CreateReply", create(post_id), repeated) for _ in range(2)]

        assert answers[0] == answers[1]
        assert len(await listed(forum, post_id)) == 1

    async def test_a_post_that_is_not_there_comes_first(self, forum: Any) -> None:
        alice = forum.user("alice")
        gone = await forum.post(alice)
        await remove_post(forum, alice, gone)

        for post_id in (MISSING, gone):
            await forum.refused("CreateReply", create(post_id, None), "POST_NOT_FOUND", alice)

    async def test_a_post_of_an_unreadable_category_does_not_exist(self, forum: Any) -> None:
        category_id = await forum.category(read_role="moderator", write_role="moderator")
        post_id = await forum.post(forum.moderator(), category_id=category_id)

        await forum.refused("CreateReply", create(post_id), "POST_NOT_FOUND", forum.user("alice"))
        assert (await forum.reply(forum.moderator(), post_id)).number == 1

    async def test_a_locked_post_takes_replies_of_moderators_only(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        await lock(forum, post_id)

        await forum.refused("CreateReply", create(post_id, None), "POST_LOCKED", alice)
        assert (await forum.reply(forum.moderator(), post_id)).number == 1

    async def test_a_read_only_category_takes_no_replies(self, forum: Any) -> None:
        category_id = await forum.category(read_role="anyone", write_role="moderator")
        post_id = await forum.post(forum.moderator(), category_id=category_id)

        await forum.refused("CreateReply", create(post_id, None), "CATEGORY_READ_ONLY", forum.user("alice"))

    @pytest.mark.parametrize(("content", "code"), [(None, "REQUIRED"), ("", "BLANK")])
    async def test_content_is_required_before_all_else_about_fields(
        self, forum: Any, content: str | None, code: str
    ) -> None:
        post_id = await forum.post(forum.user("alice"))
        request = create(post_id, content, parent_reply_id=MISSING)

        error = await forum.refused("CreateReply", request, "REPLY_CONTENT_REQUIRED", forum.user("alice"))
        assert [(violation.field, violation.code) for violation in error.violations] == [("content", code)]

    async def test_broken_fields_come_before_the_parent(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        reported = [FieldViolation(field="content", code="WRONG_TYPE")]
        broken = {
            "TOO_LONG": create(post_id, "x" * 20_001, parent_reply_id=MISSING),
            "BAD_FORMAT": create(post_id, "a\0b", parent_reply_id=MISSING),
            "WRONG_TYPE": create(post_id, None, parent_reply_id=MISSING, violations=reported),
        }
        for code, request in broken.items():
            error = await forum.refused("CreateReply", request, "INVALID_REQUEST", alice)
            assert [(violation.field, violation.code) for violation in error.violations] == [("content", code)]
        error = await forum.refused("CreateReply", create(post_id, parent_reply_id=-1), "INVALID_REQUEST", alice)
        assert error.violations == [Violation("parent_reply_id", "OUT_OF_RANGE")]

    async def test_the_longest_content_is_kept_whole(self, forum: Any) -> None:
        alice = forum.user("alice")
        content = "汉" * 20_000

        assert (await forum.reply(alice, await forum.post(alice), content)).content == content

    async def test_the_parent_is_a_live_reply_of_the_same_post(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id, other_id = await forum.post(alice), await forum.post(alice)
        elsewhere = await forum.reply(alice, other_id)
        deleted = await forum.reply(alice, post_id)
        await forum.call("DeleteReply", delete(deleted.id), alice)

        for parent_id in (MISSING, elsewhere.id, deleted.id):
            request = create(post_id, parent_reply_id=parent_id)
            await forum.refused("CreateReply", request, "PARENT_REPLY_NOT_FOUND", alice)
        assert await reply_count(forum, post_id) == 0

    @pytest.mark.parametrize("settings_changes", [{"reply_depth_max": 3}])
    async def test_replies_go_as_deep_as_the_settings_say(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        parent_id = 0
        for _ in range(3):
            parent_id = (await forum.reply(alice, post_id, parent=parent_id)).id

        error = await forum.refused("CreateReply", create(post_id, parent_reply_id=parent_id), "REPLY_TOO_DEEP", alice)
        assert error.metadata == {"limit": "3"}

    @pytest.mark.parametrize("settings_changes", [{"duplicate_window": timedelta(minutes=5)}])
    async def test_the_same_text_again_is_refused_for_a_while(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id, other_id = await forum.post(alice), await forum.post(alice)
        first = await forum.reply(alice, post_id, "same")

        await forum.refused("CreateReply", create(other_id, "same"), "DUPLICATE_POST", alice)
        assert (await forum.reply(bob, post_id, "same")).number == 2
        await forum.call("DeleteReply", delete(first.id), alice)
        again = await forum.reply(alice, post_id, "same")
        forum.clock.forward(minutes=5)
        assert (await forum.reply(alice, post_id, "same")).number == again.number + 1

    @pytest.mark.parametrize("settings_changes", [{"new_user_age": timedelta(days=1), "new_user_posts_per_hour": 3}])
    async def test_a_new_user_writes_so_much_in_an_hour(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        post_id = await forum.post(alice)
        await forum.reply(alice, post_id)
        forum.clock.forward(minutes=30)
        deleted = await forum.reply(alice, post_id)
        await forum.call("DeleteReply", delete(deleted.id), alice)

        error = await forum.refused("CreateReply", create(post_id), "NEW_USER_RATE_LIMIT", alice)
        assert error.metadata == {"limit": "3"}
        assert 1700 < error.retry_after <= 1800
        for _ in range(4):
            await forum.reply(mod, post_id)
        forum.clock.forward(seconds=error.retry_after + 1)
        await forum.reply(alice, post_id)

    @pytest.mark.parametrize("settings_changes", [{"new_user_age": timedelta(days=1), "new_user_posts_per_hour": 1}])
    async def test_after_a_while_a_user_is_not_new(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        forum.clock.forward(days=1)

        assert [(await forum.reply(alice, post_id)).number for _ in range(2)] == [1, 2]

    @pytest.mark.parametrize("settings_changes", [{"new_user_age": timedelta(days=1), "new_user_links": 1}])
    async def test_a_new_user_links_so_much_in_a_text(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        links = "<https://example.com/1> <https://example.com/2>"

        error = await forum.refused("CreateReply", create(post_id, links), "NEW_USER_LINK_LIMIT", alice)
        assert error.metadata == {"limit": "1"}
        one = await forum.reply(alice, post_id, "<https://example.com/1>")
        await forum.refused("UpdateReply", update(one.id, links), "NEW_USER_LINK_LIMIT", alice)
        assert (await forum.reply(forum.moderator(), post_id, links)).number == 2

    async def test_a_word_filter_rejects(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        await add_filter(forum, "pills", "reject")

        await forum.refused("CreateReply", create(post_id, "cheap pills"), "CONTENT_REJECTED", alice)
        assert await reply_count(forum, post_id) == 0

    async def test_a_held_reply_is_its_authors_and_moderators_and_does_not_count(self, forum: Any) -> None:
        alice, bob, mod = forum.user("alice"), forum.user("bob"), forum.moderator()
        post_id = await forum.post(alice)
        await add_filter(forum, "pills", "hold")
        held = await forum.reply(bob, post_id, "cheap pills")

        assert held.status == CONTENT_STATUS_HELD
        assert await reply_count(forum, post_id) == 0
        assert await listed(forum, post_id) == []
        for caller in (bob, mod):
            assert (await get(forum, held.id, caller)).content == "cheap pills"
        for stranger in (alice, None):
            await forum.refused("GetReply", pb.GetReplyRequest(reply_id=held.id), "REPLY_NOT_FOUND", stranger)
        await forum.refused("CreateReply", create(post_id, parent_reply_id=held.id), "PARENT_REPLY_NOT_FOUND", bob)
        cases = (await forum.call("ListCases", moderation_pb.ListCasesRequest(), mod)).cases
        assert [case.target.id for case in cases] == [held.id]


async def test_a_reply_of_a_post_that_is_out_of_sight_exists_for_moderators(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    reply = await forum.reply(alice, post_id)
    await remove_post(forum, alice, post_id)

    for caller in (alice, None):
        await forum.refused("GetReply", pb.GetReplyRequest(reply_id=reply.id), "REPLY_NOT_FOUND", caller)
    assert (await get(forum, reply.id, forum.moderator())).id == reply.id
