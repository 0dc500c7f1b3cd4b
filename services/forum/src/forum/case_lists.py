"""Cases as moderators see them. A case about what they may not read does not exist for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.errors import CaseNotFound
from forum.foundation import Foundation
from forum.paging import page_size
from forum.ranks import rank_of
from forum.repository.cases import CaseFilter, CaseRow
from forum.repository.reports import ReportRow
from forum.times import timestamp
from forum.writers import Writers, author_of
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.post_pb2 import ContentStatus
from plaza.forum.v1.target_pb2 import Target, TargetKind
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
PAGE_BYTES = 2 * 1024 * 1024
"""Text in one page: it ends before the case that would be too much, unless that is its first. A message holds 4 MiB."""


class CaseLists:
    """Reads cases."""

    def __init__(self, foundation: Foundation, *, directory: CategoryDirectory, writers: Writers) -> None:
        self._cases = foundation.repositories.cases
        self._posts = foundation.repositories.posts
        self._reports = foundation.repositories.reports
        self._page_tokens = foundation.page_tokens
        self._clock = foundation.clock
        self._directory = directory
        self._writers = writers

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListCasesRequest
    ) -> pb.ListCasesResponse:
        """Return cases, oldest first.

        Raises:
            InvalidArgument: A negative page size, or no such state (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        if request.state not in pb.CaseState.values():
            refuse([Violation("state", "NOT_ALLOWED")])
        list_name = f"cases:{request.state}"
        hidden = (await self._directory.current()).unreadable_ids(rank_of(caller))
        wanted = CaseFilter(request.state, self._clock(), hidden)
        after_id = self._after_id(list_name, request.page_token)
        found = await self._cases.list_after(connection, wanted, after_id=after_id, limit=limit + 1)
        shown = _cut(await self._messages(connection, found[:limit]))
        response = pb.ListCasesResponse(cases=shown)
        if len(found) > len(shown):
            response.next_page_token = self._page_tokens.encode(list_name, shown[-1].id)
        return response

    async def get(self, connection: AsyncConnection, caller: Caller, request: pb.GetCaseRequest) -> pb.GetCaseResponse:
        """Return one case with its reports.

        Raises:
            CaseNotFound: (CASE_NOT_FOUND.)
        """
        case = await self.require(connection, caller, request.case_id)
        reports = await self._reports.list_of_case(connection, case.id)
        return pb.GetCaseResponse(
            case=await self.message(connection, case), reports=[_report(report) for report in reports]
        )

    async def require(self, connection: AsyncConnection, caller: Caller, case_id: int) -> CaseRow:
        """Return a case that exists for the caller; errors as `get`."""
        case = await self._cases.find(connection, case_id)
        post = None if case is None else await self._posts.find(connection, case.post_id)
        categories = await self._directory.current()
        if case is None or post is None or not categories.may_read(post.category_id, rank_of(caller)):
            raise CaseNotFound
        return case

    async def message(self, connection: AsyncConnection, case: CaseRow) -> pb.Case:
        """Return a case with what it is about, as it is now."""
        return (await self._messages(connection, [case]))[0]

    async def _messages(self, connection: AsyncConnection, cases: Sequence[CaseRow]) -> list[pb.Case]:
        contents = await self._cases.find_contents(connection, [(case.target_kind, case.target_id) for case in cases])
        user_ids = {content.author_id for content in contents.values()}
        user_ids |= {case.moderator_id for case in cases if case.moderator_id is not None}
        authors = await self._writers.authors(connection, user_ids)
        now = self._clock()
        messages = []
        for case in cases:
            content = contents[case.target_kind, case.target_id]
            state = state_at(case, now)
            message = pb.Case(
                id=case.id,
                target=Target(kind=TargetKind.ValueType(case.target_kind), id=case.target_id),
                post_id=case.post_id,
                author=authors[content.author_id],
                content=content.content,
                status=ContentStatus.ValueType(content.status),
                is_held=case.is_held,
                report_count=case.report_count,
                state=state,
                resolution=case.resolution,
                created_time=timestamp(case.created_time),
                updated_time=timestamp(case.updated_time),
            )
            if case.moderator_id is not None and state != pb.CASE_STATE_OPEN:
                message.moderator.CopyFrom(authors[case.moderator_id])
            messages.append(message)
        return messages

    def _after_id(self, list_name: str, token: str) -> int:
        if not token:
            return 0
        position = self._page_tokens.decode(list_name, token)
        if len(position) != 1 or not isinstance(position[0], int):
            raise PageTokenInvalid
        return position[0]


def state_at(case: CaseRow, now: datetime) -> "pb.CaseState.ValueType":
    """Return where a case stands: a claim that has ended counts for nothing."""
    if case.state == pb.CASE_STATE_CLAIMED and (case.claimed_until_time is None or case.claimed_until_time <= now):
        return pb.CASE_STATE_OPEN
    return pb.CaseState.ValueType(case.state)


def _cut(cases: list[pb.Case]) -> list[pb.Case]:
    """Return the first cases, at least one, whose texts together are not too much."""
    size = 0
    for index, case in enumerate(cases):
        size += len(case.content.encode())
        if index and size > PAGE_BYTES:
            return cases[:index]
    return cases


def _report(row: ReportRow) -> pb.Report:
    return pb.Report(
        reporter=author_of(row.reporter), reason=row.reason, note=row.note, created_time=timestamp(row.created_time)
    )
