"""Reports and word filters open cases."""

from typing import Any

import pytest

from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE, CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import TARGET_KIND_CATEGORY, TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.errors import Violation


def post_target(post_id: int) -> Target:
    return Target(kind=TARGET_KIND_POST, id=post_id)


def reply_target(reply_id: int) -> Target:
    return Target(kind=TARGET_KIND_REPLY, id=reply_id)


def report(target: Target, reason: str = "spam", **more: Any) -> pb.CreateReportRequest:
    return pb.CreateReportRequest(target=target, reason=reason, **more)


def resolve(case_id: int, resolution: str = "dismiss", **more: Any) -> pb.ResolveCaseRequest:
    return pb.ResolveCaseRequest(case_id=case_id, resolution=resolution, **more)


async def listed(forum: Any, state: Any = pb.CASE_STATE_UNSPECIFIED, caller: Any = None) -> list[Any]:
    request = pb.ListCasesRequest(state=state)
    return list((await forum.call("ListCases", request, caller or forum.moderator())).cases)


async def ids(forum: Any, state: Any = pb.CASE_STATE_UNSPECIFIED, caller: Any = None) -> list[int]:
    return [case.id for case in await listed(forum, state, caller)]


async def reported_post(forum: Any, **fields: Any) -> tuple[int, int]:
    """Return a post and the case that a report of it opened."""
    post_id = await forum.post(forum.user("alice"), **fields)
    await forum.call("CreateReport", report(post_target(post_id)), forum.user("bob"))
    return post_id, (await listed(forum))[-1].id


async def actions(forum: Any) -> list[tuple[str, str, str]]:
    """Return actor, action and detail of the audit log, oldest first, without word filters."""
    response = await forum.call("ListAuditEntries", pb.ListAuditEntriesRequest(), forum.moderator())
    return [
        (entry.actor.username, entry.action, entry.detail)
        for entry in reversed(response.entries)
        if not entry.action.startswith(("word_filter", "category"))
    ]


async def summary(forum: Any, post_id: int) -> Any:
    request = post_service_pb2.GetPostRequest(post_id=post_id)
    return (await forum.call("GetPost", request, forum.moderator())).post.summary


async def hold_word(forum: Any, phrase: str = "pills") -> None:
    request = pb.CreateWordFilterRequest(phrase=phrase, action="hold")
    await forum.call("CreateWordFilter", request, forum.admin())


