"""Cases, the audit log and word filters in answers."""

from typing import Any, Literal, cast

import msgspec

from gateway.schemas.forum import STATUSES, Author, Count, Status
from gateway.schemas.people import TARGET_KINDS, TargetKind
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import moderation_service_pb2, target_pb2

CaseState = Literal["open", "claimed", "resolved"]
Resolution = Literal["dismiss", "remove"]
FilterAction = Literal["hold", "reject"]

CASE_STATES: dict[str, "moderation_service_pb2.CaseState.ValueType"] = {
    "open": moderation_service_pb2.CASE_STATE_OPEN,
    "claimed": moderation_service_pb2.CASE_STATE_CLAIMED,
    "resolved": moderation_service_pb2.CASE_STATE_RESOLVED,
}
_STATES: dict[int, CaseState] = {number: cast("CaseState", name) for name, number in CASE_STATES.items()}


class Target(msgspec.Struct):
    """One object."""

    kind: TargetKind
    id: Id

    @classmethod
    def of(cls, target: target_pb2.Target) -> "Target":
        """Return what the service names."""
        return cls(TARGET_KINDS[target.kind], target.id)


class RepliesMerged(msgspec.Struct):
    """How many replies moved, those below the named ones included."""

    moved_count: Count


class Case(msgspec.Struct):
    """A post or a reply that moderators have to look at: held by a word filter (`is_held`), or reported.

    `content` is Markdown; `moderator` works on it or decided it; `resolution` is null before it is decided.
    """

    id: Id
    target: Target
    post_id: Id
    author: Author
    content: str
    status: Status
    is_held: bool
    report_count: Count
    state: CaseState
    moderator: Author | None
    resolution: Resolution | None
    created_time: Milliseconds
    updated_time: Milliseconds

    @classmethod
    def of(cls, case: moderation_service_pb2.Case) -> "Case":
        """Return what the service keeps."""
        return cls(*_case_values(case))


class Report(msgspec.Struct):
    """One report; `reason` is the reporter's choice, `note` their words."""

    reporter: Author
    reason: str
    note: str
    created_time: Milliseconds

    @classmethod
    def of(cls, report: moderation_service_pb2.Report) -> "Report":
        """Return what the service keeps."""
        return cls(Author.of(report.reporter), report.reason, report.note, to_milliseconds(report.created_time))


class WholeCase(Case):
    """A case with its reports, oldest first, at most 100."""

    reports: list[Report]

    @classmethod
    def whole(cls, response: moderation_service_pb2.GetCaseResponse) -> "WholeCase":
        """Return what the service keeps."""
        reports = [Report.of(report) for report in response.reports]
        return cls(*(*_case_values(response.case), reports))


class Cases(msgspec.Struct):
    """A page of cases, oldest first."""

    cases: list[Case]
    next_page_token: str


class AuditEntry(msgspec.Struct):
    """What a moderator did; `target` is null where it was done to none of the kinds, `detail` says why or what."""

    id: Id
    actor: Author
    action: str
    target: Target | None
    detail: str
    created_time: Milliseconds

    @classmethod
    def of(cls, entry: moderation_service_pb2.AuditEntry) -> "AuditEntry":
        """Return what the service keeps."""
        return cls(
            entry.id,
            Author.of(entry.actor),
            entry.action,
            Target.of(entry.target) if entry.target.kind else None,
            entry.detail,
            to_milliseconds(entry.created_time),
        )


class AuditEntries(msgspec.Struct):
    """A page of the audit log, newest first."""

    entries: list[AuditEntry]
    next_page_token: str


class WordFilter(msgspec.Struct):
    """A word or phrase that is looked for in titles and texts."""

    id: Id
    phrase: str
    action: FilterAction
    created_time: Milliseconds

    @classmethod
    def of(cls, word_filter: moderation_service_pb2.WordFilter) -> "WordFilter":
        """Return what the service keeps."""
        action = cast("FilterAction", word_filter.action)
        return cls(word_filter.id, word_filter.phrase, action, to_milliseconds(word_filter.created_time))


class WordFilters(msgspec.Struct):
    """All word filters."""

    word_filters: list[WordFilter]


def _case_values(case: moderation_service_pb2.Case) -> tuple[Any, ...]:
    return (
        case.id,
        Target.of(case.target),
        case.post_id,
        Author.of(case.author),
        case.content,
        STATUSES[case.status],
        case.is_held,
        case.report_count,
        _STATES[case.state],
        Author.of(case.moderator) if case.HasField("moderator") else None,
        case.resolution or None,
        to_milliseconds(case.created_time),
        to_milliseconds(case.updated_time),
    )
