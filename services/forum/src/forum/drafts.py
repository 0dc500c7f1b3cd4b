"""Drafts: texts that are not sent yet, at most 100 for each user, and nobody else's business."""

from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import DraftNotFound, LimitReached, VersionMismatch
from forum.foundation import Foundation
from forum.paging import from_micros, page_size, to_micros
from forum.repository.drafts import DraftPosition, DraftRow
from forum.times import timestamp
from forum.writers import Writers
from plaza.forum.v1 import draft_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.field_values import in_order, refuse
from plaza_kit.fields import check, violations_of
from plaza_kit.page_token import PageTokenInvalid

DRAFTS_MAX = 100
"""Drafts of one user."""

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100

PAGE_BYTES_MAX = 2 * 1024 * 1024
"""What a page may hold, one draft in any case: well below the 4 MiB of a message."""

_LIST = "drafts"


class Drafts:
    """Keeps drafts."""

    def __init__(self, foundation: Foundation, writers: Writers) -> None:
        self._drafts = foundation.repositories.drafts
        self._users = foundation.repositories.users
        self._clock = foundation.clock
        self._page_tokens = foundation.page_tokens
        self._writers = writers

    async def create(self, connection: AsyncConnection, caller: Caller, request: pb.CreateDraftRequest) -> pb.Draft:
        """Keep a new draft.

        Raises:
            UserBanned: (USER_BANNED.)
            InvalidArgument: A field is broken (INVALID_REQUEST).
            LimitReached: There are 100 (LIMIT_REACHED).
        """
        await self._writers.require(connection, caller)
        _refuse_broken(request)
        # The lock makes two requests that would each add the hundredth one wait for each other.
        await self._users.lock(connection, caller.user_id)
        if await self._drafts.count(connection, caller.user_id) >= DRAFTS_MAX:
            raise LimitReached(DRAFTS_MAX)
        now = self._clock()
        draft_id = await self._drafts.insert(connection, caller.user_id, _json(request.fields), now=now)
        return _draft(DraftRow(draft_id, _json(request.fields), 1, now, now))

    async def update(self, connection: AsyncConnection, caller: Caller, request: pb.UpdateDraftRequest) -> pb.Draft:
        """Replace a draft.

        Raises:
            DraftNotFound: The caller has no such draft (DRAFT_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            InvalidArgument: A field is broken (INVALID_REQUEST).
            VersionMismatch: It was changed meanwhile (VERSION_MISMATCH).
        """
        row = await self._drafts.lock(connection, caller.user_id, request.draft_id)
        if row is None:
            raise DraftNotFound
        await self._writers.require(connection, caller)
        _refuse_broken(request)
        if request.expected_version not in (0, row.version):
            raise VersionMismatch(metadata={"version": str(row.version)})
        changed = row._replace(fields=_json(request.fields), version=row.version + 1, updated_time=self._clock())
        await self._drafts.update(connection, changed)
        return _draft(changed)

    async def get(self, connection: AsyncConnection, caller: Caller, draft_id: int) -> pb.Draft:
        """Return a draft.

        Raises:
            DraftNotFound: The caller has no such draft (DRAFT_NOT_FOUND).
        """
        row = await self._drafts.find(connection, caller.user_id, draft_id)
        if row is None:
            raise DraftNotFound
        return _draft(row)

    async def delete(self, connection: AsyncConnection, caller: Caller, draft_id: int) -> None:
        """Throw a draft away.

        Raises:
            DraftNotFound: The caller has no such draft (DRAFT_NOT_FOUND).
            UserBanned: (USER_BANNED.)
        """
        if not await self._drafts.delete(connection, caller.user_id, draft_id):
            raise DraftNotFound
        await self._writers.require(connection, caller)

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListDraftsRequest
    ) -> pb.ListDraftsResponse:
        """Return a page of the caller's drafts, last changed first; fewer than asked for if they are long.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        position = self._position(request.page_token)
        found = await self._drafts.list_positions(connection, caller.user_id, position, limit=size + 1)
        page: list[DraftPosition] = []
        room = PAGE_BYTES_MAX
        for draft in found[:size]:
            room -= draft.length
            if page and room < 0:
                break
            page.append(draft)
        rows = await self._drafts.list_by_ids(connection, caller.user_id, [draft.id for draft in page])
        drafts = {row.id: _draft(row) for row in rows}
        response = pb.ListDraftsResponse(drafts=[drafts[draft.id] for draft in page if draft.id in drafts])
        if len(page) < len(found):
            response.next_page_token = self._page_tokens.encode(_LIST, to_micros(page[-1].updated_time), page[-1].id)
        return response

    def _position(self, page_token: str) -> DraftPosition | None:
        if not page_token:
            return None
        match self._page_tokens.decode(_LIST, page_token):
            case [int(micros), int(draft_id)]:
                return DraftPosition(draft_id, from_micros(micros))
            case _:
                raise PageTokenInvalid


def _refuse_broken(request: pb.CreateDraftRequest | pb.UpdateDraftRequest) -> None:
    refuse(in_order(request.fields, [*violations_of(request), *check(request.fields)]))


def _json(fields: pb.DraftFields) -> str:
    """Return fields as JSON in ASCII, which is never shorter than what goes over the wire."""
    return json_format.MessageToJson(fields, indent=None)


def _draft(row: DraftRow) -> pb.Draft:
    return pb.Draft(
        id=row.id,
        fields=json_format.Parse(row.fields, pb.DraftFields()),
        created_time=timestamp(row.created_time),
        updated_time=timestamp(row.updated_time),
        version=row.version,
    )