class TestReports:
    """What users report."""

    async def test_reports_of_one_post_are_one_case(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"), content="Buy *now*")
        await forum.call("CreateReport", report(post_target(post_id), note="Again"), forum.user("bob"))
        await forum.call("CreateReport", report(post_target(post_id), "abuse"), forum.user("carol"))

        [case] = await listed(forum)
        assert (case.target, case.post_id) == (post_target(post_id), post_id)
        assert (case.author.username, case.content, case.status) == ("alice", "Buy *now*", CONTENT_STATUS_LIVE)
        assert (case.is_held, case.report_count, case.state) == (False, 2, pb.CASE_STATE_OPEN)
        assert not case.HasField("moderator")
        assert case.resolution == ""
        assert case.created_time.ToDatetime() < case.updated_time.ToDatetime()

        response = await forum.call("GetCase", pb.GetCaseRequest(case_id=case.id), forum.moderator())
        assert response.case == case
        assert [(found.reporter.username, found.reason, found.note) for found in response.reports] == [
            ("bob", "spam", "Again"),
            ("carol", "abuse", ""),
        ]
        assert await forum.events(events_pb.CaseChanged) == [events_pb.CaseChanged(case_id=case.id)] * 2
        name = events_pb.CaseChanged.DESCRIPTOR.full_name
        subjects = {envelope.subject for envelope in await forum.envelopes() if envelope.type == name}
        assert subjects == {"moderation"}

    async def test_a_reply_has_a_case_of_its_own(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        reply = await forum.reply(forum.user("dave"), post_id, "rude words")
        await forum.call("CreateReport", report(post_target(post_id)), forum.user("bob"))
        await forum.call("CreateReport", report(reply_target(reply.id), "abuse"), forum.user("bob"))

        cases = await listed(forum)

        assert [(case.target, case.post_id) for case in cases] == [
            (post_target(post_id), post_id),
            (reply_target(reply.id), post_id),
        ]
        assert (cases[1].author.username, cases[1].content) == ("dave", "rude words")

    async def test_a_user_reports_once_while_the_case_is_open(self, forum: Any) -> None:
        post_id, case_id = await reported_post(forum)

        again = report(post_target(post_id), "abuse")
        await forum.refused("CreateReport", again, "ALREADY_REPORTED", forum.user("bob"))
        assert [case.report_count for case in await listed(forum)] == [1]

        await forum.call("ResolveCase", resolve(case_id), forum.moderator())
        await forum.call("CreateReport", again, forum.user("bob"))
        [case] = await listed(forum)
        assert (case.id > case_id, case.report_count) == (True, 1)

    async def test_nobody_reports_their_own(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)

        await forum.refused("CreateReport", report(post_target(post_id)), "OWN_CONTENT", alice)
        await forum.refused("CreateReport", report(reply_target(reply.id)), "OWN_CONTENT", alice)

        assert await listed(forum) == []

    async def test_what_the_user_cannot_see_is_not_found(self, forum: Any) -> None:
        alice, bob = forum.user("alice"), forum.user("bob")
        secret_id = await forum.category(read_role="moderator")
        hidden_id = await forum.post(forum.moderator(), category_id=secret_id)
        hidden = await forum.reply(forum.moderator(), hidden_id)
        post_id = await forum.post(alice)
        reply = await forum.reply(alice, post_id)
        await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply.id), alice)

        for target_id in (hidden_id, 999):
            await forum.refused("CreateReport", report(post_target(target_id)), "POST_NOT_FOUND", bob)
        for target_id in (hidden.id, reply.id, 999):
            await forum.refused("CreateReport", report(reply_target(target_id)), "REPLY_NOT_FOUND", bob)

        assert await listed(forum) == []

    @pytest.mark.parametrize(
        ("request_", "violations"),
        [
            (pb.CreateReportRequest(), [Violation("reason", "REQUIRED")]),
            (
                pb.CreateReportRequest(reason="boring", note="x" * 1001),
                [Violation("reason", "NOT_ALLOWED"), Violation("note", "TOO_LONG", 1000)],
            ),
        ],
    )
    async def test_a_broken_report_is_refused(self, forum: Any, request_: Any, violations: list[Violation]) -> None:
        request_.target.CopyFrom(post_target(await forum.post(forum.user("alice"))))

        error = await forum.refused("CreateReport", request_, "INVALID_REQUEST", forum.user("bob"))

        assert error.violations == violations

    async def test_only_posts_and_replies_are_reported(self, forum: Any) -> None:
        request = report(Target(kind=TARGET_KIND_CATEGORY, id=1))

        error = await forum.refused("CreateReport", request, "INVALID_REQUEST", forum.user("bob"))

        assert error.violations == [Violation("target", "NOT_ALLOWED")]

    async def test_a_report_that_is_sent_again_with_its_key_counts_once(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        bob = forum.user("bob", idempotency_key="key-of-the-report")

        for _ in range(2):
            await forum.call("CreateReport", report(post_target(post_id)), bob)

        assert [case.report_count for case in await listed(forum)] == [1]


class TestHeld:
    """What a word filter holds."""

    async def test_a_held_post_and_a_held_reply_have_cases(self, forum: Any) -> None:
        await hold_word(forum)
        post_id = await forum.post(forum.user("alice"), title="pills")
        reply = await forum.reply(forum.user("alice"), await forum.post(forum.user("alice")), "Pills!")

        cases = await listed(forum)

        assert [(case.target, case.is_held, case.report_count, case.status) for case in cases] == [
            (post_target(post_id), True, 0, CONTENT_STATUS_HELD),
            (reply_target(reply.id), True, 0, CONTENT_STATUS_HELD),
        ]
        assert await forum.events(events_pb.CaseChanged) == [events_pb.CaseChanged(case_id=case.id) for case in cases]

    async def test_an_edit_that_is_held_joins_the_open_case(self, forum: Any) -> None:
        post_id, case_id = await reported_post(forum)
        await hold_word(forum)

        request = post_service_pb2.UpdatePostRequest(post_id=post_id, content="pills")
        await forum.call("UpdatePost", request, forum.user("alice"))

        [case] = await listed(forum)
        assert (case.id, case.is_held, case.report_count) == (case_id, True, 1)
        assert (case.status, case.content) == (CONTENT_STATUS_HELD, "pills")

    @pytest.mark.parametrize(
        ("resolution", "status"), [("dismiss", CONTENT_STATUS_LIVE), ("remove", CONTENT_STATUS_REMOVED)]
    )
    async def test_a_decision_lets_it_through_or_removes_it(self, forum: Any, resolution: str, status: Any) -> None:
        await hold_word(forum)
        await forum.post(forum.user("alice"), content="pills")
        post_id = await forum.post(forum.user("alice"))
        await forum.reply(forum.user("alice"), post_id, "pills")

        for case in await listed(forum):
            answer = await forum.call("ResolveCase", resolve(case.id, resolution, reason="why"), forum.moderator())
            assert (answer.case.state, answer.case.resolution) == (pb.CASE_STATE_RESOLVED, resolution)
            assert answer.case.status == status

        assert (await summary(forum, post_id)).reply_count == int(resolution == "dismiss")
        expected = "content.remove" if resolution == "remove" else "content.restore"
        assert [action for _, action, _ in await actions(forum)] == [expected, "case.resolve"] * 2

    async def test_a_held_reply_below_one_that_was_removed_cannot_be_let_through(self, forum: Any) -> None:
        await hold_word(forum)
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        top = await forum.reply(alice, post_id)
        await forum.reply(alice, post_id, "pills", parent=top.id)
        [case] = await listed(forum)
        await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=top.id), alice)

        await forum.refused("ResolveCase", resolve(case.id), "NOT_REMOVED", forum.moderator())
        assert await ids(forum) == [case.id]

        await forum.call("ResolveCase", resolve(case.id, "remove"), forum.moderator())
        assert await ids(forum) == []
