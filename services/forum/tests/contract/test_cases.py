"""How moderators work on cases."""

from typing import Any

import pytest

from forum import case_lists
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE, CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, Target
from plaza_kit.errors import Violation


def post_target(post_id: int) -> Target:
    return Target(kind=TARGET_KIND_POST, id=post_id)


def report(target: Target, reason: str = "spam", **more: Any) -> pb.CreateReportRequest:
    return pb.CreateReportRequest(target=target, reason=reason, **more)


def resolve(case_id: int, resolution: str = "dismiss", **more: Any) -> pb.ResolveCaseRequest:
    return pb.ResolveCaseRequest(case_id=case_id, resolution=resolution, **more)


def claim(case_id: int) -> pb.ClaimCaseRequest:
    return pb.ClaimCaseRequest(case_id=case_id)


def release(case_id: int) -> pb.ReleaseCaseRequest:
    return pb.ReleaseCaseRequest(case_id=case_id)


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


class TestClaims:
    """One moderator at a time, for half an hour."""

    async def test_a_claim_is_seen_and_keeps_other_moderators_out(self, forum: Any) -> None:
        _, case_id = await reported_post(forum)

        claimed = (await forum.call("ClaimCase", claim(case_id), forum.moderator())).case

        assert (claimed.state, claimed.moderator.username) == (pb.CASE_STATE_CLAIMED, "mod")
        other = forum.moderator("max")
        await forum.refused("ClaimCase", claim(case_id), "CASE_CLAIMED", other)
        await forum.refused("ReleaseCase", release(case_id), "CASE_CLAIMED", other)
        await forum.refused("ResolveCase", resolve(case_id), "CASE_CLAIMED", other)
        await forum.refused("ClaimCase", claim(case_id), "CASE_CLAIMED", forum.admin())
        assert await listed(forum) == [claimed]

    async def test_a_claim_ends_after_half_an_hour(self, forum: Any) -> None:
        _, case_id = await reported_post(forum)
        await forum.call("ClaimCase", claim(case_id), forum.moderator())

        forum.clock.forward(minutes=29)
        assert await ids(forum, pb.CASE_STATE_CLAIMED) == [case_id]
        assert await ids(forum, pb.CASE_STATE_OPEN) == []

        forum.clock.forward(minutes=1)
        [case] = await listed(forum, pb.CASE_STATE_OPEN)
        assert (case.state, case.HasField("moderator")) == (pb.CASE_STATE_OPEN, False)
        assert await ids(forum, pb.CASE_STATE_CLAIMED) == []
        assert await ids(forum) == [case_id]
        await forum.call("ReleaseCase", release(case_id), forum.moderator("max"))
        taken = await forum.call("ClaimCase", claim(case_id), forum.moderator("max"))
        assert taken.case.moderator.username == "max"
        await forum.refused("ClaimCase", claim(case_id), "CASE_CLAIMED", forum.moderator())
        assert [(actor, action) for actor, action, _ in await actions(forum)] == [
            ("mod", "case.claim"),
            ("max", "case.claim"),
        ]

    async def test_claiming_again_prolongs_the_claim_and_is_not_recorded(self, forum: Any) -> None:
        _, case_id = await reported_post(forum)

        for _ in range(2):
            await forum.call("ClaimCase", claim(case_id), forum.moderator())
            forum.clock.forward(minutes=20)

        assert await ids(forum, pb.CASE_STATE_CLAIMED) == [case_id]
        assert await actions(forum) == [("mod", "case.claim", f"case {case_id}")]
        assert len(await forum.events(events_pb.CaseChanged)) == 2

    async def test_a_case_that_is_given_back_is_free(self, forum: Any) -> None:
        _, case_id = await reported_post(forum)
        await forum.call("ClaimCase", claim(case_id), forum.moderator())

        for _ in range(2):
            case = (await forum.call("ReleaseCase", release(case_id), forum.moderator())).case
            assert (case.state, case.HasField("moderator")) == (pb.CASE_STATE_OPEN, False)

        await forum.call("ClaimCase", claim(case_id), forum.moderator("max"))
        assert [(actor, action) for actor, action, _ in await actions(forum)] == [
            ("mod", "case.claim"),
            ("mod", "case.release"),
            ("max", "case.claim"),
        ]
        assert len(await forum.events(events_pb.CaseChanged)) == 4

    async def test_a_decided_case_stays_decided(self, forum: Any) -> None:
        _, case_id = await reported_post(forum)
        await forum.call("ClaimCase", claim(case_id), forum.moderator())
        decided = (await forum.call("ResolveCase", resolve(case_id), forum.moderator())).case

        assert (decided.state, decided.resolution) == (pb.CASE_STATE_RESOLVED, "dismiss")
        assert decided.moderator.username == "mod"
        await forum.refused("ClaimCase", claim(case_id), "CASE_RESOLVED", forum.moderator())
        await forum.refused("ReleaseCase", release(case_id), "CASE_RESOLVED", forum.moderator())
        await forum.refused("ResolveCase", resolve(case_id, "remove"), "CASE_RESOLVED", forum.moderator())
        assert await listed(forum, pb.CASE_STATE_RESOLVED) == [decided]
        assert await ids(forum) == []

    async def test_an_unknown_case_is_not_found(self, forum: Any) -> None:
        await forum.refused("GetCase", pb.GetCaseRequest(case_id=7), "CASE_NOT_FOUND", forum.moderator())
        await forum.refused("ClaimCase", claim(7), "CASE_NOT_FOUND", forum.moderator())
        await forum.refused("ReleaseCase", release(7), "CASE_NOT_FOUND", forum.moderator())
        request = pb.ResolveCaseRequest(case_id=7)
        await forum.refused("ResolveCase", request, "CASE_NOT_FOUND", forum.moderator())


