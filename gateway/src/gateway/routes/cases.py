"""The moderators' desk: cases, the audit log, word filters."""

import re
from collections.abc import Mapping

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import ID, choice, identifier, page_size, paging, path_id, text
from gateway.problems import Problem
from gateway.routes.targets import NAMES
from gateway.routing import Body, Operation, Query, Routes
from gateway.schemas.moderation import (
    CASE_STATES,
    AuditEntries,
    AuditEntry,
    Case,
    Cases,
    WholeCase,
    WordFilter,
    WordFilters,
)
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import target_pb2
from plaza_kit.errors import Violation

routes = Routes("Moderation", "en")

_TARGET_KINDS: Mapping[str, "target_pb2.TargetKind.ValueType"] = {name: kind for kind, name in NAMES.items()}
_TARGET = f"({'|'.join(_TARGET_KINDS)}):[1-9][0-9]{{0,14}}"
_ON_A_CASE = ("CASE_NOT_FOUND", "CASE_CLAIMED", "CASE_RESOLVED", "PERMISSION_DENIED", "USER_BANNED")


@routes.get(
    "/moderation/cases",
    Operation(
        query=(
            *paging("Cases", default=20, maximum=100),
            Query("state", {"enum": [*CASE_STATES]}, "Only these; by default all that are not resolved."),
        ),
        answers=(Cases,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID", "PERMISSION_DENIED"),
    ),
)
async def list_cases(call: Call) -> Cases:
    """List cases, oldest first; for moderators."""
    request = pb.ListCasesRequest(
        state=choice(call, "state", CASE_STATES, pb.CASE_STATE_UNSPECIFIED),
        page_size=page_size(call),
        page_token=text(call, "page_token"),
    )
    response = await call.ask(call.services.forum.moderation.list_cases, request)
    return Cases([Case.of(case) for case in response.cases], response.next_page_token)


@routes.get("/moderation/cases/{id}", Operation(answers=(WholeCase,), errors=("CASE_NOT_FOUND", "PERMISSION_DENIED")))
async def get_case(call: Call) -> WholeCase:
    """Read a case with its reports; for moderators."""
    request = pb.GetCaseRequest(case_id=path_id(call))
    return WholeCase.whole(await call.ask(call.services.forum.moderation.get_case, request))


@routes.put("/moderation/cases/{id}/claim", Operation(answers=(Case,), errors=_ON_A_CASE))
async def claim_case(call: Call) -> Case:
    """Take a case for 30 minutes, so that nobody else works on it; for moderators."""
    request = pb.ClaimCaseRequest(case_id=path_id(call))
    return Case.of((await call.ask(call.services.forum.moderation.claim_case, request)).case)


@routes.delete("/moderation/cases/{id}/claim", Operation(answers=(Case,), errors=_ON_A_CASE))
async def release_case(call: Call) -> Case:
    """Give a case back; for moderators."""
    request = pb.ReleaseCaseRequest(case_id=path_id(call))
    return Case.of((await call.ask(call.services.forum.moderation.release_case, request)).case)


@routes.post(
    "/moderation/cases/{id}/resolve",
    Operation(
        body=Body(pb.ResolveCaseRequest), answers=(Case,), errors=("INVALID_REQUEST", *_ON_A_CASE), changes=("*",)
    ),
)
async def resolve_case(call: Call) -> Case:
    """Decide a case; for moderators.

    `dismiss` leaves the content or, if it was held, lets it through; `remove` removes it.
    """
    request, found = decode(call.body, pb.ResolveCaseRequest(case_id=path_id(call)))
    request.violations.extend(found.wire())
    return Case.of((await call.ask(call.services.forum.moderation.resolve_case, request)).case)


@routes.get(
    "/moderation/audit",
    Operation(
        query=(
            *paging("Entries", default=50, maximum=200),
            Query("actor_id", ID, "Only what this user did."),
            Query("target", {"type": "string", "pattern": f"^{_TARGET}$"}, "Only what was done to this: `post:42`."),
        ),
        answers=(AuditEntries,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID", "PERMISSION_DENIED"),
    ),
)
async def list_audit_entries(call: Call) -> AuditEntries:
    """List what moderators and admins did, newest first; for moderators."""
    request = pb.ListAuditEntriesRequest(
        page_size=page_size(call), page_token=text(call, "page_token"), actor_id=identifier(call, "actor_id")
    )
    given = call.query.get("target")
    if given is not None:
        if not re.fullmatch(_TARGET, given, re.ASCII):
            raise Problem("INVALID_REQUEST", violations=[Violation("target", "BAD_FORMAT")])
        name, _, number = given.partition(":")
        request.target.CopyFrom(target_pb2.Target(kind=_TARGET_KINDS[name], id=int(number)))
    response = await call.ask(call.services.forum.moderation.list_audit_entries, request)
    return AuditEntries([AuditEntry.of(entry) for entry in response.entries], response.next_page_token)


@routes.get("/moderation/word-filters", Operation(answers=(WordFilters,), errors=("PERMISSION_DENIED",)))
async def list_word_filters(call: Call) -> WordFilters:
    """List the word filters; for moderators."""
    response = await call.ask(call.services.forum.moderation.list_word_filters, pb.ListWordFiltersRequest())
    return WordFilters([WordFilter.of(item) for item in response.word_filters])


@routes.post(
    "/moderation/word-filters",
    Operation(
        body=Body(pb.CreateWordFilterRequest),
        answers=(WordFilter,),
        errors=("INVALID_REQUEST", "LIMIT_REACHED", "WORD_FILTER_EXISTS", "PERMISSION_DENIED", "USER_BANNED"),
    ),
)
async def create_word_filter(call: Call) -> WordFilter:
    """Add a word filter; for admins.

    `hold` keeps a text for review, `reject` refuses it. Latin words match whole words only.
    """
    request, found = decode(call.body, pb.CreateWordFilterRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.moderation.create_word_filter, request)
    return WordFilter.of(response.word_filter)


@routes.delete(
    "/moderation/word-filters/{id}",
    Operation(status=204, errors=("WORD_FILTER_NOT_FOUND", "PERMISSION_DENIED", "USER_BANNED")),
)
async def delete_word_filter(call: Call) -> None:
    """Drop a word filter; for admins."""
    request = pb.DeleteWordFilterRequest(word_filter_id=path_id(call))
    await call.ask(call.services.forum.moderation.delete_word_filter, request)
