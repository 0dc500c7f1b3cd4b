"""PostService: writing, changing, deleting and reading posts, the order of checks, and whom posts exist for."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import (
    engagement_service_pb2,
    forum_events_pb2,
    moderation_service_pb2,
    post_pb2,
    target_pb2,
)
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation

MISSING = 2**53 - 1
LIVE, HELD = post_pb2.CONTENT_STATUS_LIVE, post_pb2.CONTENT_STATUS_HELD
DELETED, REMOVED = post_pb2.CONTENT_STATUS_DELETED, post_pb2.CONTENT_STATUS_REMOVED


def create(title: str | None = "t", content: str | None = "c", **more: Any) -> pb.CreatePostRequest:
    return pb.CreatePostRequest(title=title, content=content, **more)


def update(post_id: int, **fields: Any) -> pb.UpdatePostRequest:
    return pb.UpdatePostRequest(post_id=post_id, **fields)


def delete(post_id: int, **more: Any) -> pb.DeletePostRequest:
    return pb.DeletePostRequest(post_id=post_id, **more)


def post_target(post_id: int) -> target_pb2.Target:
    return target_pb2.Target(kind=target_pb2.TARGET_KIND_POST, id=post_id)


async def get(forum: Any, post_id: int, caller: Caller | None = None) -> Any:
    return (await forum.call("GetPost", pb.GetPostRequest(post_id=post_id), caller)).post


async def total(forum: Any, caller: Caller | None = None) -> int:
    response = await forum.call("ListPostPage", pb.ListPostPageRequest(page=1, page_size=1), caller)
    return int(response.total_size)


async def add_filter(forum: Any, phrase: str, action: str) -> None:
    request = moderation_service_pb2.CreateWordFilterRequest(phrase=phrase, action=action)
    await forum.call("CreateWordFilter", request, forum.admin())


@pytest.fixture
def alice(forum: Any) -> Caller:
    caller: Caller = forum.user("alice")
    return caller


@pytest.fixture
def bob(forum: Any) -> Caller:
    caller: Caller = forum.user("bob")
    return caller


class TestCreate:
    async def test_a_post_is_there_as_it_was_written(self, forum: Any, alice: Caller) -> None:
        request = create("How?", "On a *balcony*.\n\n<b>x</b>", tags=["Pots", "earth"])
        created = await forum.call("CreatePost", request, alice)
        post = await get(forum, created.post_id)

        assert (created.status, post.summary.status) == (LIVE, LIVE)
        assert (post.summary.title, post.content) == ("How?", "On a *balcony*.\n\n<b>x</b>")
        assert "<em>balcony</em>" in post.content_html
        assert "<b>" not in post.content_html
        assert post.summary.excerpt.startswith("On a balcony.")
        assert post.summary.author == post_pb2.Author(id=alice.user_id, username="alice")
        assert list(post.summary.tags) == ["Pots", "earth"]
        assert (post.summary.category_id, post.summary.version, post.summary.reply_count) == (1, 1, 0)
        assert post.summary.content_html == ""
        assert post.summary.created_time == post.summary.updated_time == post.summary.last_activity_time

    async def test_it_is_announced_with_whom_it_names(self, forum: Any, alice: Caller, bob: Caller) -> None:
        await forum.post(bob)
        post_id = await forum.post(alice, content="@bob, @nobody and @bob")
        [_, event] = await forum.events(forum_events_pb2.PostCreated)

        assert event == forum_events_pb2.PostCreated(
            post_id=post_id, author_id=alice.user_id, category_id=1, status=LIVE, mentioned_user_ids=[bob.user_id]
        )
        assert [envelope.subject for envelope in await forum.envelopes()][-1] == f"post:{post_id}"

    @pytest.mark.parametrize(
        ("request_", "violations"),
        [
            (create(None, None), [Violation("title", "REQUIRED"), Violation("content", "REQUIRED")]),
            (create("", "c"), [Violation("title", "BLANK")]),
            (create("t", ""), [Violation("content", "BLANK")]),
            (create("x" * 201, None), [Violation("content", "REQUIRED")]),
            (create("", "c", category_id=0, tags=["", "x"]), [Violation("title", "BLANK")]),
        ],
    )
    async def test_title_and_content_come_before_all_other_fields(
        self, forum: Any, alice: Caller, request_: Any, violations: list[Violation]
    ) -> None:
        error = await forum.refused("CreatePost", request_, "TITLE_AND_CONTENT_REQUIRED", alice)

        assert error.violations == violations
        assert await total(forum) == 0

    @pytest.mark.parametrize(
        ("request_", "violation"),
        [
            (create("x" * 201), Violation("title", "TOO_LONG", 200)),
            (create("a\x00"), Violation("title", "BAD_FORMAT")),
            (create("t", "口" * 100_001), Violation("content", "TOO_LONG", 100_000)),
            (create(category_id=0), Violation("category_id", "OUT_OF_RANGE", 1)),
            (create(tags=["a"] * 6), Violation("tags", "OUT_OF_RANGE", 5)),
            (create(tags=["a", "x" * 41]), Violation("tags.1", "TOO_LONG", 40)),
            (create(tags=["a,b"]), Violation("tags.0", "BAD_FORMAT")),
            (
                create(None, violations=[FieldViolation(field="title", code="WRONG_TYPE")]),
                Violation("title", "WRONG_TYPE"),
            ),
        ],
    )
    async def test_broken_fields_write_nothing(
        self, forum: Any, alice: Caller, request_: Any, violation: Violation
    ) -> None:
        error = await forum.refused("CreatePost", request_, "INVALID_REQUEST", alice)

        assert error.violations == [violation]
        assert await total(forum) == 0
        assert await forum.events(forum_events_pb2.PostCreated) == []

    async def test_the_longest_texts_outside_the_basic_plane_are_kept(self, forum: Any, alice: Caller) -> None:
        created = await forum.call("CreatePost", create("𠮷" * 200, "𠮷" * 100_000), alice)
        post = await get(forum, created.post_id)

        assert (post.summary.title, post.content) == ("𠮷" * 200, "𠮷" * 100_000)
        assert len(post.summary.excerpt) <= 200

    async def test_a_category_that_one_may_not_read_does_not_exist(self, forum: Any, alice: Caller) -> None:
        hidden = await forum.category(read_role="moderator", write_role="moderator")

        await forum.refused("CreatePost", create(category_id=hidden), "CATEGORY_NOT_FOUND", alice)
        await forum.refused("CreatePost", create(category_id=MISSING), "CATEGORY_NOT_FOUND", alice)
        assert await forum.post(forum.moderator(), category_id=hidden)

    async def test_a_read_only_category_takes_posts_from_moderators(self, forum: Any, alice: Caller) -> None:
        news = await forum.category(write_role="moderator")

        await forum.refused("CreatePost", create(category_id=news), "CATEGORY_READ_ONLY", alice)
        post_id = await forum.post(forum.moderator(), category_id=news)
        assert (await get(forum, post_id)).summary.category_id == news

    @pytest.mark.parametrize("settings_changes", [{"tag_create_role": "moderator"}])
    async def test_tags_that_are_not_allowed_write_nothing(self, forum: Any, alice: Caller) -> None:
        await forum.refused("CreatePost", create(tags=["new"]), "TAG_NOT_ALLOWED", alice)

        assert await total(forum) == 0

    @pytest.mark.parametrize("settings_changes", [{"duplicate_window": timedelta(minutes=5)}])
    async def test_the_same_text_again_is_refused_for_a_while(self, forum: Any, alice: Caller, bob: Caller) -> None:
        await forum.call("CreatePost", create(), alice)

        await forum.refused("CreatePost", create(), "DUPLICATE_POST", alice)
        await forum.call("CreatePost", create(), bob)
        await forum.call("CreatePost", create("other"), alice)
        forum.clock.forward(minutes=5)
        await forum.call("CreatePost", create(), alice)
        assert await total(forum) == 4

    @pytest.mark.parametrize(
        "settings_changes", [{"new_user_age": timedelta(days=1), "new_user_posts_per_hour": 2, "new_user_links": 1}]
    )
    async def test_new_users_write_little_and_few_links(self, forum: Any, alice: Caller) -> None:
        links = create(content="[a](https://a.example) [b](https://b.example)")

        await forum.refused("CreatePost", links, "NEW_USER_LINK_LIMIT", alice)
        first = await forum.post(alice)
        await forum.post(alice)
        error = await forum.refused("CreatePost", create(), "NEW_USER_RATE_LIMIT", alice)
        assert 0 < (error.retry_after or 0) <= 3600
        await forum.refused("UpdatePost", update(first, content=links.content), "NEW_USER_LINK_LIMIT", alice)
        await forum.call("CreatePost", links, forum.moderator())
        assert await total(forum) == 3

    async def test_a_word_filter_refuses_a_text(self, forum: Any, alice: Caller) -> None:
        await add_filter(forum, "cheap pills", "reject")

        await forum.refused("CreatePost", create("Cheap PILLS"), "CONTENT_REJECTED", alice)
        assert await total(forum) == 0

    async def test_a_held_post_is_seen_by_its_author_and_moderators(
        self, forum: Any, alice: Caller, bob: Caller
    ) -> None:
        await add_filter(forum, "casino", "hold")
        created = await forum.call("CreatePost", create(content="casino"), alice)
        [event] = await forum.events(forum_events_pb2.PostCreated)
        cases = await forum.call("ListCases", moderation_service_pb2.ListCasesRequest(), forum.moderator())

        assert (created.status, event.status) == (HELD, HELD)
        assert (await get(forum, created.post_id, alice)).summary.status == HELD
        assert (await get(forum, created.post_id, forum.moderator())).summary.status == HELD
        for caller in (bob, None):
            await forum.refused("GetPost", pb.GetPostRequest(post_id=created.post_id), "POST_NOT_FOUND", caller)
        assert await total(forum, alice) == 0
        assert [(case.target, case.is_held) for case in cases.cases] == [(post_target(created.post_id), True)]

    async def test_a_repeated_request_writes_one_post(self, forum: Any, alice: Caller) -> None:
        caller = alice._replace(idempotency_key="k1")
        answers = await asyncio.gather(*(forum.call("CreatePost", create(), caller) for _ in range(3)))

        assert len({answer.post_id for answer in answers}) == 1
        assert await total(forum) == 1


class TestBanned:
    @pytest.mark.parametrize("method", ["CreatePost", "UpdatePost", "DeletePost"])
    async def test_who_is_banned_writes_nothing(self, forum: Any, alice: Caller, change_row: Any, method: str) -> None:
        post_id = await forum.post(alice)
        await change_row(models.users, alice.user_id, is_banned=True)
        requests = {"CreatePost": create(""), "UpdatePost": update(post_id, title=""), "DeletePost": delete(post_id)}

        await forum.refused(method, requests[method], "USER_BANNED", alice)
        assert (await get(forum, post_id)).summary.version == 1


class TestUpdate:
    async def test_given_fields_change_and_the_others_stay(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t", content="c", tags=["a", "b"])
        before = (await get(forum, post_id)).summary
        answer = await forum.call("UpdatePost", update(post_id, title="t2"), alice)
        after = await get(forum, post_id, alice)

        assert answer.post == after
        assert (after.summary.title, after.content, after.summary.version) == ("t2", "c", 2)
        assert list(after.summary.tags) == ["a", "b"]
        assert after.summary.created_time == before.created_time
        assert after.summary.last_activity_time == before.last_activity_time
        assert after.summary.updated_time.ToNanoseconds() > before.updated_time.ToNanoseconds()

    async def test_a_new_text_is_rendered_anew(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, content="old")
        await forum.call("UpdatePost", update(post_id, content="**new**"), alice)
        post = await get(forum, post_id)

        assert (post.content, post.summary.excerpt) == ("**new**", "new")
        assert "<strong>new</strong>" in post.content_html

    async def test_nothing_given_sets_the_time_only(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t", content="c")
        before = (await get(forum, post_id)).summary
        for request in (update(post_id), update(post_id, title="t", content="c")):
            await forum.call("UpdatePost", request, alice)
            after = (await get(forum, post_id)).summary
            assert after.version == 1
            assert after.updated_time.ToNanoseconds() > before.updated_time.ToNanoseconds()
            before = after

    async def test_the_same_version_of_edits_is_kept_once(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t", content="c")
        for changes in ({"title": "t2"}, {}, {"content": "c3"}):
            await forum.call("UpdatePost", update(post_id, **changes), alice)
        async with forum.service.foundation.database.read() as connection:
            columns = models.revisions.c
            rows = await connection.execute(models.revisions.select().order_by(columns.version))
            kept = [(row.version, row.editor_id, row.title, row.content) for row in rows]

        assert kept == [
            (1, alice.user_id, "t", "c"),
            (2, alice.user_id, "t2", "c"),
            (3, alice.user_id, "t2", "c3"),
        ]

    async def test_it_is_announced_with_whom_it_names_now(self, forum: Any, alice: Caller, bob: Caller) -> None:
        await forum.post(bob)
        carol = forum.user("carol")
        await forum.post(carol)
        post_id = await forum.post(alice, content="@bob")
        await forum.call("UpdatePost", update(post_id, content="@bob @carol"), alice)
        await forum.call("UpdatePost", update(post_id), alice)
        events = await forum.events(forum_events_pb2.PostUpdated)

        named = forum_events_pb2.PostUpdated(
            post_id=post_id, editor_id=alice.user_id, version=2, mentioned_user_ids=[carol.user_id]
        )
        assert events == [named, forum_events_pb2.PostUpdated(post_id=post_id, editor_id=alice.user_id, version=2)]

    async def test_another_users_post_stays_as_it_is(self, forum: Any, alice: Caller, bob: Caller) -> None:
        post_id = await forum.post(alice, title="t")

        await forum.refused("UpdatePost", update(post_id, title=""), "NOT_POST_AUTHOR", bob)
        assert (await get(forum, post_id)).summary.title == "t"

    async def test_a_moderators_edit_is_written_down(self, forum: Any, alice: Caller) -> None:
        moderator = forum.moderator()
        post_id = await forum.post(alice, title="t")
        await forum.call("UpdatePost", update(post_id, title="calm"), moderator)
        own_id = await forum.post(moderator)
        await forum.call("UpdatePost", update(own_id, title="calm too"), moderator)
        request = moderation_service_pb2.ListAuditEntriesRequest(actor_id=moderator.user_id)
        entries = (await forum.call("ListAuditEntries", request, moderator)).entries

        assert (await get(forum, post_id)).summary.author.id == alice.user_id
        assert [(entry.action, entry.target) for entry in entries] == [("content.edit", post_target(post_id))]

    async def test_what_does_not_exist_comes_before_everything(self, forum: Any, alice: Caller, bob: Caller) -> None:
        hidden = await forum.category(read_role="moderator", write_role="moderator")
        hidden_id = await forum.post(forum.moderator(), category_id=hidden)
        deleted_id = await forum.post(bob)
        await forum.call("DeletePost", delete(deleted_id), bob)

        for post_id in (MISSING, 0, -1, hidden_id, deleted_id):
            await forum.refused("UpdatePost", update(post_id, title=""), "POST_NOT_FOUND", alice)
            await forum.refused("DeletePost", delete(post_id), "POST_NOT_FOUND", alice)
            await forum.refused("GetPost", pb.GetPostRequest(post_id=post_id), "POST_NOT_FOUND", alice)

    @pytest.mark.parametrize(
        ("fields", "violation"),
        [
            ({"title": ""}, Violation("title", "BLANK", 1)),
            ({"title": "x" * 201}, Violation("title", "TOO_LONG", 200)),
            ({"content": "x" * 100_001}, Violation("content", "TOO_LONG", 100_000)),
            ({"category_id": 0}, Violation("category_id", "OUT_OF_RANGE", 1)),
            ({"tags": [" "], "replace_tags": True}, Violation("tags.0", "BLANK", 1)),
            ({"violations": [FieldViolation(field="content", code="WRONG_TYPE")]}, Violation("content", "WRONG_TYPE")),
        ],
    )
    async def test_broken_fields_change_nothing(
        self, forum: Any, alice: Caller, fields: dict[str, Any], violation: Violation
    ) -> None:
        post_id = await forum.post(alice)
        before = await get(forum, post_id)
        error = await forum.refused("UpdatePost", update(post_id, **fields), "INVALID_REQUEST", alice)

        assert error.violations == [violation]
        assert await get(forum, post_id) == before

    async def test_of_two_editors_of_one_version_the_second_is_told(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice)
        requests = [update(post_id, title=f"t{number}", expected_version=1) for number in range(4)]
        outcomes = await asyncio.gather(
            *(forum.call("UpdatePost", request, alice) for request in requests), return_exceptions=True
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]

        assert [error.reason for error in refused] == ["VERSION_MISMATCH"] * 3
        assert (await get(forum, post_id)).summary.version == 2
        await forum.refused("DeletePost", delete(post_id, expected_version=1), "VERSION_MISMATCH", alice)
        await forum.call("DeletePost", delete(post_id, expected_version=2), alice)

    async def test_tags_are_replaced_only_if_they_are_given(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, tags=["a", "b"])
        await forum.call("UpdatePost", update(post_id, replace_tags=True, tags=["c", "a"]), alice)
        assert list((await get(forum, post_id)).summary.tags) == ["c", "a"]

        await forum.call("UpdatePost", update(post_id, replace_tags=True), alice)
        assert list((await get(forum, post_id)).summary.tags) == []

    @pytest.mark.parametrize("settings_changes", [{"tag_create_role": "moderator"}])
    async def test_a_tag_that_is_not_allowed_changes_nothing(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t")
        request = update(post_id, title="t2", replace_tags=True, tags=["new"])
        await forum.refused("UpdatePost", request, "TAG_NOT_ALLOWED", alice)

        assert (await get(forum, post_id)).summary.title == "t"

    async def test_a_move_takes_the_post_along_in_both_counts(self, forum: Any, alice: Caller) -> None:
        garden = await forum.category()
        post_id = await forum.post(alice)
        await forum.call("UpdatePost", update(post_id, category_id=garden), alice)

        assert (await get(forum, post_id)).summary.category_id == garden
        assert await counts(forum) == {1: (0, 1), garden: (1, 1)}

    async def test_a_move_to_the_same_place_counts_for_nothing(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice)
        await forum.call("UpdatePost", update(post_id, category_id=1), alice)

        assert await counts(forum) == {1: (1, 0)}

    async def test_a_move_needs_the_right_to_write_there(self, forum: Any, alice: Caller) -> None:
        news = await forum.category(write_role="moderator")
        hidden = await forum.category(read_role="moderator", write_role="moderator")
        post_id = await forum.post(alice)

        await forum.refused("UpdatePost", update(post_id, category_id=news), "CATEGORY_READ_ONLY", alice)
        await forum.refused("UpdatePost", update(post_id, category_id=hidden), "CATEGORY_NOT_FOUND", alice)
        await forum.refused("UpdatePost", update(post_id, category_id=MISSING), "CATEGORY_NOT_FOUND", alice)
        assert (await get(forum, post_id)).summary.category_id == 1

    async def test_a_refused_text_changes_nothing(self, forum: Any, alice: Caller) -> None:
        await add_filter(forum, "pills", "reject")
        post_id = await forum.post(alice, content="c")
        await forum.refused("UpdatePost", update(post_id, content="pills"), "CONTENT_REJECTED", alice)

        assert (await get(forum, post_id)).content == "c"

    async def test_an_edit_that_is_held_takes_the_post_out_of_sight(self, forum: Any, alice: Caller) -> None:
        await add_filter(forum, "casino", "hold")
        garden = await forum.category()
        post_id = await forum.post(alice)
        answer = await forum.call("UpdatePost", update(post_id, content="casino", category_id=garden), alice)
        await forum.call("UpdatePost", update(post_id, content="casino!"), alice)

        assert answer.post.summary.status == HELD
        await forum.refused("GetPost", pb.GetPostRequest(post_id=post_id), "POST_NOT_FOUND")
        assert {key: count for key, (count, _) in (await counts(forum)).items()} == {1: 0, garden: 0}
        assert await forum.events(forum_events_pb2.PostDeleted) == [
            forum_events_pb2.PostDeleted(post_id=post_id, actor_id=alice.user_id, status=HELD)
        ]
        cases = await forum.call("ListCases", moderation_service_pb2.ListCasesRequest(), forum.moderator())
        assert [case.target for case in cases.cases] == [post_target(post_id)]


class TestDelete:
    async def test_a_deleted_post_is_gone_for_all_but_moderators(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice)
        await forum.call("DeletePost", delete(post_id), alice)

        for caller in (alice, None):
            await forum.refused("GetPost", pb.GetPostRequest(post_id=post_id), "POST_NOT_FOUND", caller)
        assert (await get(forum, post_id, forum.moderator())).summary.status == DELETED
        assert await counts(forum) == {1: (0, 1)}
        assert await forum.events(forum_events_pb2.PostDeleted) == [
            forum_events_pb2.PostDeleted(post_id=post_id, actor_id=alice.user_id, status=DELETED)
        ]

    async def test_a_second_delete_finds_nothing(self, forum: Any, alice: Caller) -> None:
        moderator = forum.moderator()
        for caller in (alice, moderator):
            post_id = await forum.post(caller)
            await forum.call("DeletePost", delete(post_id), caller)
            await forum.refused("DeletePost", delete(post_id), "POST_NOT_FOUND", caller)
        assert await counts(forum) == {1: (0, 2)}

    async def test_only_its_author_deletes_a_post(self, forum: Any, alice: Caller, bob: Caller) -> None:
        post_id = await forum.post(alice)

        await forum.refused("DeletePost", delete(post_id), "NOT_POST_AUTHOR", bob)
        await forum.refused("DeletePost", delete(post_id), "NOT_POST_AUTHOR", forum.moderator())
        assert (await get(forum, post_id)).summary.status == LIVE

    async def test_a_held_post_can_be_deleted(self, forum: Any, alice: Caller) -> None:
        await add_filter(forum, "casino", "hold")
        post_id = await forum.post(alice, content="casino")
        await forum.call("DeletePost", delete(post_id), alice)

        assert (await get(forum, post_id, forum.moderator())).summary.status == DELETED
        assert await counts(forum) == {1: (0, 0)}


class TestGet:
    async def test_a_viewer_sees_what_they_have_to_do_with_it(self, forum: Any, alice: Caller, bob: Caller) -> None:
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        target = post_target(post_id)
        engagement = engagement_service_pb2
        await forum.call("SetVote", engagement.SetVoteRequest(target=target, value=-1), bob)
        for emoji in ("👍", "🎉"):
            await forum.call("AddReaction", engagement.AddReactionRequest(target=target, emoji=emoji), bob)
        await forum.call("AddReaction", engagement.AddReactionRequest(target=target, emoji="🎉"), alice)
        await forum.call("AddBookmark", engagement.AddBookmarkRequest(target=target), bob)
        await forum.call("Follow", engagement.FollowRequest(target=target), bob)
        read = engagement.MarkPostReadRequest(post_id=post_id, last_read_number=reply.number)
        await forum.call("MarkPostRead", read, bob)
        seen = await get(forum, post_id, bob)

        assert sorted(seen.viewer.reactions) == sorted(["👍", "🎉"])
        del seen.viewer.reactions[:]
        assert seen.viewer == post_pb2.Viewer(vote=-1, is_bookmarked=True, is_followed=True)
        assert [(count.emoji, count.count) for count in seen.reactions] == [("🎉", 2), ("👍", 1)]
        assert seen.summary.read == post_pb2.ReadPosition(last_read_number=reply.number)
        assert (seen.summary.up_count, seen.summary.down_count, seen.summary.last_reply_number) == (0, 1, 1)

    async def test_authors_and_moderators_may_edit(self, forum: Any, alice: Caller, bob: Caller) -> None:
        post_id = await forum.post(alice)

        assert (await get(forum, post_id, alice)).viewer == post_pb2.Viewer(may_edit=True)
        assert (await get(forum, post_id, forum.moderator())).viewer == post_pb2.Viewer(may_edit=True)
        assert (await get(forum, post_id, bob)).viewer == post_pb2.Viewer()
        visited = await get(forum, post_id)
        assert not visited.HasField("viewer")
        assert not visited.summary.HasField("read")

    async def test_a_removed_post_is_seen_by_moderators(self, forum: Any, alice: Caller, change_row: Any) -> None:
        post_id = await forum.post(alice)
        await change_row(models.posts, post_id, status=REMOVED)

        await forum.refused("GetPost", pb.GetPostRequest(post_id=post_id), "POST_NOT_FOUND", alice)
        assert (await get(forum, post_id, forum.moderator())).summary.status == REMOVED

    async def test_a_deleted_author_has_no_name(self, forum: Any, alice: Caller, change_row: Any) -> None:
        post_id = await forum.post(alice)
        await change_row(models.users, alice.user_id, username="", username_key=None, is_deleted=True)

        assert (await get(forum, post_id)).summary.author == post_pb2.Author(id=alice.user_id, is_deleted=True)

    async def test_moments_keep_their_microseconds(self, forum: Any, alice: Caller, change_row: Any) -> None:
        post_id = await forum.post(alice)
        await change_row(models.posts, post_id, created_time=datetime(2025, 7, 12, 13, 10, 33, 123_456, UTC))
        seconds = int(datetime(2025, 7, 12, 13, 10, 33, tzinfo=UTC).timestamp())
        listed = await forum.call("ListPostPage", pb.ListPostPageRequest(page=1, page_size=1))

        for found in ((await get(forum, post_id)).summary.created_time, listed.posts[0].created_time):
            assert (found.seconds, found.nanos) == (seconds, 123_456_000)


async def counts(forum: Any) -> dict[int, tuple[int, int]]:
    """Return post_count and change_count of all categories."""
    columns = models.categories.c
    async with forum.service.foundation.database.read() as connection:
        rows = await connection.execute(models.categories.select().order_by(columns.id))
        return {row.id: (row.post_count, row.change_count) for row in rows}
