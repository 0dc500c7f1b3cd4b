"""Replies that move into another post."""

from typing import Any

import pytest
from sqlalchemy import select, update

from forum import merging, models
from forum.repository import merging as merging_rows
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import Violation


def merge(source_id: int, target_id: int, *reply_ids: int) -> pb.MergeRepliesRequest:
    return pb.MergeRepliesRequest(post_id=source_id, target_post_id=target_id, reply_ids=reply_ids)


async def rows(forum: Any, post_id: int) -> list[tuple[Any, ...]]:
    """Return (number, content, content of what it answers, depth, is live) of all replies, by number."""
    columns = models.replies.c
    async with forum.service.foundation.database.read() as connection:
        found = (await connection.execute(select(models.replies).where(columns.post_id == post_id))).all()
        everything = await connection.execute(select(columns.id, columns.content))
        contents = {row[0]: row[1] for row in everything}
    return sorted(
        (row.number, row.content, contents.get(row.parent_id), row.depth, row.status == CONTENT_STATUS_LIVE)
        for row in found
    )


async def summary(forum: Any, post_id: int) -> Any:
    request = post_service_pb2.GetPostRequest(post_id=post_id)
    return (await forum.call("GetPost", request, forum.moderator())).post.summary


async def grow(forum: Any, post_id: int, *names: str) -> dict[str, Any]:
    """Write replies: `b1` answers `b`, `b12` answers `b1`."""
    found: dict[str, Any] = {}
    for name in names:
        parent = found[name[:-1]].id if len(name) > 1 else 0
        found[name] = await forum.reply(forum.user("alice"), post_id, name, parent=parent)
    return found


async def two_posts(forum: Any) -> tuple[int, int]:
    return await forum.post(forum.user("alice")), await forum.post(forum.user("bob"))


async def test_replies_move_with_those_below_them_and_are_numbered_after_what_is_there(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "b", "a1", "b1", "b11", "c")
    await grow(forum, target_id, "x", "y")

    response = await forum.call("MergeReplies", merge(source_id, target_id, replies["b"].id), forum.moderator())

    assert response.moved_count == 3
    assert await rows(forum, source_id) == [
        (1, "a", None, 0, True),
        (3, "a1", "a", 1, True),
        (6, "c", None, 0, True),
    ]
    assert await rows(forum, target_id) == [
        (1, "x", None, 0, True),
        (2, "y", None, 0, True),
        (3, "b", None, 0, True),
        (4, "b1", "b", 1, True),
        (5, "b11", "b1", 2, True),
    ]


async def test_what_was_named_answers_the_post_wherever_it_stood(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "a1", "a11", "a111", "a1111", "a12")

    named = [replies[name].id for name in ("a111", "a1", "a1")]
    response = await forum.call("MergeReplies", merge(source_id, target_id, *named), forum.moderator())

    assert response.moved_count == 5
    assert await rows(forum, source_id) == [(1, "a", None, 0, True)]
    assert await rows(forum, target_id) == [
        (1, "a1", None, 0, True),
        (2, "a11", "a1", 1, True),
        (3, "a111", None, 0, True),
        (4, "a1111", "a111", 1, True),
        (5, "a12", "a1", 1, True),
    ]


