"""What admins do with word filters: at most 1,000."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.errors import LimitReached, WordFilterExists, WordFilterNotFound
from forum.foundation import Foundation
from forum.repository.word_filters import FILTERS_MAX, WordFilterRow
from forum.times import timestamp
from forum.word_filters import normalise
from forum.writers import Writers
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import refuse, refuse_broken

KEY_BYTES_MAX = 600
"""A phrase can grow when it is normalised; its column does not."""


class WordFilterChanges:
    """Lists, adds and drops filters."""

    def __init__(self, foundation: Foundation, writers: Writers, audit: Audit) -> None:
        self._filters = foundation.repositories.word_filters
        self._clock = foundation.clock
        self._writers = writers
        self._audit = audit

    async def list_all(self, connection: AsyncConnection) -> pb.ListWordFiltersResponse:
        """Return all filters, by id."""
        rows = await self._filters.list_all(connection)
        return pb.ListWordFiltersResponse(word_filters=[_message(row) for row in rows])

    async def create(
        self, connection: AsyncConnection, caller: Caller, request: pb.CreateWordFilterRequest
    ) -> pb.CreateWordFilterResponse:
        """Add a filter.

        Raises:
            UserBanned: (USER_BANNED.)
            InvalidArgument: A field is broken, or nothing of the phrase can be seen (INVALID_REQUEST).
            WordFilterExists: There is one for that phrase, however it is spelled (WORD_FILTER_EXISTS).
            LimitReached: There are 1,000 (LIMIT_REACHED).
        """
        await self._writers.require(connection, caller)
        refuse_broken(request)
        key = normalise(request.phrase).encode()
        if not key:
            refuse([Violation("phrase", "BLANK")])
        if len(key) > KEY_BYTES_MAX:
            refuse([Violation("phrase", "TOO_LONG")])
        if await self._filters.lock_all(connection) >= FILTERS_MAX:
            raise LimitReached(FILTERS_MAX)
        row = WordFilterRow(0, request.phrase, request.action, self._clock())
        filter_id = await self._filters.insert(connection, row, phrase_key=key)
        if not filter_id:
            raise WordFilterExists
        detail = f"{request.action}: {request.phrase}"
        await self._audit.record(connection, caller.user_id, action="word_filter.create", detail=detail)
        return pb.CreateWordFilterResponse(word_filter=_message(row._replace(id=filter_id)))

    async def delete(
        self, connection: AsyncConnection, caller: Caller, request: pb.DeleteWordFilterRequest
    ) -> pb.DeleteWordFilterResponse:
        """Drop a filter.

        Raises:
            WordFilterNotFound: (WORD_FILTER_NOT_FOUND.)
            UserBanned: (USER_BANNED.)
        """
        row = await self._filters.find(connection, request.word_filter_id)
        if row is None:
            raise WordFilterNotFound
        await self._writers.require(connection, caller)
        if not await self._filters.delete(connection, row.id):
            raise WordFilterNotFound
        detail = f"{row.action}: {row.phrase}"
        await self._audit.record(connection, caller.user_id, action="word_filter.delete", detail=detail)
        return pb.DeleteWordFilterResponse()


def _message(row: WordFilterRow) -> pb.WordFilter:
    return pb.WordFilter(id=row.id, phrase=row.phrase, action=row.action, created_time=timestamp(row.created_time))