class TestDecisions:
    """How cases end."""

    async def test_removal_takes_the_content_out_of_sight_and_says_why(self, forum: Any) -> None:
        post_id, case_id = await reported_post(forum)

        request = resolve(case_id, "remove", reason="Advertising")
        case = (await forum.call("ResolveCase", request, forum.moderator())).case

        assert (case.status, case.resolution) == (CONTENT_STATUS_REMOVED, "remove")
        assert (await summary(forum, post_id)).status == CONTENT_STATUS_REMOVED
        assert await actions(forum) == [
            ("mod", "content.remove", "Advertising"),
            ("mod", "case.resolve", f"case {case_id} remove"),
        ]
        [gone] = await forum.events(events_pb.PostDeleted)
        assert (gone.post_id, gone.status) == (post_id, CONTENT_STATUS_REMOVED)
        assert len(await forum.events(events_pb.CaseChanged)) == 2

    async def test_dismissal_leaves_the_content(self, forum: Any) -> None:
        post_id, case_id = await reported_post(forum)

        await forum.call("ResolveCase", resolve(case_id), forum.moderator())

        assert (await summary(forum, post_id)).status == CONTENT_STATUS_LIVE
        assert await actions(forum) == [("mod", "case.resolve", f"case {case_id} dismiss")]

    async def test_dismissal_does_not_bring_back_what_its_author_deleted(self, forum: Any) -> None:
        post_id, case_id = await reported_post(forum)
        deletion = post_service_pb2.DeletePostRequest(post_id=post_id)
        await forum.call("DeletePost", deletion, forum.user("alice"))

        await forum.call("ResolveCase", resolve(case_id), forum.moderator())

        request = post_service_pb2.GetPostRequest(post_id=post_id)
        await forum.refused("GetPost", request, "POST_NOT_FOUND", forum.user("alice"))

    @pytest.mark.parametrize(
        ("fields", "violations"),
        [
            ({}, [Violation("resolution", "REQUIRED")]),
            (
                {"resolution": "ban", "reason": "x" * 501},
                [Violation("resolution", "NOT_ALLOWED"), Violation("reason", "TOO_LONG", 500)],
            ),
        ],
    )
    async def test_a_broken_decision_is_refused(self, forum: Any, fields: Any, violations: list[Violation]) -> None:
        _, case_id = await reported_post(forum)
        request = pb.ResolveCaseRequest(case_id=case_id, **fields)

        error = await forum.refused("ResolveCase", request, "INVALID_REQUEST", forum.moderator())

        assert error.violations == violations


