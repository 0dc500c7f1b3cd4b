"""One's drafts: nobody else's business."""

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.conditional import expected_version
from gateway.decoding import decode
from gateway.parameters import page_size, paging, path_id, text
from gateway.routing import Body, Operation, Routes
from gateway.schemas.drafts import Draft, Drafts
from plaza.forum.v1 import draft_service_pb2

routes = Routes("Drafts", "en")

_BODY = Body(draft_service_pb2.DraftFields)


@routes.get(
    "/drafts",
    Operation(
        query=paging("Drafts", default=20, maximum=100),
        answers=(Drafts,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def list_drafts(call: Call) -> Drafts:
    """List one's drafts, last changed first."""
    request = draft_service_pb2.ListDraftsRequest(page_size=page_size(call), page_token=text(call, "page_token"))
    response = await call.ask(call.services.forum.drafts.list, request)
    return Drafts([Draft.of(draft) for draft in response.drafts], response.next_page_token)


@routes.post(
    "/drafts",
    Operation(body=_BODY, answers=(Draft,), errors=("INVALID_REQUEST", "LIMIT_REACHED", "USER_BANNED")),
)
async def create_draft(call: Call) -> Draft:
    """Keep a text that is not sent yet; at most 100 of them."""
    fields, found = decode(call.body, draft_service_pb2.DraftFields())
    request = draft_service_pb2.CreateDraftRequest(fields=fields, violations=found.wire())
    return Draft.of((await call.ask(call.services.forum.drafts.create, request)).draft)


@routes.get("/drafts/{id}", Operation(answers=(Draft,), errors=("DRAFT_NOT_FOUND",), has_tag=True))
async def get_draft(call: Call) -> Answer:
    """Read one of one's drafts."""
    request = draft_service_pb2.GetDraftRequest(draft_id=path_id(call))
    draft = (await call.ask(call.services.forum.drafts.get, request)).draft
    return tagged(Draft.of(draft), version=draft.version)


@routes.put(
    "/drafts/{id}",
    Operation(
        body=_BODY,
        answers=(Draft,),
        errors=("DRAFT_NOT_FOUND", "INVALID_REQUEST", "VERSION_MISMATCH", "USER_BANNED"),
    ),
)
async def update_draft(call: Call) -> Draft:
    """Replace one of one's drafts."""
    fields, found = decode(call.body, draft_service_pb2.DraftFields())
    request = draft_service_pb2.UpdateDraftRequest(
        draft_id=path_id(call),
        fields=fields,
        expected_version=expected_version(call.headers),
        violations=found.wire(),
    )
    return Draft.of((await call.ask(call.services.forum.drafts.update, request)).draft)


@routes.delete("/drafts/{id}", Operation(status=204, errors=("DRAFT_NOT_FOUND", "USER_BANNED")))
async def delete_draft(call: Call) -> None:
    """Throw one of one's drafts away."""
    request = draft_service_pb2.DeleteDraftRequest(draft_id=path_id(call))
    await call.ask(call.services.forum.drafts.delete, request)
