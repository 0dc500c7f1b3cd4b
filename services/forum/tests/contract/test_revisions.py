"""The edit history: who may read it, what it shows, and that restoring is an edit."""

from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2, post_pb2, post_service_pb2, reply_service_pb2
from plaza.forum.v1 import revision_service_pb2 as pb
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_REPLY,
    TARGET_KIND_UNSPECIFIED,
    Target,
)
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

METHODS = {
    "ListRevisions": pb.ListRevisionsRequest,
    "GetRevision": pb.GetRevisionRequest,
    "RestoreRevision": pb.RestoreRevisionRequest,
}


@pytest.fixture
def alice(forum: Any) -> Caller:
    caller: Caller = forum.user("alice")
    return caller


def post_target(post_id: int) -> Target:
    return Target(kind=TARGET_KIND_POST, id=post_id)


def reply_target(reply_id: int) -> Target:
    return Target(kind=TARGET_KIND_REPLY, id=reply_id)


def request_of(method: str, target: Target, version: int = 1) -> Any:
    more = {} if method == "ListRevisions" else {"version": version}
    return METHODS[method](target=target, **more)


async def edit_post(forum: Any, caller: Caller, post_id: int, **fields: Any) -> None:
    await forum.call("UpdatePost", post_service_pb2.UpdatePostRequest(post_id=post_id, **fields), caller)


async def edit_reply(forum: Any, caller: Caller, reply_id: int, content: str) -> None:
    request = reply_service_pb2.UpdateReplyRequest(reply_id=reply_id, content=content)
    await forum.call("UpdateReply", request, caller)


async def history(forum: Any, target: Target, caller: Caller | None = None, **more: Any) -> pb.ListRevisionsResponse:
    request = pb.ListRevisionsRequest(target=target, **more)
    response: pb.ListRevisionsResponse = await forum.call("ListRevisions", request, caller)
    return response


async def revision(forum: Any, target: Target, version: int, caller: Caller | None = None) -> pb.Revision:
    response = await forum.call("GetRevision", pb.GetRevisionRequest(target=target, version=version), caller)
    found: pb.Revision = response.revision
    return found


async def restore(forum: Any, target: Target, version: int, caller: Caller, *, expected: int = 0) -> int:
    request = pb.RestoreRevisionRequest(target=target, version=version, expected_version=expected)
    return int((await forum.call("RestoreRevision", request, caller)).version)


async def read_post(forum: Any, post_id: int, caller: Caller | None = None) -> post_pb2.Post:
    response = await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post_id), caller)
    found: post_pb2.Post = response.post
    return found


def lines(found: pb.Revision) -> list[str]:
    signs = {pb.DIFF_KIND_UNSPECIFIED: " ", pb.DIFF_KIND_ADDED: "+", pb.DIFF_KIND_REMOVED: "-"}
    return [signs[line.kind] + line.text for line in found.diff]