async def test_counts_numbers_and_times_of_both_posts_are_right(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    await grow(forum, target_id, "x")
    replies = await grow(forum, source_id, "a", "b", "b1")

    await forum.call("MergeReplies", merge(source_id, target_id, replies["b"].id), forum.moderator())

    source, target = await summary(forum, source_id), await summary(forum, target_id)
    assert (source.reply_count, source.last_reply_number) == (1, 3)
    assert (target.reply_count, target.last_reply_number) == (3, 3)
    assert target.last_activity_time == replies["b1"].created_time
    assert (await forum.reply(forum.user("alice"), target_id)).number == 4
    assert (await forum.reply(forum.user("alice"), source_id)).number == 4


async def test_an_older_reply_does_not_set_the_target_back(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a")
    await grow(forum, target_id, "x")
    before = (await summary(forum, target_id)).last_activity_time

    await forum.call("MergeReplies", merge(source_id, target_id, replies["a"].id), forum.moderator())

    assert (await summary(forum, target_id)).last_activity_time == before


async def test_many_replies_move_in_more_than_one_statement(forum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging_rows, "CHUNK", 2)
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "a1", "a11", "b", "a2")

    named = [replies["a"].id, replies["b"].id]
    await forum.call("MergeReplies", merge(source_id, target_id, *named), forum.moderator())

    assert await rows(forum, source_id) == []
    assert await rows(forum, target_id) == [
        (1, "a", None, 0, True),
        (2, "a1", "a", 1, True),
        (3, "a11", "a1", 2, True),
        (4, "b", None, 0, True),
        (5, "a2", "a", 1, True),
    ]


async def test_what_is_out_of_sight_below_a_reply_moves_along_and_can_come_back_there(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "a1", "a11")
    alice = forum.user("alice")
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=replies["a1"].id), alice)

    await forum.call("MergeReplies", merge(source_id, target_id, replies["a"].id), forum.moderator())
    assert (await summary(forum, target_id)).reply_count == 1

    request = pb.RestoreContentRequest(target=Target(kind=TARGET_KIND_REPLY, id=replies["a1"].id))
    await forum.call("RestoreContent", request, forum.moderator())
    assert await rows(forum, target_id) == [
        (1, "a", None, 0, True),
        (2, "a1", "a", 1, True),
        (3, "a11", "a1", 2, True),
    ]
    assert (await summary(forum, target_id)).reply_count == 3
    assert (await summary(forum, source_id)).reply_count == 0


async def test_an_accepted_answer_that_moves_is_none_any_more(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "b", "b1")

    async def accept(connection: Any) -> None:
        statement = update(models.posts).where(models.posts.c.id == source_id)
        await connection.execute(statement.values(accepted_reply_id=replies["b1"].id))

    await forum.service.foundation.database.write(accept)
    await forum.call("MergeReplies", merge(source_id, target_id, replies["a"].id), forum.moderator())
    assert (await summary(forum, source_id)).accepted_reply_id == replies["b1"].id
    assert await forum.events(events_pb.AnswerAccepted) == []

    await forum.call("MergeReplies", merge(source_id, target_id, replies["b"].id), forum.moderator())
    assert (await summary(forum, source_id)).accepted_reply_id == 0
    assert (await summary(forum, target_id)).accepted_reply_id == 0
    [event] = await forum.events(events_pb.AnswerAccepted)
    assert (event.post_id, event.reply_id, event.actor_id) == (source_id, 0, forum.moderator().user_id)


async def test_cases_follow_their_replies(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "b")
    for reply in replies.values():
        report = pb.CreateReportRequest(target=Target(kind=TARGET_KIND_REPLY, id=reply.id), reason="off_topic")
        await forum.call("CreateReport", report, forum.user("bob"))

    await forum.call("MergeReplies", merge(source_id, target_id, replies["b"].id), forum.moderator())

    cases = (await forum.call("ListCases", pb.ListCasesRequest(), forum.moderator())).cases
    assert [(case.content, case.post_id) for case in cases] == [("a", source_id), ("b", target_id)]
    resolve = pb.ResolveCaseRequest(case_id=cases[1].id, resolution="remove")
    await forum.call("ResolveCase", resolve, forum.moderator())
    assert (await summary(forum, target_id)).reply_count == 0


async def test_it_is_recorded_and_announced_on_both_posts(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "a1")

    await forum.call("MergeReplies", merge(source_id, target_id, replies["a"].id), forum.moderator())

    event = events_pb.RepliesMerged(
        from_post_id=source_id,
        to_post_id=target_id,
        reply_ids=[replies["a"].id, replies["a1"].id],
        actor_id=forum.moderator().user_id,
    )
    assert await forum.events(events_pb.RepliesMerged) == [event, event]
    name = event.DESCRIPTOR.full_name
    subjects = [envelope.subject for envelope in await forum.envelopes() if envelope.type == name]
    assert subjects == [f"post:{source_id}", f"post:{target_id}"]
    [entry] = (await forum.call("ListAuditEntries", pb.ListAuditEntriesRequest(), forum.moderator())).entries
    assert (entry.action, entry.target, entry.detail) == (
        "replies.merge",
        Target(kind=TARGET_KIND_POST, id=source_id),
        f"2 to post {target_id}",
    )