class TestLists:
    """The queue."""

    async def test_pages_follow_one_another_in_the_order_of_coming_up(self, forum: Any) -> None:
        cases = [(await reported_post(forum))[1] for _ in range(5)]
        await forum.call("ClaimCase", claim(cases[1]), forum.moderator())
        await forum.call("ResolveCase", resolve(cases[2]), forum.moderator())
        cases.remove(cases[2])

        found, token = [], ""
        for _ in range(3):
            request = pb.ListCasesRequest(page_size=2, page_token=token)
            page = await forum.call("ListCases", request, forum.moderator())
            found.append([case.id for case in page.cases])
            token = page.next_page_token
            if not token:
                break

        assert found == [cases[:2], cases[2:]]

    async def test_a_state_is_a_filter(self, forum: Any) -> None:
        cases = [(await reported_post(forum))[1] for _ in range(3)]
        await forum.call("ClaimCase", claim(cases[1]), forum.moderator())
        await forum.call("ResolveCase", resolve(cases[2]), forum.moderator())

        assert await ids(forum, pb.CASE_STATE_OPEN) == [cases[0]]
        assert await ids(forum, pb.CASE_STATE_CLAIMED) == [cases[1]]
        assert await ids(forum, pb.CASE_STATE_RESOLVED) == [cases[2]]
        assert await ids(forum) == cases[:2]

    async def test_a_token_is_good_for_its_list_only(self, forum: Any) -> None:
        for _ in range(2):
            await reported_post(forum)
        first = await forum.call("ListCases", pb.ListCasesRequest(page_size=1), forum.moderator())

        of_others = pb.ListCasesRequest(page_token=first.next_page_token, state=pb.CASE_STATE_OPEN)
        for request in (of_others, pb.ListCasesRequest(page_token="nonsense")):
            await forum.refused("ListCases", request, "PAGE_TOKEN_INVALID", forum.moderator())

    async def test_broken_requests_are_refused(self, forum: Any) -> None:
        request = pb.ListCasesRequest(page_size=-1)
        error = await forum.refused("ListCases", request, "INVALID_REQUEST", forum.moderator())
        assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]

        unknown: Any = 9
        request = pb.ListCasesRequest(state=unknown)
        error = await forum.refused("ListCases", request, "INVALID_REQUEST", forum.moderator())
        assert error.violations == [Violation("state", "NOT_ALLOWED")]

    async def test_a_page_ends_before_its_texts_are_too_much(self, forum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        cases = [(await reported_post(forum, content="x" * size))[1] for size in (100, 100, 100, 300)]
        monkeypatch.setattr(case_lists, "PAGE_BYTES", 250)

        found, token = [], ""
        while True:
            page = await forum.call("ListCases", pb.ListCasesRequest(page_token=token), forum.moderator())
            found.append([case.id for case in page.cases])
            token = page.next_page_token
            if not token:
                break

        assert found == [cases[:2], cases[2:3], cases[3:]]

    async def test_cases_in_categories_that_are_closed_to_moderators_do_not_exist_for_them(self, forum: Any) -> None:
        secret_id = await forum.category(read_role="admin")
        post_id = await forum.post(forum.admin(), category_id=secret_id)
        await forum.call("CreateReport", report(post_target(post_id)), forum.admin("other"))
        _, open_id = await reported_post(forum)
        [secret_case_id, _] = await ids(forum, caller=forum.admin())

        for state in (pb.CASE_STATE_UNSPECIFIED, pb.CASE_STATE_OPEN):
            assert await ids(forum, state) == [open_id]
        for method, request in (
            ("GetCase", pb.GetCaseRequest(case_id=secret_case_id)),
            ("ClaimCase", claim(secret_case_id)),
            ("ReleaseCase", release(secret_case_id)),
            ("ResolveCase", resolve(secret_case_id)),
        ):
            await forum.refused(method, request, "CASE_NOT_FOUND", forum.moderator())
        await forum.call("ResolveCase", resolve(secret_case_id), forum.admin())

    async def test_a_case_shows_its_hundred_oldest_reports(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        for number in range(101):
            await forum.call("CreateReport", report(post_target(post_id)), forum.user(f"user{number}"))
        [case] = await listed(forum)

        response = await forum.call("GetCase", pb.GetCaseRequest(case_id=case.id), forum.moderator())

        assert case.report_count == 101
        assert [found.reporter.username for found in response.reports] == [f"user{number}" for number in range(100)]
