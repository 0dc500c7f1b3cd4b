"""ModerationService: keeping order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit_log import AuditLog
from forum.case_lists import CaseLists
from forum.case_work import CaseWork
from forum.merging import Merging
from forum.moderation import ContentModeration, PostModeration
from forum.reports import Reports
from forum.servicers.writes import Writes
from forum.word_filter_changes import WordFilterChanges
from forum.word_filters import WordFilters
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import moderation_service_pb2_grpc
from plaza_kit.caller import Caller, current_caller
from plaza_kit.db import Database

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True)
class ModerationParts:
    """The use cases behind the servicer."""

    posts: PostModeration
    contents: ContentModeration
    merging: Merging
    reports: Reports
    case_lists: CaseLists
    case_work: CaseWork
    audit_log: AuditLog
    word_filters: WordFilters
    word_filter_changes: WordFilterChanges


class ModerationServicer(moderation_service_pb2_grpc.ModerationServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, parts: ModerationParts) -> None:
        self._database = database
        self._writes = writes
        self._parts = parts

    async def PinPost(self, request: pb.PinPostRequest, context: Any) -> pb.PinPostResponse:
        """Pin a post."""
        return await self._write("PinPost", request, pb.PinPostResponse, self._parts.posts.pin)

    async def UnpinPost(self, request: pb.UnpinPostRequest, context: Any) -> pb.UnpinPostResponse:
        """Take a pin out."""
        return await self._write("UnpinPost", request, pb.UnpinPostResponse, self._parts.posts.unpin)

    async def LockPost(self, request: pb.LockPostRequest, context: Any) -> pb.LockPostResponse:
        """Lock a post."""
        return await self._write("LockPost", request, pb.LockPostResponse, self._parts.posts.lock)

    async def UnlockPost(self, request: pb.UnlockPostRequest, context: Any) -> pb.UnlockPostResponse:
        """Unlock a post."""
        return await self._write("UnlockPost", request, pb.UnlockPostResponse, self._parts.posts.unlock)

    async def FeaturePost(self, request: pb.FeaturePostRequest, context: Any) -> pb.FeaturePostResponse:
        """Recommend a post."""
        return await self._write("FeaturePost", request, pb.FeaturePostResponse, self._parts.posts.feature)

    async def UnfeaturePost(self, request: pb.UnfeaturePostRequest, context: Any) -> pb.UnfeaturePostResponse:
        """Take a recommendation back."""
        return await self._write("UnfeaturePost", request, pb.UnfeaturePostResponse, self._parts.posts.unfeature)

    async def MovePost(self, request: pb.MovePostRequest, context: Any) -> pb.MovePostResponse:
        """Move a post into another category."""
        return await self._write("MovePost", request, pb.MovePostResponse, self._parts.posts.move)

    async def MergeReplies(self, request: pb.MergeRepliesRequest, context: Any) -> pb.MergeRepliesResponse:
        """Move replies into another post."""
        return await self._write("MergeReplies", request, pb.MergeRepliesResponse, self._parts.merging.merge)

    async def RemoveContent(self, request: pb.RemoveContentRequest, context: Any) -> pb.RemoveContentResponse:
        """Remove a post or replies."""
        return await self._write("RemoveContent", request, pb.RemoveContentResponse, self._parts.contents.remove)

    async def RestoreContent(self, request: pb.RestoreContentRequest, context: Any) -> pb.RestoreContentResponse:
        """Bring a post or replies back."""
        return await self._write("RestoreContent", request, pb.RestoreContentResponse, self._parts.contents.restore)

    async def CreateReport(self, request: pb.CreateReportRequest, context: Any) -> pb.CreateReportResponse:
        """Report a post or a reply."""
        return await self._write("CreateReport", request, pb.CreateReportResponse, self._parts.reports.create)

    async def ListCases(self, request: pb.ListCasesRequest, context: Any) -> pb.ListCasesResponse:
        """Return cases, page by page."""
        async with self._database.read() as connection:
            return await self._parts.case_lists.list_page(connection, current_caller(), request)

    async def GetCase(self, request: pb.GetCaseRequest, context: Any) -> pb.GetCaseResponse:
        """Return one case."""
        async with self._database.read() as connection:
            return await self._parts.case_lists.get(connection, current_caller(), request)

    async def ClaimCase(self, request: pb.ClaimCaseRequest, context: Any) -> pb.ClaimCaseResponse:
        """Take a case."""
        return await self._write("ClaimCase", request, pb.ClaimCaseResponse, self._parts.case_work.claim)

    async def ReleaseCase(self, request: pb.ReleaseCaseRequest, context: Any) -> pb.ReleaseCaseResponse:
        """Give a case back."""
        return await self._write("ReleaseCase", request, pb.ReleaseCaseResponse, self._parts.case_work.release)

    async def ResolveCase(self, request: pb.ResolveCaseRequest, context: Any) -> pb.ResolveCaseResponse:
        """Decide a case."""
        return await self._write("ResolveCase", request, pb.ResolveCaseResponse, self._parts.case_work.resolve)

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: Any) -> pb.ListAuditEntriesResponse:
        """Return the audit log, page by page."""
        async with self._database.read() as connection:
            return await self._parts.audit_log.list_page(connection, request)

    async def ListWordFilters(self, request: pb.ListWordFiltersRequest, context: Any) -> pb.ListWordFiltersResponse:
        """Return all word filters."""
        async with self._database.read() as connection:
            return await self._parts.word_filter_changes.list_all(connection)

    async def CreateWordFilter(self, request: pb.CreateWordFilterRequest, context: Any) -> pb.CreateWordFilterResponse:
        """Add a word filter."""
        response = await self._write(
            "CreateWordFilter", request, pb.CreateWordFilterResponse, self._parts.word_filter_changes.create
        )
        self._parts.word_filters.drop()
        return response

    async def DeleteWordFilter(self, request: pb.DeleteWordFilterRequest, context: Any) -> pb.DeleteWordFilterResponse:
        """Drop a word filter."""
        response = await self._write(
            "DeleteWordFilter", request, pb.DeleteWordFilterResponse, self._parts.word_filter_changes.delete
        )
        self._parts.word_filters.drop()
        return response

    async def _write(
        self,
        method: str,
        request: RequestT,
        response_type: type[ResponseT],
        use: Callable[[AsyncConnection, Caller, RequestT], Awaitable[ResponseT]],
    ) -> ResponseT:
        caller = current_caller()

        async def work(connection: AsyncConnection) -> ResponseT:
            return await use(connection, caller, request)

        return await self._writes.run(method, request, response_type, work)
