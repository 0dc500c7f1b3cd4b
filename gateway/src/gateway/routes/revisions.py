"""The edit history of posts and replies: the same routes under each."""

from gateway.call import Call
from gateway.conditional import expected_version
from gateway.parameters import page_size, paging, path_id, text
from gateway.routes.targets import CONTENT, Kind, on_each
from gateway.routes.writing import REFUSED_TEXT
from gateway.routing import Access, Operation, Rate, Routes
from gateway.schemas.revisions import Restored, Revision, Revisions, WholeRevision
from plaza.forum.v1 import revision_service_pb2

routes = Routes("Revisions", "en")


_REFUSED_EDIT = {"post": ("NOT_POST_AUTHOR",), "reply": ("NOT_REPLY_AUTHOR", "POST_LOCKED")}


async def list_revisions(kind: Kind, call: Call) -> Revisions:
    """List the versions of a post, newest first.

    A post that was never edited has none.
    """
    request = revision_service_pb2.ListRevisionsRequest(
        target=kind.target(call), page_size=page_size(call), page_token=text(call, "page_token")
    )
    response = await call.ask(call.services.forum.revisions.list, request)
    return Revisions([Revision.of(revision) for revision in response.revisions], response.next_page_token)


async def get_revision(kind: Kind, call: Call) -> WholeRevision:
    """Read one version of a post, and what it changed."""
    request = revision_service_pb2.GetRevisionRequest(target=kind.target(call), version=path_id(call, "n"))
    return WholeRevision.whole((await call.ask(call.services.forum.revisions.get, request)).revision)


async def restore_revision(kind: Kind, call: Call) -> Restored:
    """Make an old version of a post the newest one.

    That is an edit, for those who may edit.
    """
    request = revision_service_pb2.RestoreRevisionRequest(
        target=kind.target(call), version=path_id(call, "n"), expected_version=expected_version(call.headers)
    )
    return Restored((await call.ask(call.services.forum.revisions.restore, request)).version)


def _restoring(kind: Kind) -> Operation:
    refused = (*_REFUSED_EDIT[kind.name], "VERSION_MISMATCH", *REFUSED_TEXT)
    return Operation(
        answers=(Restored,),
        errors=(kind.not_found, "REVISION_NOT_FOUND", *refused),
        rate=Rate.TEXT,
        changes=kind.changes,
    )


on_each(
    routes,
    CONTENT,
    "GET",
    "/revisions",
    handler=list_revisions,
    operation=lambda kind: Operation(
        access=Access.PUBLIC,
        query=paging("Versions", default=20, maximum=100),
        answers=(Revisions,),
        errors=(kind.not_found, "INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
on_each(
    routes,
    CONTENT,
    "GET",
    "/revisions/{n}",
    handler=get_revision,
    operation=lambda kind: Operation(
        access=Access.PUBLIC, answers=(WholeRevision,), errors=(kind.not_found, "REVISION_NOT_FOUND")
    ),
)
on_each(routes, CONTENT, "POST", "/revisions/{n}/restore", handler=restore_revision, operation=_restoring)
