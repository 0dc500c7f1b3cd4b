"""Reports of users: each opens a case about a post or a reply, or joins the one that is open."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.cases import Cases
from forum.errors import AlreadyReported, OwnContent
from forum.foundation import Foundation
from forum.targets import Targets
from forum.writers import Writers
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken


class Reports:
    """Takes reports."""

    def __init__(self, foundation: Foundation, *, targets: Targets, cases: Cases, writers: Writers) -> None:
        self._reports = foundation.repositories.reports
        self._rows = foundation.repositories.cases
        self._clock = foundation.clock
        self._targets = targets
        self._cases = cases
        self._writers = writers

    async def create(
        self, connection: AsyncConnection, caller: Caller, request: pb.CreateReportRequest
    ) -> pb.CreateReportResponse:
        """Report a post or a reply.

        Raises:
            PostNotFound: (POST_NOT_FOUND.)
            ReplyNotFound: (REPLY_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            OwnContent: The caller wrote it (OWN_CONTENT).
            InvalidArgument: A field is broken, or the target is neither (INVALID_REQUEST).
            AlreadyReported: The caller has, in the same case (ALREADY_REPORTED).
        """
        target = await self._targets.lock(connection, caller, request.target)
        await self._writers.require(connection, caller)
        if target.author_id == caller.user_id:
            raise OwnContent
        refuse_broken(request)
        case = await self._cases.open(connection, target=target.key, post_id=target.post.id)
        now = self._clock()
        report = {
            "case_id": case.id,
            "reporter_id": caller.user_id,
            "reason": request.reason,
            "note": request.note,
            "created_time": now,
        }
        if not await self._reports.insert(connection, report):
            raise AlreadyReported
        await self._rows.update(connection, case.id, {"report_count": case.report_count + 1, "updated_time": now})
        await self._cases.announce(connection, case.id)
        return pb.CreateReportResponse()
