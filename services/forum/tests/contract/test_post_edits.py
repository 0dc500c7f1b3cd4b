"""PostService: editing posts: what changes, what is kept, who may, and the order of checks."""

import asyncio
from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import forum_events_pb2, moderation_service_pb2, post_pb2, target_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation

MISSING = 2**53 - 1
HELD = post_pb2.CONTENT_STATUS_HELD


def update(post_id: int, **fields: Any) -> pb.UpdatePostRequest:
    return pb.UpdatePostRequest(post_id=post_id, **fields)


def delete(post_id: int, **more: Any) -> pb.DeletePostRequest:
    return pb.DeletePostRequest(post_id=post_id, **more)


def post_target(post_id: int) -> target_pb2.Target:
    return target_pb2.Target(kind=target_pb2.TARGET_KIND_POST, id=post_id)


async def get(forum: Any, post_id: int, caller: Caller | None = None) -> Any:
    return (await forum.call("GetPost", pb.GetPostRequest(post_id=post_id), caller)).post


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


async def test_given_fields_change_and_the_others_stay(forum: Any, alice: Caller) -> None:
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


async def test_a_new_text_is_rendered_anew(forum: Any, alice: Caller) -> None:
    post_id = await forum.post(alice, content="old")
    await forum.call("UpdatePost", update(post_id, content="**new**"), alice)
    post = await get(forum, post_id)

    assert (post.content, post.summary.excerpt) == ("**new**", "new")
    assert "<strong>new</strong>" in post.content_html


async def test_nothing_given_sets_the_time_only(forum: Any, alice: Caller) -> None:
    post_id = await forum.post(alice, title="t", content="c")
    before = (await get(forum, post_id)).summary
    for request in (update(post_id), update(post_id, title="t", content="c")):
        await forum.call("UpdatePost", request, alice)
        after = (await get(forum, post_id)).summary
        assert after.version == 1
        assert after.updated_time.ToNanoseconds() > before.updated_time.ToNanoseconds()
        before = after


async def test_each_text_is_kept_once_with_its_version(forum: Any, alice: Caller) -> None:
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


async def test_it_is_announced_with_whom_it_names_now(forum: Any, alice: Caller, bob: Caller) -> None:
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


async def test_another_users_post_stays_as_it_is(forum: Any, alice: Caller, bob: Caller) -> None:
    post_id = await forum.post(alice, title="t")

    await forum.refused("UpdatePost", update(post_id, title=""), "NOT_POST_AUTHOR", bob)
    assert (await get(forum, post_id)).summary.title == "t"


async def test_a_moderators_edit_is_written_down(forum: Any, alice: Caller) -> None:
    moderator = forum.moderator()
    post_id = await forum.post(alice, title="t")
    await forum.call("UpdatePost", update(post_id, title="calm"), moderator)
    own_id = await forum.post(moderator)
    await forum.call("UpdatePost", update(own_id, title="calm too"), moderator)
    request = moderation_service_pb2.ListAuditEntriesRequest(actor_id=moderator.user_id)
    entries = (await forum.call("ListAuditEntries", request, moderator)).entries

    assert (await get(forum, post_id)).summary.author.id == alice.user_id
    assert [(entry.action, entry.target) for entry in entries] == [("content.edit", post_target(post_id))]


async def test_what_does_not_exist_comes_before_everything(forum: Any, alice: Caller, bob: Caller) -> None:
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
    forum: Any, alice: Caller, fields: dict[str, Any], violation: Violation
) -> None:
    post_id = await forum.post(alice)
    before = await get(forum, post_id)
    error = await forum.refused("UpdatePost", update(post_id, **fields), "INVALID_REQUEST", alice)

    assert error.violations == [violation]
    assert await get(forum, post_id) == before


async def test_of_two_editors_of_one_version_the_second_is_told(forum: Any, alice: Caller) -> None:
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


async def test_tags_are_replaced_only_if_they_are_given(forum: Any, alice: Caller) -> None:
    post_id = await forum.post(alice, tags=["a", "b"])
    await forum.call("UpdatePost", update(post_id, replace_tags=True, tags=["c", "a"]), alice)
    assert list((await get(forum, post_id)).summary.tags) == ["c", "a"]

    await forum.call("UpdatePost", update(post_id, replace_tags=True), alice)
    assert list((await get(forum, post_id)).summary.tags) == []


@pytest.mark.parametrize("settings_changes", [{"tag_create_role": "moderator"}])
async def test_a_tag_that_is_not_allowed_changes_nothing(forum: Any, alice: Caller) -> None:
    post_id = await forum.post(alice, title="t")
    request = update(post_id, title="t2", replace_tags=True, tags=["new"])
    await forum.refused("UpdatePost", request, "TAG_NOT_ALLOWED", alice)

    assert (await get(forum, post_id)).summary.title == "t"


async def test_a_move_takes_the_post_along_in_both_counts(forum: Any, alice: Caller) -> None:
    garden = await forum.category()
    post_id = await forum.post(alice)
    await forum.call("UpdatePost", update(post_id, category_id=garden), alice)

    assert (await get(forum, post_id)).summary.category_id == garden
    assert await counts(forum) == {1: (0, 1), garden: (1, 1)}


async def test_a_move_to_the_same_place_counts_for_nothing(forum: Any, alice: Caller) -> None:
    post_id = await forum.post(alice)
    await forum.call("UpdatePost", update(post_id, category_id=1), alice)

    assert await counts(forum) == {1: (1, 0)}


async def test_a_move_needs_the_right_to_write_there(forum: Any, alice: Caller) -> None:
    news = await forum.category(write_role="moderator")
    hidden = await forum.category(read_role="moderator", write_role="moderator")
    post_id = await forum.post(alice)

    await forum.refused("UpdatePost", update(post_id, category_id=news), "CATEGORY_READ_ONLY", alice)
    await forum.refused("UpdatePost", update(post_id, category_id=hidden), "CATEGORY_NOT_FOUND", alice)
    await forum.refused("UpdatePost", update(post_id, category_id=MISSING), "CATEGORY_NOT_FOUND", alice)
    assert (await get(forum, post_id)).summary.category_id == 1


async def test_a_refused_text_changes_nothing(forum: Any, alice: Caller) -> None:
    await add_filter(forum, "pills", "reject")
    post_id = await forum.post(alice, content="c")
    await forum.refused("UpdatePost", update(post_id, content="pills"), "CONTENT_REJECTED", alice)

    assert (await get(forum, post_id)).content == "c"


async def test_an_edit_that_is_held_takes_the_post_out_of_sight(forum: Any, alice: Caller) -> None:
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


async def counts(forum: Any) -> dict[int, tuple[int, int]]:
    """Return post_count and change_count of all categories."""
    columns = models.categories.c
    async with forum.service.foundation.database.read() as connection:
        rows = await connection.execute(models.categories.select().order_by(columns.id))
        return {row.id: (row.post_count, row.change_count) for row in rows}
