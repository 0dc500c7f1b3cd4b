"""What moderators do with tags. Posts hold no names of tags, so a new name is one row, however many posts have it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.errors import TagNotFound
from forum.foundation import Foundation
from forum.repository.tags import TagRow
from forum.tags import name_violations, normalise, tag_of
from forum.writers import Writers
from plaza.forum.v1 import tag_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import TagChanged
from plaza.forum.v1.target_pb2 import TARGET_KIND_TAG
from plaza_kit.caller import Caller
from plaza_kit.field_values import in_order, refuse
from plaza_kit.fields import check, violations_of


class TagChanges:
    """Renames, describes, closes and removes tags."""

    def __init__(self, foundation: Foundation, writers: Writers, audit: Audit) -> None:
        self._tags = foundation.repositories.tags
        self._events = foundation.events
        self._writers = writers
        self._audit = audit

    async def update(
        self, connection: AsyncConnection, caller: Caller, request: pb.UpdateTagRequest
    ) -> pb.UpdateTagResponse:
        """Change the given fields.

        Raises:
            TagNotFound: (TAG_NOT_FOUND.)
            InvalidArgument: A field is broken (INVALID_REQUEST).
            TagNameTaken: Another tag has that name, normalised (TAG_NAME_TAKEN).
        """
        row = await self._lock(connection, request.tag_id)
        await self._writers.require(connection, caller)
        violations = [*violations_of(request), *check(request)]
        if request.HasField("name"):
            violations += name_violations("name", request.name)
        refuse(in_order(request, violations))
        changed = row._replace(**_given(request))
        if changed != row:
            values = {name: value for name, value in changed._asdict().items() if value != getattr(row, name)}
            await self._tags.update(connection, row.id, values)
            await self._announce(connection, caller, changed, action="tag.update")
        return pb.UpdateTagResponse(tag=tag_of(changed))

    async def delete(self, connection: AsyncConnection, caller: Caller, tag_id: int) -> pb.DeleteTagResponse:
        """Take a tag off all posts: nobody sees it from now on; housekeeping takes its rows away.

        Raises:
            TagNotFound: (TAG_NOT_FOUND.)
        """
        row = await self._lock(connection, tag_id)
        await self._writers.require(connection, caller)
        await self._tags.update(connection, row.id, {"name_key": None})
        await self._announce(connection, caller, row, action="tag.delete")
        return pb.DeleteTagResponse()

    async def _lock(self, connection: AsyncConnection, tag_id: int) -> TagRow:
        row = await self._tags.lock(connection, tag_id)
        if row is None:
            raise TagNotFound
        return row

    async def _announce(self, connection: AsyncConnection, caller: Caller, row: TagRow, *, action: str) -> None:
        target = (TARGET_KIND_TAG, row.id)
        await self._audit.record(connection, caller.user_id, action=action, target=target, detail=row.name)
        event = TagChanged(tag_id=row.id, actor_id=caller.user_id, is_deleted=action == "tag.delete")
        await self._events.about_tag(connection, row.id, event)


def _given(request: pb.UpdateTagRequest) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if request.HasField("name"):
        values |= {"name": request.name.strip(), "name_key": normalise(request.name)}
    if request.HasField("description"):
        values["description"] = request.description
    if request.HasField("is_restricted"):
        values["is_restricted"] = request.is_restricted
    return values
