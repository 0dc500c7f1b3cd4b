"""The audit log, as moderators read it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.paging import page_size
from forum.repository.audit import AuditFilter, AuditRow
from forum.times import timestamp
from forum.writers import author_of
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.target_pb2 import Target, TargetKind
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200

_END = 2**63 - 1
"""Above every id."""


class AuditLog:
    """Lists entries."""

    def __init__(self, foundation: Foundation) -> None:
        self._entries = foundation.repositories.audit
        self._page_tokens = foundation.page_tokens

    async def list_page(
        self, connection: AsyncConnection, request: pb.ListAuditEntriesRequest
    ) -> pb.ListAuditEntriesResponse:
        """Return entries, newest first.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list with these filters (PAGE_TOKEN_INVALID).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        wanted = AuditFilter(request.actor_id, request.target.kind, request.target.id)
        list_name = "audit:{}:{}:{}".format(*wanted)
        before_id = _END
        if request.page_token:
            position = self._page_tokens.decode(list_name, request.page_token)
            if len(position) != 1 or not isinstance(position[0], int):
                raise PageTokenInvalid
            before_id = position[0]
        found = await self._entries.list_before(connection, wanted, before_id=before_id, limit=limit + 1)
        response = pb.ListAuditEntriesResponse(entries=[_entry(row) for row in found[:limit]])
        if len(found) > limit:
            response.next_page_token = self._page_tokens.encode(list_name, found[limit - 1].id)
        return response


def _entry(row: AuditRow) -> pb.AuditEntry:
    entry = pb.AuditEntry(
        id=row.id,
        actor=author_of(row.actor),
        action=row.action,
        detail=row.detail,
        created_time=timestamp(row.created_time),
    )
    if row.target_kind:
        entry.target.CopyFrom(Target(kind=TargetKind.ValueType(row.target_kind), id=row.target_id))
    return entry
