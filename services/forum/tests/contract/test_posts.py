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
from plaza_kit.errors import Violation

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

    @pytest.mark.parametrize("action", ["hold", "reject"])
    async def test_who_would_review_a_text_is_not_held_up(self, forum: Any, action: str) -> None:
        await add_filter(forum, "casino", action)
        mod = forum.moderator()
        post_id = await forum.post(mod, content="casino")
        assert (await get(forum, post_id)).summary.status == LIVE
        reply = await forum.reply(mod, post_id, "casino")
        assert reply.status == LIVE

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