class TestReading:
    async def test_an_unedited_post_has_one_version(self, forum: Any, alice: Caller) -> None:
        target = post_target(await forum.post(alice, title="t", content="c"))
        [listed] = (await history(forum, target)).revisions
        found = await revision(forum, target, 1)

        assert (listed.version, listed.editor.username, listed.title, listed.content) == (1, "alice", "t", "")
        assert (found.version, found.editor, found.title, found.content) == (1, listed.editor, "t", "c")
        assert found.created_time == listed.created_time == (await read_post(forum, target.id)).summary.created_time
        assert not found.diff

    async def test_an_unedited_reply_has_one_version(self, forum: Any, alice: Caller) -> None:
        reply = await forum.reply(alice, await forum.post(alice), "r")
        target = reply_target(reply.id)
        [listed] = (await history(forum, target)).revisions
        found = await revision(forum, target, 1)

        assert (listed.version, listed.editor.username, listed.title) == (1, "alice", "")
        assert (found.content, found.created_time) == ("r", reply.created_time)

    async def test_each_edit_is_a_version_of_its_editor(self, forum: Any, alice: Caller) -> None:
        moderator = forum.moderator()
        post_id = await forum.post(alice, title="t", content="one\ntwo")
        await edit_post(forum, alice, post_id, content="one\nthree")
        await edit_post(forum, moderator, post_id, title="u")
        target = post_target(post_id)
        listed = (await history(forum, target)).revisions
        second, third = await revision(forum, target, 2), await revision(forum, target, 3)

        assert [(item.version, item.editor.username, item.title) for item in listed] == [
            (3, "mod", "u"),
            (2, "alice", "t"),
            (1, "alice", "t"),
        ]
        assert not any(item.content or item.diff for item in listed)
        assert (second.content, lines(second)) == ("one\nthree", [" one", "-two", "+three"])
        assert (third.content, third.title, lines(third)) == ("one\nthree", "u", [])
        assert (await revision(forum, target, 1)).content == "one\ntwo"
        times = [item.created_time.ToNanoseconds() for item in listed]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == 3

    async def test_an_edit_that_changes_no_text_is_no_version(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t", content="c")
        await edit_post(forum, alice, post_id, title="t", content="c")

        assert len((await history(forum, post_target(post_id))).revisions) == 1

    async def test_replies_have_versions(self, forum: Any, alice: Caller) -> None:
        reply = await forum.reply(alice, await forum.post(alice), "a")
        await edit_reply(forum, alice, reply.id, "b")
        found = await revision(forum, reply_target(reply.id), 2)

        assert (found.content, found.title, lines(found)) == ("b", "", ["-a", "+b"])

    async def test_long_texts_are_compared(self, forum: Any, alice: Caller) -> None:
        old = [f"line {n}" for n in range(4000)]
        post_id = await forum.post(alice, content="\n".join(old))
        await edit_post(forum, alice, post_id, content="\n".join([*old[:2000], "new", *old[2001:]]))
        found = await revision(forum, post_target(post_id), 2)

        context = [f" {line}" for line in old[1997:2000]], [f" {line}" for line in old[2001:2004]]
        assert lines(found) == [*context[0], "-line 2000", "+new", *context[1]]

    async def test_pages_hold_each_version_once(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice)
        for n in range(4):
            await edit_post(forum, alice, post_id, content=f"edit {n}")
        versions, token = [], ""
        for _ in range(3):
            page = await history(forum, post_target(post_id), page_size=2, page_token=token)
            versions += [item.version for item in page.revisions]
            token = page.next_page_token

        assert (versions, token) == ([5, 4, 3, 2, 1], "")

    async def test_a_token_is_good_for_its_list_only(self, forum: Any, alice: Caller) -> None:
        first, second = await forum.post(alice), await forum.post(alice)
        await edit_post(forum, alice, first, content="x")
        token = (await history(forum, post_target(first), page_size=1)).next_page_token
        request = pb.ListRevisionsRequest(target=post_target(second), page_token=token)

        assert token
        await forum.refused("ListRevisions", request, "PAGE_TOKEN_INVALID")

    async def test_a_negative_page_size_is_refused(self, forum: Any, alice: Caller) -> None:
        request = pb.ListRevisionsRequest(target=post_target(await forum.post(alice)), page_size=-1)
        error = await forum.refused("ListRevisions", request, "INVALID_REQUEST")

        assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]


class TestWhatDoesNotExist:
    @pytest.mark.parametrize("method", METHODS)
    async def test_unknown_targets(self, forum: Any, alice: Caller, method: str) -> None:
        assert await forum.refused(method, request_of(method, post_target(7)), "POST_NOT_FOUND", alice)
        assert await forum.refused(method, request_of(method, reply_target(7)), "REPLY_NOT_FOUND", alice)
        for kind in (TARGET_KIND_UNSPECIFIED, TARGET_KIND_CATEGORY):
            error = await forum.refused(method, request_of(method, Target(kind=kind, id=1)), "INVALID_REQUEST", alice)
            assert error.violations == [Violation("target", "NOT_ALLOWED")]

    @pytest.mark.parametrize("method", ["GetRevision", "RestoreRevision"])
    @pytest.mark.parametrize("version", [-1, 0, 3, 2**62])
    async def test_unknown_versions(self, forum: Any, alice: Caller, method: str, version: int) -> None:
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        request = request_of(method, reply_target(reply.id), version)
        assert await forum.refused(method, request, "REVISION_NOT_FOUND", alice)
        await edit_post(forum, alice, post_id, content="x")

        assert await forum.refused(
            method, request_of(method, post_target(post_id), version), "REVISION_NOT_FOUND", alice
        )

    async def test_history_is_seen_by_who_sees_the_text(self, forum: Any, alice: Caller, change_row: Any) -> None:
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        for table, target, reason in (
            (models.replies, reply_target(reply.id), "REPLY_NOT_FOUND"),
            (models.posts, post_target(post_id), "POST_NOT_FOUND"),
        ):
            await change_row(table, target.id, status=post_pb2.CONTENT_STATUS_HELD)
            for method in METHODS:
                await forum.refused(method, request_of(method, target), reason, forum.user("bob"))
            for reader in (alice, forum.moderator()):
                assert (await history(forum, target, reader)).revisions
            await change_row(table, target.id, status=post_pb2.CONTENT_STATUS_REMOVED)
            for method in METHODS:
                await forum.refused(method, request_of(method, target), reason, alice)
            assert (await revision(forum, target, 1, forum.moderator())).content
            await change_row(table, target.id, status=post_pb2.CONTENT_STATUS_LIVE)

    async def test_history_in_a_closed_category_does_not_exist(self, forum: Any, alice: Caller) -> None:
        moderator = forum.moderator()
        category_id = await forum.category(read_role="moderator", write_role="moderator")
        target = post_target(await forum.post(moderator, category_id=category_id))

        await forum.refused("ListRevisions", request_of("ListRevisions", target), "POST_NOT_FOUND", alice)
        assert (await history(forum, target, moderator)).revisions


