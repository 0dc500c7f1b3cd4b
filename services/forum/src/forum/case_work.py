"""Working on cases: one moderator at a time, for half an hour."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.case_lists import CaseLists, state_at
from forum.cases import Cases
from forum.errors import CaseClaimed, CaseNotFound, CaseResolved
from forum.foundation import Foundation
from forum.moderation import ContentModeration
from forum.repository.cases import CaseRow
from forum.writers import Writers
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD
from plaza.forum.v1.target_pb2 import Target, TargetKind
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken

CLAIM_TIME = timedelta(minutes=30)
"""How long a claim counts (contract)."""


class CaseWork:
    """Claims, gives back and decides cases."""

    def __init__(
        self,
        foundation: Foundation,
        lists: CaseLists,
        cases: Cases,
        *,
        contents: ContentModeration,
        writers: Writers,
    ) -> None:
        self._rows = foundation.repositories.cases
        self._clock = foundation.clock
        self._lists = lists
        self._cases = cases
        self._contents = contents
        self._writers = writers

    async def claim(
        self, connection: AsyncConnection, caller: Caller, request: pb.ClaimCaseRequest
    ) -> pb.ClaimCaseResponse:
        """Take a case for half an hour from now; claiming it again prolongs that.

        Raises:
            CaseNotFound: (CASE_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            CaseResolved: (CASE_RESOLVED.)
            CaseClaimed: By another moderator (CASE_CLAIMED).
        """
        case = await self._lock_free(connection, caller, request.case_id)
        now = self._clock()
        values = {
            "state": pb.CASE_STATE_CLAIMED,
            "moderator_id": caller.user_id,
            "claimed_until_time": now + CLAIM_TIME,
        }
        if state_at(case, now) == pb.CASE_STATE_CLAIMED:
            await self._rows.update(connection, case.id, values)
        else:
            await self._cases.change(connection, case, values, moderator_id=caller.user_id, action="case.claim")
        return pb.ClaimCaseResponse(case=await self._message(connection, case.id))

    async def release(
        self, connection: AsyncConnection, caller: Caller, request: pb.ReleaseCaseRequest
    ) -> pb.ReleaseCaseResponse:
        """Give a case back; nothing changes for one that nobody has. Errors as `claim`."""
        case = await self._lock_free(connection, caller, request.case_id)
        if state_at(case, self._clock()) == pb.CASE_STATE_CLAIMED:
            values = {"state": pb.CASE_STATE_OPEN, "moderator_id": None, "claimed_until_time": None}
            await self._cases.change(connection, case, values, moderator_id=caller.user_id, action="case.release")
        return pb.ReleaseCaseResponse(case=await self._message(connection, case.id))

    async def resolve(
        self, connection: AsyncConnection, caller: Caller, request: pb.ResolveCaseRequest
    ) -> pb.ResolveCaseResponse:
        """Decide a case, claimed by the caller or by nobody.

        Raises:
            CaseNotFound: (CASE_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
            InvalidArgument: A field is broken (INVALID_REQUEST).
            CaseResolved: (CASE_RESOLVED.)
            CaseClaimed: By another moderator (CASE_CLAIMED).
            NotRemoved: A held reply cannot be let through as long as one above it is out of sight (NOT_REMOVED).
            Aborted: The reply has just been moved to another post (ABORTED).
        """
        known = await self._lists.require(connection, caller, request.case_id)
        key = Target(kind=TargetKind.ValueType(known.target_kind), id=known.target_id)
        target = await self._contents.lock(connection, caller, key)  # posts come before cases
        refuse_broken(request)
        case = await self._lock_free(connection, caller, request.case_id)
        if request.resolution == "remove":
            await self._contents.take_out(connection, caller, target, reason=request.reason)
        elif target.status == CONTENT_STATUS_HELD:
            await self._contents.bring_back(connection, caller, target)
        await self._cases.resolve(connection, case, moderator_id=caller.user_id, resolution=request.resolution)
        return pb.ResolveCaseResponse(case=await self._message(connection, case.id))

    async def _lock_free(self, connection: AsyncConnection, caller: Caller, case_id: int) -> CaseRow:
        """Return a case that the caller may work on, locked."""
        await self._lists.require(connection, caller, case_id)
        await self._writers.require(connection, caller)
        case = await self._rows.lock(connection, case_id)
        if case is None:
            raise CaseNotFound
        state = state_at(case, self._clock())
        if state == pb.CASE_STATE_RESOLVED:
            raise CaseResolved
        if state == pb.CASE_STATE_CLAIMED and case.moderator_id != caller.user_id:
            raise CaseClaimed
        return case

    async def _message(self, connection: AsyncConnection, case_id: int) -> pb.Case:
        case = await self._rows.find(connection, case_id)
        if case is None:
            raise CaseNotFound
        return await self._lists.message(connection, case)
