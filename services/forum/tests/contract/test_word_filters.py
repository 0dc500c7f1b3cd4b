"""Word filters: made by admins, read by moderators, in force everywhere within two seconds."""

from typing import Any

import pytest

from forum import word_filter_changes
from forum.main import Service
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import Violation
from plaza_kit.testing.polling import eventually


def create(phrase: str, action: str = "hold") -> pb.CreateWordFilterRequest:
    return pb.CreateWordFilterRequest(phrase=phrase, action=action)


async def phrases(forum: Any) -> list[tuple[str, str]]:
    response = await forum.call("ListWordFilters", pb.ListWordFiltersRequest(), forum.moderator())
    return [(found.phrase, found.action) for found in response.word_filters]


async def audited(forum: Any) -> list[tuple[str, str, str]]:
    response = await forum.call("ListAuditEntries", pb.ListAuditEntriesRequest(), forum.moderator())
    return [(entry.actor.username, entry.action, entry.detail) for entry in response.entries]


async def test_filters_are_listed_in_the_order_of_their_making(forum: Any) -> None:
    first = (await forum.call("CreateWordFilter", create("Cheap  Pills"), forum.admin())).word_filter
    second = (await forum.call("CreateWordFilter", create("\u8fdd\u7981", "reject"), forum.admin())).word_filter

    assert 0 < first.id < second.id
    assert first.created_time.ToDatetime() < second.created_time.ToDatetime()
    assert await phrases(forum) == [("Cheap  Pills", "hold"), ("\u8fdd\u7981", "reject")]
    listed = (await forum.call("ListWordFilters", pb.ListWordFiltersRequest(), forum.moderator())).word_filters
    assert list(listed) == [first, second]


async def test_adding_and_dropping_are_in_the_audit_log(forum: Any) -> None:
    made = (await forum.call("CreateWordFilter", create("spam", "reject"), forum.admin())).word_filter
    await forum.call("DeleteWordFilter", pb.DeleteWordFilterRequest(word_filter_id=made.id), forum.admin())

    assert await phrases(forum) == []
    assert await audited(forum) == [
        ("root", "word_filter.delete", "reject: spam"),
        ("root", "word_filter.create", "reject: spam"),
    ]


async def test_a_dropped_filter_can_be_added_again(forum: Any) -> None:
    made = (await forum.call("CreateWordFilter", create("spam"), forum.admin())).word_filter
    await forum.call("DeleteWordFilter", pb.DeleteWordFilterRequest(word_filter_id=made.id), forum.admin())

    again = (await forum.call("CreateWordFilter", create("spam"), forum.admin())).word_filter

    assert again.id > made.id


async def test_an_unknown_filter_is_not_found(forum: Any) -> None:
    request = pb.DeleteWordFilterRequest(word_filter_id=7)

    await forum.refused("DeleteWordFilter", request, "WORD_FILTER_NOT_FOUND", forum.admin())


@pytest.mark.parametrize("same", ["cheap pills", "CHEAP  PILLS", " cheap pills ", "che\u200bap pills"])
async def test_a_phrase_has_one_filter_however_it_is_spelled(forum: Any, same: str) -> None:
    await forum.call("CreateWordFilter", create("cheap pills"), forum.admin())

    await forum.refused("CreateWordFilter", create(same, "reject"), "WORD_FILTER_EXISTS", forum.admin())

    assert await phrases(forum) == [("cheap pills", "hold")]


@pytest.mark.parametrize(
    ("request_", "violations"),
    [
        (
            pb.CreateWordFilterRequest(),
            [Violation("phrase", "REQUIRED"), Violation("action", "REQUIRED")],
        ),
        (create("", "drop"), [Violation("phrase", "BLANK", 1), Violation("action", "NOT_ALLOWED")]),
        (create("x" * 101), [Violation("phrase", "TOO_LONG", 100)]),
        (create(" \u200b "), [Violation("phrase", "BLANK")]),
        (create("\ufdfa" * 100), [Violation("phrase", "TOO_LONG")]),
        (
            pb.CreateWordFilterRequest(
                action="hold", violations=[FieldViolation(field="phrase", code="WRONG_TYPE", limit=0)]
            ),
            [Violation("phrase", "WRONG_TYPE")],
        ),
    ],
)
async def test_a_broken_filter_is_refused(forum: Any, request_: Any, violations: list[Violation]) -> None:
    error = await forum.refused("CreateWordFilter", request_, "INVALID_REQUEST", forum.admin())

    assert error.violations == violations
    assert await phrases(forum) == []


async def test_there_are_only_so_many(forum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_filter_changes, "FILTERS_MAX", 2)
    for phrase in ("one", "two"):
        await forum.call("CreateWordFilter", create(phrase), forum.admin())

    error = await forum.refused("CreateWordFilter", create("three"), "LIMIT_REACHED", forum.admin())

    assert error.metadata == {"limit": "2"}
    assert await phrases(forum) == [("one", "hold"), ("two", "hold")]


async def test_a_filter_counts_at_once_here_and_within_two_seconds_elsewhere(forum: Any, make_settings: Any) -> None:
    replica = Service(make_settings(), clock=forum.clock)
    try:
        assert await replica.word_filters.judge("spam") == "pass"

        made = (await forum.call("CreateWordFilter", create("spam"), forum.admin())).word_filter
        assert await forum.service.word_filters.judge("spam") == "hold"

        async def is_held() -> bool:
            return await replica.word_filters.judge("spam") == "hold"

        assert await eventually(is_held, timeout=2.0)
        await forum.call("DeleteWordFilter", pb.DeleteWordFilterRequest(word_filter_id=made.id), forum.admin())
        assert await forum.service.word_filters.judge("spam") == "pass"
    finally:
        await replica.close()