class TestRestoring:
    async def test_an_old_version_of_a_post_becomes_the_newest(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="old", content="*old*")
        await edit_post(forum, alice, post_id, title="new", content="new")
        version = await restore(forum, post_target(post_id), 1, alice, expected=2)
        found = await read_post(forum, post_id)

        assert (version, found.summary.version) == (3, 3)
        assert (found.summary.title, found.content) == ("old", "*old*")
        assert found.content_html == "<p><em>old</em></p>\n"
        listed = (await history(forum, post_target(post_id))).revisions
        assert [(item.version, item.title) for item in listed] == [(3, "old"), (2, "new"), (1, "old")]
        assert [event.version for event in await forum.events(events_pb.PostUpdated)] == [2, 3]

    async def test_an_old_version_of_a_reply_becomes_the_newest(self, forum: Any, alice: Caller) -> None:
        reply = await forum.reply(alice, await forum.post(alice), "old")
        await edit_reply(forum, alice, reply.id, "new")
        version = await restore(forum, reply_target(reply.id), 1, alice)
        found = await revision(forum, reply_target(reply.id), 3)

        assert (version, found.content, lines(found)) == (3, "old", ["-new", "+old"])

    async def test_the_newest_version_restores_to_itself(self, forum: Any, alice: Caller) -> None:
        target = post_target(await forum.post(alice))

        assert await restore(forum, target, 1, alice) == 1
        assert len((await history(forum, target)).revisions) == 1

    async def test_who_may_not_edit_may_not_restore(self, forum: Any, alice: Caller, change_row: Any) -> None:
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        bob = forum.user("bob")
        for target, reason in ((post_target(post_id), "NOT_POST_AUTHOR"), (reply_target(reply.id), "NOT_REPLY_AUTHOR")):
            await forum.refused("RestoreRevision", request_of("RestoreRevision", target), reason, bob)
            await forum.refused("RestoreRevision", request_of("RestoreRevision", target), "TOKEN_MISSING")
        await change_row(models.users, alice.user_id, is_banned=True)
        request = request_of("RestoreRevision", post_target(post_id))
        error = await forum.refused("RestoreRevision", request, "USER_BANNED", alice)

        assert error.reason == "USER_BANNED"

    async def test_moderators_restore_and_it_is_written_down(self, forum: Any, alice: Caller) -> None:
        moderator = forum.moderator()
        post_id = await forum.post(alice, content="old")
        await edit_post(forum, alice, post_id, content="new")
        await restore(forum, post_target(post_id), 1, moderator)
        request = moderation_service_pb2.ListAuditEntriesRequest()
        entries = (await forum.call("ListAuditEntries", request, moderator)).entries

        assert (await history(forum, post_target(post_id))).revisions[0].editor.username == "mod"
        assert [(entry.action, entry.target) for entry in entries] == [("content.edit", post_target(post_id))]

    async def test_another_version_than_expected_is_kept(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, content="old")
        reply = await forum.reply(alice, post_id, "old")
        await edit_post(forum, alice, post_id, content="new")
        await edit_reply(forum, alice, reply.id, "new")
        for target in (post_target(post_id), reply_target(reply.id)):
            request = pb.RestoreRevisionRequest(target=target, version=1, expected_version=1)
            await forum.refused("RestoreRevision", request, "VERSION_MISMATCH", alice)
            assert (await revision(forum, target, 2)).content == "new"

    async def test_a_repeated_restoration_happens_once(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice, content="old")
        await edit_post(forum, alice, post_id, content="new")
        again = forum.user("alice", idempotency_key="once")

        assert await restore(forum, post_target(post_id), 1, again) == 3
        assert await restore(forum, post_target(post_id), 1, again) == 3
        assert len((await history(forum, post_target(post_id))).revisions) == 3
