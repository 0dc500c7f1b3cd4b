"""The resume of a user: at most one, with at most 100 items of a kind.

Every change of an item first sets the resume's `updated_time`. This also takes the lock on its row, so that two
requests cannot both add the hundredth item.
"""

from typing import Any

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.errors import (
    CustomSectionNotFound,
    EducationExperienceNotFound,
    MissingFields,
    ProjectExperienceNotFound,
    ResumeFieldsRequired,
    ResumeNotFound,
    WorkExperienceNotFound,
)
from auth.foundation import Foundation
from auth.repository.resumes import TABLES, Kind
from auth.signed_in import lock_user
from plaza.auth.v1 import resume_pb2
from plaza.auth.v1 import resume_service_pb2 as pb
from plaza_kit.errors import InvalidArgument, PlazaError, Violation
from plaza_kit.field_values import masked_values, set_values
from plaza_kit.fields import missing, violations_of

MAX_ITEMS = 100
"""Items of one kind in a resume (legacy contract, 5.3)."""

_NOT_FOUND: dict[Kind, type[PlazaError]] = {
    "work": WorkExperienceNotFound,
    "project": ProjectExperienceNotFound,
    "education": EducationExperienceNotFound,
    "custom": CustomSectionNotFound,
}
_KINDS: dict[int, Kind] = {
    resume_pb2.ITEM_KIND_WORK: "work",
    resume_pb2.ITEM_KIND_PROJECT: "project",
    resume_pb2.ITEM_KIND_EDUCATION: "education",
    resume_pb2.ITEM_KIND_CUSTOM: "custom",
}


class Resumes:
    """Reads and changes resumes."""

    def __init__(self, foundation: Foundation) -> None:
        self._users = foundation.repositories.users
        self._resumes = foundation.repositories.resumes
        self._clock = foundation.clock

    async def get(self, connection: AsyncConnection, user_id: int) -> pb.GetResumeResponse:
        """Return the whole resume; empty if there is none."""
        resume = await self._resumes.find(connection, user_id)
        if resume is None:
            return pb.GetResumeResponse()
        response = pb.GetResumeResponse(basics=convert.resume_basics(resume))
        for kind in TABLES:
            items = await self._resumes.list_items(connection, user_id, kind)
            response.items.extend(convert.resume_item(kind, item) for item in items)
        return response

    async def save(
        self, connection: AsyncConnection, user_id: int, request: pb.SaveResumeRequest
    ) -> pb.SaveResumeResponse:
        """Create the resume, or change the given fields of the one there is.

        Raises:
            ResumeFieldsRequired: There is none and a field is absent (RESUME_FIELDS_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
        """
        now = self._clock()
        reported = violations_of(request)
        resume_id = await self._resumes.update(connection, user_id, {}, now=now)
        if resume_id is None:
            absent = missing(request.fields, reported)
            if absent:
                raise ResumeFieldsRequired(violations=absent)
            values = set_values(request.fields, reported)
            await lock_user(self._users, connection, user_id, now)
            resume_id = await self._resumes.insert(connection, user_id, values, now=now)
            if resume_id:
                return pb.SaveResumeResponse(resume_id=resume_id, was_created=True)
        # There was one, or another request has just made it.
        values = set_values(request.fields, reported)
        updated_id = await self._resumes.update(connection, user_id, values, now=now)
        return pb.SaveResumeResponse(resume_id=updated_id or 0, was_created=False)

    async def create_item(
        self, connection: AsyncConnection, user_id: int, request: pb.CreateItemRequest
    ) -> pb.CreateItemResponse:
        """Add an item.

        Raises:
            ResumeNotFound: (RESUME_NOT_FOUND.)
            MissingFields: A required field is absent (MISSING_FIELDS).
            InvalidArgument: A field is broken, or there are 100 items (INVALID_REQUEST).
        """
        kind, fields = _part(request.item)
        resume_id = await self._touch(connection, user_id)
        reported = violations_of(request)
        absent = missing(fields, reported)
        if absent:
            raise MissingFields(violations=absent)
        values = _defaults(kind) | set_values(fields, reported)
        if await self._resumes.count_items(connection, resume_id, kind) >= MAX_ITEMS:
            raise InvalidArgument("too many items", violations=[Violation("items", "OUT_OF_RANGE", MAX_ITEMS)])
        item_id = await self._resumes.insert_item(connection, resume_id, kind, values=values)
        return pb.CreateItemResponse(item=await self._item(connection, resume_id, kind, item_id))

    async def update_item(
        self, connection: AsyncConnection, user_id: int, request: pb.UpdateItemRequest
    ) -> pb.UpdateItemResponse:
        """Change the fields of an item that the mask names.

        Raises:
            ResumeNotFound: (RESUME_NOT_FOUND.)
            NotFound: There is no such item in the caller's resume; the reason is the kind's.
            InvalidArgument: A field is broken (INVALID_REQUEST).
        """
        kind, fields = _part(request.item)
        resume_id = await self._touch(connection, user_id)
        item_id = request.item.id
        if await self._resumes.find_item(connection, resume_id, kind, item_id=item_id) is None:
            raise _NOT_FOUND[kind]
        values = masked_values(fields, request.update_mask.paths, violations_of(request))
        await self._resumes.update_item(connection, kind, item_id=item_id, values=values)
        return pb.UpdateItemResponse(item=await self._item(connection, resume_id, kind, item_id))

    async def delete_item(
        self, connection: AsyncConnection, user_id: int, request: pb.DeleteItemRequest
    ) -> pb.DeleteItemResponse:
        """Remove an item.

        Raises:
            InvalidArgument: The kind is unknown (INVALID_REQUEST).
            ResumeNotFound: (RESUME_NOT_FOUND.)
            NotFound: There is no such item in the caller's resume; the reason is the kind's.
        """
        kind = _KINDS.get(request.kind)
        if kind is None:
            raise InvalidArgument("unknown kind", violations=[Violation("kind", "NOT_ALLOWED")])
        resume_id = await self._touch(connection, user_id)
        if not await self._resumes.delete_item(connection, resume_id, kind, item_id=request.item_id):
            raise _NOT_FOUND[kind]
        return pb.DeleteItemResponse()

    async def _touch(self, connection: AsyncConnection, user_id: int) -> int:
        resume_id = await self._resumes.update(connection, user_id, {}, now=self._clock())
        if resume_id is None:
            raise ResumeNotFound
        return resume_id

    async def _item(
        self, connection: AsyncConnection, resume_id: int, kind: Kind, item_id: int
    ) -> resume_pb2.ResumeItem:
        item = await self._resumes.find_item(connection, resume_id, kind, item_id=item_id)
        if item is None:
            raise _NOT_FOUND[kind]
        return convert.resume_item(kind, item)


def _part(item: resume_pb2.ResumeItem) -> tuple[Kind, Message]:
    """Return the kind of an item and the message with its values.

    Raises:
        InvalidArgument: None is set (INVALID_REQUEST).
    """
    kind: Kind | None = item.WhichOneof("fields")
    if kind is None:
        raise InvalidArgument("an item without a kind", violations=[Violation("item", "REQUIRED")])
    return kind, getattr(item, kind)


def _defaults(kind: Kind) -> dict[str, Any]:
    return {"is_internship": False} if kind == "work" else {}
