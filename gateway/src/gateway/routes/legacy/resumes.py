"""The resume as the legacy forum has it (contract, section 5)."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from gateway.call import Call
from gateway.decoding import INT64_MAX, INT64_MIN, Unfit, decode, integer
from gateway.jsonschema import item_schema
from gateway.problems import Problem
from gateway.routing import Body, Handler, Operation, Routes
from gateway.schemas.legacy import (
    CustomSaved,
    CustomSection,
    Done,
    EducationExperience,
    EducationSaved,
    ProjectExperience,
    ProjectSaved,
    Resume,
    ResumeAnswer,
    ResumeSaved,
    WorkExperience,
    WorkSaved,
)
from plaza.auth.v1 import resume_pb2, resume_service_pb2
from plaza_kit.errors import Violation

routes = Routes("Resume (legacy)", "zh")

Shape = type[WorkExperience] | type[ProjectExperience] | type[EducationExperience] | type[CustomSection]
Saved = WorkSaved | ProjectSaved | EducationSaved | CustomSaved


class Kind(NamedTuple):
    """One kind of item.

    Attributes:
        name: In paths, and of its field in `ResumeItem`.
        number: In the contract.
        message: Its fields.
        shape: The item in answers.
        saved: The answer to a change.
        not_found: The code for an unknown item.
    """

    name: str
    number: "resume_pb2.ItemKind.ValueType"
    message: type[Message]
    shape: Shape
    saved: type[Saved]
    not_found: str

    @property
    def id_name(self) -> str:
        """The name of the id in requests, besides `id`."""
        return f"{self.name}_id"


KINDS = (
    Kind(
        "work",
        resume_pb2.ITEM_KIND_WORK,
        resume_pb2.WorkExperience,
        WorkExperience,
        WorkSaved,
        "WORK_EXPERIENCE_NOT_FOUND",
    ),
    Kind(
        "project",
        resume_pb2.ITEM_KIND_PROJECT,
        resume_pb2.ProjectExperience,
        ProjectExperience,
        ProjectSaved,
        "PROJECT_EXPERIENCE_NOT_FOUND",
    ),
    Kind(
        "education",
        resume_pb2.ITEM_KIND_EDUCATION,
        resume_pb2.EducationExperience,
        EducationExperience,
        EducationSaved,
        "EDUCATION_EXPERIENCE_NOT_FOUND",
    ),
    Kind(
        "custom",
        resume_pb2.ITEM_KIND_CUSTOM,
        resume_pb2.CustomSection,
        CustomSection,
        CustomSaved,
        "CUSTOM_SECTION_NOT_FOUND",
    ),
)


@routes.get("/users/resume/", Operation(answers=(ResumeAnswer,)))
async def get_resume(call: Call) -> ResumeAnswer:
    """Read one's resume.

    `resume` is null, and `msg` says so, when there is none.
    """
    response = await call.ask(call.services.auth.get_resume, resume_service_pb2.GetResumeRequest())
    if not response.HasField("basics"):
        return ResumeAnswer(None, msg=call.text("RESUME_ABSENT"))
    return ResumeAnswer(Resume.whole(response))


@routes.post(
    "/users/resume/create/",
    Operation(
        body=Body(resume_pb2.ResumeFields, is_partial=True),
        answers=(ResumeSaved,),
        errors=("RESUME_FIELDS_REQUIRED", "INVALID_REQUEST"),
    ),
)
async def save_resume(call: Call) -> ResumeSaved:
    """Create one's resume, or change the one there is.

    All fields are required to create it; afterwards only those that are present change.
    """
    fields, found = decode(call.body, resume_pb2.ResumeFields())
    request = resume_service_pb2.SaveResumeRequest(fields=fields, violations=found.wire())
    response = await call.ask(call.services.auth.save_resume, request)
    return ResumeSaved(call.text("RESUME_CREATED" if response.was_created else "RESUME_UPDATED"), response.resume_id)


async def save_item(kind: Kind, call: Call) -> "Saved | Done":
    """Create, change or delete an item, by action or by the presence of an id."""
    action = call.body.get("action")
    if action not in (None, "create", "update", "delete"):
        raise Problem("INVALID_ACTION")
    if action == "create":
        return await _create(kind, call)
    item_id = _item_id(kind, call.body)
    if action is None and item_id is None:
        return await _create(kind, call)
    if item_id is None:
        raise _id_required(kind)
    if action == "delete":
        return await _delete(kind, call, item_id=item_id)
    return await _update(kind, call, item_id=item_id)


async def delete_item(kind: Kind, call: Call) -> Done:
    """Delete an item.

    The id stands in the body, or in the query (`?work_id=7`) when the body is empty.
    """
    item_id = _item_id(kind, call.body or call.query)
    if item_id is None:
        raise _id_required(kind)
    return await _delete(kind, call, item_id=item_id)


async def _create(kind: Kind, call: Call) -> Saved:
    fields, found = decode(call.body, kind.message())
    request = resume_service_pb2.CreateItemRequest(item=_item(kind, fields), violations=found.wire())
    response = await call.ask(call.services.auth.create_item, request)
    return _saved(kind, call, verb="CREATED", item=response.item)


async def _update(kind: Kind, call: Call, *, item_id: int) -> Saved:
    fields, found = decode(call.body, kind.message())
    request = resume_service_pb2.UpdateItemRequest(
        item=_item(kind, fields), update_mask=FieldMask(paths=found.present), violations=found.wire()
    )
    request.item.id = item_id
    response = await call.ask(call.services.auth.update_item, request)
    return _saved(kind, call, verb="UPDATED", item=response.item)


async def _delete(kind: Kind, call: Call, *, item_id: int) -> Done:
    request = resume_service_pb2.DeleteItemRequest(kind=kind.number, item_id=item_id)
    await call.ask(call.services.auth.delete_item, request)
    return Done(call.text(f"{kind.name.upper()}_DELETED"))


def _item(kind: Kind, fields: Message) -> resume_pb2.ResumeItem:
    item = resume_pb2.ResumeItem()
    chosen = getattr(item, kind.name)
    chosen.SetInParent()  # an item without any field is still of this kind
    chosen.CopyFrom(fields)
    return item


def _saved(kind: Kind, call: Call, *, verb: str, item: resume_pb2.ResumeItem) -> Saved:
    return kind.saved(call.text(f"{kind.name.upper()}_{verb}"), item.id, kind.shape.of(item))  # type: ignore[arg-type]  # of the same kind


def _item_id(kind: Kind, source: Mapping[str, Any]) -> int | None:
    """Return the id in a body or query, None if there is none; one too large for any item is cut to the largest.

    Raises:
        Problem: INVALID_REQUEST: it is no integer, or it is given twice and differs.
    """
    given: dict[str, int] = {}
    for name in (kind.id_name, "id"):
        value = source.get(name)
        if value is None:
            continue
        try:
            given[name] = integer(value)
        except Unfit as unfit:
            if str(unfit) != "OUT_OF_RANGE":
                raise Problem("INVALID_REQUEST", violations=[Violation(name, "WRONG_TYPE")]) from None
            given[name] = INT64_MIN if str(value).startswith("-") else INT64_MAX
    if len(set(given.values())) > 1:
        raise Problem("INVALID_REQUEST", violations=[Violation("id", "NOT_ALLOWED")])
    return next(iter(given.values()), None)


def _id_required(kind: Kind) -> Problem:
    return Problem(
        "ITEM_ID_REQUIRED", metadata={"parameter": kind.id_name}, violations=[Violation(kind.id_name, "REQUIRED")]
    )


def _bound(handler: Any, kind: Kind) -> Handler:
    """Return the handler for one kind, with the documentation of the general one."""
    bound: Any = partial(handler, kind)
    bound.__doc__ = handler.__doc__.replace("an item", f"an item ({kind.name})").replace("work_id", kind.id_name)
    bound.__name__ = f"{handler.__name__}_{kind.name}"
    typed: Handler = bound
    return typed


def _add_kind(kind: Kind) -> None:
    base = f"/users/resume/{kind.name}/"
    errors = ("ITEM_ID_REQUIRED", "INVALID_REQUEST", "RESUME_NOT_FOUND", kind.not_found)
    save = Operation(
        body=Body(kind.message, schema=item_schema(kind.message, kind.id_name)),
        answers=(kind.saved, Done),
        errors=("INVALID_ACTION", "MISSING_FIELDS", *errors),
    )
    routes.add("POST", base, operation=save, handler=_bound(save_item, kind))
    delete = Operation(
        body=Body(kind.message, is_optional=True, schema=item_schema(None, kind.id_name)),
        answers=(Done,),
        errors=errors,
    )
    routes.add("POST", base + "delete/", operation=delete, handler=_bound(delete_item, kind))
    routes.add("DELETE", base + "delete/", operation=delete, handler=_bound(delete_item, kind))


for _kind in KINDS:
    _add_kind(_kind)