async def test_a_reply_of_another_post_or_out_of_sight_is_not_found_and_nothing_moves(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "b")
    elsewhere = (await grow(forum, target_id, "x"))["x"]
    alice = forum.user("alice")
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=replies["b"].id), alice)
    before = await rows(forum, source_id)

    for other_id in (elsewhere.id, replies["b"].id, 10**12):
        request = merge(source_id, target_id, replies["a"].id, other_id)
        await forum.refused("MergeReplies", request, "REPLY_NOT_FOUND", forum.moderator())

    assert await rows(forum, source_id) == before
    assert (await summary(forum, source_id)).reply_count == 1


async def test_both_posts_must_exist_for_the_caller(forum: Any) -> None:
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a")
    secret_id = await forum.category(read_role="admin")
    hidden_id = await forum.post(forum.admin(), category_id=secret_id)

    for other_id in (hidden_id, 999):
        request = merge(source_id, other_id, replies["a"].id)
        await forum.refused("MergeReplies", request, "POST_NOT_FOUND", forum.moderator())
        request = merge(other_id, target_id, replies["a"].id)
        await forum.refused("MergeReplies", request, "POST_NOT_FOUND", forum.moderator())

    await forum.call("MergeReplies", merge(source_id, hidden_id, replies["a"].id), forum.admin())
    assert await rows(forum, hidden_id) == [(1, "a", None, 0, True)]


async def test_a_post_is_not_merged_with_itself(forum: Any) -> None:
    source_id, _ = await two_posts(forum)
    replies = await grow(forum, source_id, "a")
    request = merge(source_id, source_id, replies["a"].id)

    error = await forum.refused("MergeReplies", request, "INVALID_REQUEST", forum.moderator())

    assert error.violations == [Violation("target_post_id", "NOT_ALLOWED")]


@pytest.mark.parametrize(
    ("fields", "violations"),
    [
        ({}, [Violation("target_post_id", "REQUIRED"), Violation("reply_ids", "REQUIRED")]),
        (
            {"target_post_id": 0, "reply_ids": [1, 0]},
            [
                Violation("target_post_id", "OUT_OF_RANGE", 1),
                Violation("reply_ids.1", "OUT_OF_RANGE", 1),
            ],
        ),
        ({"target_post_id": 5, "reply_ids": range(1, 102)}, [Violation("reply_ids", "OUT_OF_RANGE", 100)]),
        (
            {"target_post_id": 5, "violations": [FieldViolation(field="reply_ids", code="WRONG_TYPE")]},
            [Violation("reply_ids", "WRONG_TYPE")],
        ),
    ],
)
async def test_broken_fields_are_named(forum: Any, fields: Any, violations: list[Violation]) -> None:
    request = pb.MergeRepliesRequest(post_id=999, **fields)
    await forum.refused("MergeReplies", request, "POST_NOT_FOUND", forum.moderator())
    request.post_id = await forum.post(forum.user("alice"))

    error = await forum.refused("MergeReplies", request, "INVALID_REQUEST", forum.moderator())

    assert error.violations == violations


async def test_only_so_many_move_at_once(forum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOVED_MAX", 2)
    source_id, target_id = await two_posts(forum)
    replies = await grow(forum, source_id, "a", "a1", "a2", "b", "b1")

    error = await forum.refused(
        "MergeReplies", merge(source_id, target_id, replies["a"].id), "LIMIT_REACHED", forum.moderator()
    )

    assert error.metadata == {"limit": "2"}
    response = await forum.call("MergeReplies", merge(source_id, target_id, replies["b"].id), forum.moderator())
    assert response.moved_count == 2
