"""Moderators and users at the same time, on a database that lets them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from forum import models
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE, CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.errors import RemoteError

pytestmark = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)


def report(post_id: int) -> pb.CreateReportRequest:
    return pb.CreateReportRequest(target=Target(kind=TARGET_KIND_POST, id=post_id), reason="spam")


async def outcome(call: Any) -> str:
    try:
        await call
    except RemoteError as error:
        return error.reason
    return "OK"


async def cases(forum: Any) -> list[Any]:
    return list((await forum.call("ListCases", pb.ListCasesRequest(page_size=100), forum.moderator())).cases)


async def assert_consistent(forum: Any, post_id: int) -> None:
    """Assert that the counters of a post say what its replies are, and that no reply answers another post's."""
    async with forum.service.foundation.database.read() as connection:
        post = (await connection.execute(select(models.posts).where(models.posts.c.id == post_id))).one()
        replies = (await connection.execute(select(models.replies).where(models.replies.c.post_id == post_id))).all()
    by_id = {reply.id: reply for reply in replies}
    assert post.reply_count == sum(reply.status == CONTENT_STATUS_LIVE for reply in replies)
    assert post.reply_seq >= max((reply.number for reply in replies), default=0)
    for reply in replies:
        depth = 0 if reply.parent_id is None else by_id[reply.parent_id].depth + 1
        assert reply.depth == depth
        if reply.parent_id is not None:
            assert by_id[reply.parent_id].number < reply.number


async def reported(forum: Any, count: int) -> list[Any]:
    """Return so many cases."""
    for _ in range(count):
        await forum.call("CreateReport", report(await forum.post(forum.user("alice"))), forum.user("bob"))
    return await cases(forum)


async def test_of_moderators_who_claim_a_case_at_once_one_has_it(forum: Any) -> None:
    found = await reported(forum, 6)
    names = [f"mod{number}" for number in range(4)]

    async def claim(name: str, case_id: int) -> tuple[int, str, str]:
        request = pb.ClaimCaseRequest(case_id=case_id)
        return case_id, name, await outcome(forum.call("ClaimCase", request, forum.moderator(name)))

    outcomes = await asyncio.gather(*(claim(name, case.id) for case in found for name in names))

    assert sorted(reason for *_, reason in outcomes) == ["CASE_CLAIMED"] * 18 + ["OK"] * 6
    winners = {(case_id, name) for case_id, name, reason in outcomes if reason == "OK"}
    assert {(case.id, case.moderator.username) for case in await cases(forum)} == winners


async def test_a_case_is_decided_once(forum: Any) -> None:
    found = await reported(forum, 6)

    async def decide(case_id: int, number: int) -> str:
        request = pb.ResolveCaseRequest(case_id=case_id, resolution=("remove", "dismiss")[number % 2])
        return await outcome(forum.call("ResolveCase", request, forum.moderator(f"mod{number}")))

    outcomes = await asyncio.gather(*(decide(case.id, number) for case in found for number in range(4)))

    assert sorted(outcomes) == ["CASE_RESOLVED"] * 18 + ["OK"] * 6
    request = pb.ListCasesRequest(state=pb.CASE_STATE_RESOLVED)
    decided = (await forum.call("ListCases", request, forum.moderator())).cases
    assert [case.status == CONTENT_STATUS_REMOVED for case in decided] == [
        case.resolution == "remove" for case in decided
    ]


async def test_first_reports_at_once_are_one_case(forum: Any) -> None:
    post_id = await forum.post(forum.user("alice"))

    outcomes = await asyncio.gather(
        *(outcome(forum.call("CreateReport", report(post_id), forum.user(f"user{number}"))) for number in range(6))
    )

    assert outcomes == ["OK"] * 6
    assert [case.report_count for case in await cases(forum)] == [6]


async def test_one_user_reports_once_however_often_at_once(forum: Any) -> None:
    post_id = await forum.post(forum.user("alice"))

    outcomes = await asyncio.gather(
        *(outcome(forum.call("CreateReport", report(post_id), forum.user("bob"))) for _ in range(4))
    )

    assert sorted(outcomes) == ["ALREADY_REPORTED"] * 3 + ["OK"]
    assert [case.report_count for case in await cases(forum)] == [1]


async def test_replies_that_move_while_others_reply_and_delete_leave_both_posts_right(forum: Any) -> None:
    alice = forum.user("alice")
    first_id, second_id = await forum.post(alice), await forum.post(alice)
    roots = {post_id: [await forum.reply(alice, post_id) for _ in range(6)] for post_id in (first_id, second_id)}

    async def move(source_id: int, target_id: int) -> list[str]:
        """Move in both directions: each locks both posts."""
        return [
            await outcome(
                forum.call(
                    "MergeReplies",
                    pb.MergeRepliesRequest(post_id=source_id, target_post_id=target_id, reply_ids=[reply.id]),
                    forum.moderator(),
                )
            )
            for reply in roots[source_id][:4]
        ]

    async def answer(post_id: int, name: str) -> list[str]:
        found = []
        for reply in roots[post_id]:
            request = reply_service_pb2.CreateReplyRequest(post_id=post_id, content="r", parent_reply_id=reply.id)
            found.append(await outcome(forum.call("CreateReply", request, forum.user(name))))
        return found

    async def delete(post_id: int) -> list[str]:
        return [
            await outcome(forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply.id), alice))
            for reply in roots[post_id][3:]
        ]

    outcomes = await asyncio.gather(
        move(first_id, second_id),
        move(second_id, first_id),
        answer(first_id, "bob"),
        answer(second_id, "carol"),
        delete(first_id),
    )

    reasons = {reason for found in outcomes for reason in found}
    assert reasons <= {"OK", "PARENT_REPLY_NOT_FOUND", "REPLY_NOT_FOUND", "ABORTED"}
    assert [found.count("OK") >= 3 for found in outcomes[:2]] == [True, True]
    await assert_consistent(forum, first_id)
    await assert_consistent(forum, second_id)


async def test_a_removal_and_a_restoration_at_once_leave_the_counters_right(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    top = await forum.reply(alice, post_id)
    await forum.reply(alice, post_id, parent=top.id)
    target = Target(kind=TARGET_KIND_REPLY, id=top.id)

    await asyncio.gather(
        *(
            outcome(
                forum.call("RemoveContent", pb.RemoveContentRequest(target=target, reason="x"), forum.moderator())
                if number % 2
                else forum.call("RestoreContent", pb.RestoreContentRequest(target=target), forum.moderator("max"))
            )
            for number in range(8)
        )
    )

    await assert_consistent(forum, post_id)


async def test_a_post_that_is_moved_and_deleted_at_once_is_counted_right(forum: Any) -> None:
    categories = [await forum.category() for _ in range(2)]
    posts = [await forum.post(forum.user("alice"), category_id=categories[0]) for _ in range(4)]

    async def delete(post_id: int) -> None:
        request = post_service_pb2.DeletePostRequest(post_id=post_id)
        await forum.call("DeletePost", request, forum.user("alice"))

    async def move(post_id: int) -> None:
        for category_id in (*reversed(categories), categories[1]):
            request = pb.MovePostRequest(post_id=post_id, category_id=category_id)
            await forum.call("MovePost", request, forum.moderator())

    await asyncio.gather(*(move(post_id) for post_id in posts), *(delete(post_id) for post_id in posts[:2]))

    async with forum.service.foundation.database.read() as connection:
        columns = (models.categories.c.id, models.categories.c.post_count)
        counts = {row[0]: row[1] for row in await connection.execute(select(*columns))}
    assert (counts[categories[0]], counts[categories[1]]) == (0, 2)
