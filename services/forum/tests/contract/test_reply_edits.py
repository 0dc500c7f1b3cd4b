"""ReplyService: changing and deleting replies."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.auth.v1.auth_events_pb2 import UserBanned
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import engagement_service_pb2 as engagement_pb
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as moderation_pb
from plaza.forum.v1 import post_service_pb2 as post_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED, CONTENT_STATUS_HELD
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


async def ban(forum: Any, caller: Caller) -> None:
    """Apply what auth tells when it bans somebody who is known here."""
    payload = UserBanned(user_id=caller.user_id)
    envelope = Envelope(type=payload.DESCRIPTOR.full_name, payload=payload.SerializeToString())

    async def work(connection: AsyncConnection) -> None:
        await forum.service.user_events.apply(connection, envelope)

    await forum.service.foundation.database.write(work)


class TestUpdate:
    async def test_its_author_changes_the_text(self, forum: Any) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice))
        forum.clock.forward(minutes=1)
        changed = (await forum.call("UpdateReply", update(reply.id, "**new**"), alice)).reply

        assert (changed.content, changed.content_html) == ("**new**", "<p><strong>new</strong></p>\n")
        assert changed.version == 2
        assert changed.created_time == reply.created_time
        assert changed.updated_time.seconds >= reply.updated_time.seconds + 60
        event = (await forum.events(events_pb.ReplyUpdated))[-1]
        assert (event.reply_id, event.editor_id, event.version) == (reply.id, alice.user_id, 2)

    async def test_the_same_text_is_no_new_version(self, forum: Any) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice), "same")

        assert (await forum.call("UpdateReply", update(reply.id, "same"), alice)).reply.version == 1

    async def test_only_who_was_not_named_before_is_announced(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id = await forum.post(alice)
        await forum.reply(bob, post_id)
        reply = await forum.reply(alice, post_id, "@alice")
        await forum.call("UpdateReply", update(reply.id, "@alice and @bob"), alice)

        assert list((await forum.events(events_pb.ReplyUpdated))[-1].mentioned_user_ids) == [bob.user_id]

    async def test_others_may_not_and_moderators_may_and_it_is_written_down(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        reply = await forum.reply(alice, await forum.post(alice))

        await forum.refused("UpdateReply", update(reply.id, None), "NOT_REPLY_AUTHOR", forum.user("bob"))
        assert (await forum.call("UpdateReply", update(reply.id), mod)).reply.content == "changed"
        entries = (await forum.call("ListAuditEntries", moderation_pb.ListAuditEntriesRequest(), mod)).entries
        assert [(entry.action, entry.target.id) for entry in entries] == [("content.edit", reply.id)]

    async def test_a_reply_that_is_not_there_comes_first(self, forum: Any) -> None:
        alice = forum.user("alice")
        deleted = await forum.reply(alice, await forum.post(alice))
        await forum.call("DeleteReply", delete(deleted.id), alice)
        of_deleted = await forum.post(alice)
        orphan = await forum.reply(alice, of_deleted)
        await remove_post(forum, alice, of_deleted)

        for reply_id in (MISSING, deleted.id, orphan.id):
            await forum.refused("UpdateReply", update(reply_id, None), "REPLY_NOT_FOUND", alice)

    async def test_a_locked_post_is_edited_by_moderators_only(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        await lock(forum, post_id)

        await forum.refused("UpdateReply", update(reply.id, None), "POST_LOCKED", alice)
        assert (await forum.call("UpdateReply", update(reply.id), forum.moderator())).reply.version == 2

    @pytest.mark.parametrize(("content", "code"), [(None, "REQUIRED"), ("", "BLANK")])
    async def test_content_is_required(self, forum: Any, content: str | None, code: str) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice))

        error = await forum.refused("UpdateReply", update(reply.id, content), "REPLY_CONTENT_REQUIRED", alice)
        assert [(violation.field, violation.code) for violation in error.violations] == [("content", code)]

    async def test_broken_content_is_refused_before_another_version(self, forum: Any) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice))

        request = update(reply.id, "x" * 20_001, expected_version=7)
        error = await forum.refused("UpdateReply", request, "INVALID_REQUEST", alice)
        assert error.violations == [Violation("content", "TOO_LONG", 20_000)]

    async def test_of_two_edits_of_one_version_the_second_is_refused(self, forum: Any) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice))
        await forum.call("UpdateReply", update(reply.id, "mine", expected_version=1), alice)

        await forum.refused("UpdateReply", update(reply.id, "yours", expected_version=1), "VERSION_MISMATCH", alice)
        assert (await get(forum, reply.id)).content == "mine"

    async def test_a_word_filter_rejects_an_edit(self, forum: Any) -> None:
        alice = forum.user("alice")
        reply = await forum.reply(alice, await forum.post(alice))
        await add_filter(forum, "pills", "reject")

        await forum.refused("UpdateReply", update(reply.id, "pills"), "CONTENT_REJECTED", alice)
        assert (await get(forum, reply.id)).content == "r"

    async def test_an_edit_that_is_held_takes_those_below_along_until_it_is_let_through(self, forum: Any) -> None:
        alice, bob, mod = forum.user("alice"), forum.user("bob"), forum.moderator()
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        below = await forum.reply(bob, post_id, parent=reply.id)
        await add_filter(forum, "pills", "hold")
        held = (await forum.call("UpdateReply", update(reply.id, "pills"), alice)).reply

        assert (held.status, held.version) == (CONTENT_STATUS_HELD, 2)
        assert await listed(forum, post_id) == []
        assert await reply_count(forum, post_id) == 0
        case = (await forum.call("ListCases", moderation_pb.ListCasesRequest(), mod)).cases[0]
        await forum.call("ResolveCase", moderation_pb.ResolveCaseRequest(case_id=case.id, resolution="dismiss"), mod)
        assert await listed(forum, post_id) == [reply.id, below.id]
        assert await reply_count(forum, post_id) == 2


class TestDelete:
    async def test_a_reply_vanishes_with_those_below_it(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id = await forum.post(alice)
        kept = await forum.reply(alice, post_id)
        top = await forum.reply(alice, post_id)
        middle = await forum.reply(bob, post_id, parent=top.id)
        await forum.reply(alice, post_id, parent=middle.id)
        response = await forum.call("DeleteReply", delete(top.id), alice)

        assert response.deleted_count == 3
        assert await listed(forum, post_id) == [kept.id]
        assert await reply_count(forum, post_id) == 1
        event = (await forum.events(events_pb.ReplyDeleted))[-1]
        assert (event.reply_id, event.post_id, event.actor_id) == (top.id, post_id, alice.user_id)
        assert event.status == CONTENT_STATUS_DELETED

    async def test_a_second_delete_finds_nothing(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        for author in (forum.user("alice"), forum.moderator()):
            reply = await forum.reply(author, post_id)
            await forum.call("DeleteReply", delete(reply.id), author)
            await forum.refused("DeleteReply", delete(reply.id), "REPLY_NOT_FOUND", author)
        await forum.refused("DeleteReply", delete(MISSING), "REPLY_NOT_FOUND", forum.user("alice"))

    async def test_nobody_but_the_author_deletes(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)

        for caller in (forum.user("bob"), forum.moderator(), forum.admin()):
            await forum.refused("DeleteReply", delete(reply.id), "NOT_REPLY_AUTHOR", caller)
        assert await listed(forum, post_id) == [reply.id]

    async def test_another_version_is_not_deleted(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        await forum.call("UpdateReply", update(reply.id), alice)

        await forum.refused("DeleteReply", delete(reply.id, expected_version=1), "VERSION_MISMATCH", alice)
        assert await listed(forum, post_id) == [reply.id]
        await forum.call("DeleteReply", delete(reply.id, expected_version=2), alice)
        assert await listed(forum, post_id) == []

    async def test_the_accepted_answer_vanishes_with_what_it_was_below(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        post_id = await forum.post(alice)
        top = await forum.reply(bob, post_id)
        answer = await forum.reply(bob, post_id, parent=top.id)
        accept = engagement_pb.AcceptAnswerRequest(post_id=post_id, reply_id=answer.id)
        await forum.call("AcceptAnswer", accept, alice)
        assert (await get(forum, answer.id)).is_accepted
        await forum.call("DeleteReply", delete(top.id), bob)

        post = (await forum.call("GetPost", post_pb.GetPostRequest(post_id=post_id))).post.summary
        assert post.accepted_reply_id == 0
        event = (await forum.events(events_pb.AnswerAccepted))[-1]
        assert (event.post_id, event.reply_id, event.actor_id) == (post_id, 0, bob.user_id)

    async def test_a_held_reply_can_be_deleted(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        await add_filter(forum, "pills", "hold")
        held = await forum.reply(alice, post_id, "pills")

        assert (await forum.call("DeleteReply", delete(held.id), alice)).deleted_count == 1
        assert await reply_count(forum, post_id) == 0
        await forum.refused("GetReply", pb.GetReplyRequest(reply_id=held.id), "REPLY_NOT_FOUND", alice)


async def test_a_banned_user_writes_changes_and_deletes_nothing(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    reply = await forum.reply(alice, post_id)
    await ban(forum, alice)

    await forum.refused("CreateReply", create(post_id, None), "USER_BANNED", alice)
    await forum.refused("UpdateReply", update(reply.id, None), "USER_BANNED", alice)
    await forum.refused("DeleteReply", delete(reply.id), "USER_BANNED", alice)
    assert (await get(forum, reply.id, alice)).content == "r"
