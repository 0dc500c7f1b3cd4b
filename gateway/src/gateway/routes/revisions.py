"""The edit history of posts and replies: the same routes under each."""

from functools import partial
from typing import Any, NamedTuple

from gateway.call import Call
from gateway.conditional import expected_version
from gateway.parameters import page_size, paging, path_id, text
from gateway.routes.writing import REFUSED_TEXT
from gateway.routing import Access, Handler, Operation, Routes
from gateway.schemas.revisions import Restored, Revision, Revisions, WholeRevision
from plaza.forum.v1 import revision_service_pb2, target_pb2

routes = Routes("Revisions", "en")


class Kind(NamedTuple):
    """What has a history.

    Attributes:
        name: In words.
        path: Of one of it.
        number: In the contract.
        not_found: The code for an unknown one.
        not_author: The code for another user's.
        changes: What a restored version outdates.
    """

    name: str
    path: str
    number: "target_pb2.TargetKind.ValueType"
    not_found: str
    not_author: str
    changes: tuple[str, ...]

    def target(self, call: Call) -> target_pb2.Target:
        """Return what the path names."""
        return target_pb2.Target(kind=self.number, id=path_id(call))


KINDS = (
    Kind(
        "post",
        "/posts/{id}",
        target_pb2.TARGET_KIND_POST,
        "POST_NOT_FOUND",
        "NOT_POST_AUTHOR",
        changes=("posts", "post:{id}"),
    ),
    Kind("reply", "/replies/{id}", target_pb2.TARGET_KIND_REPLY, "REPLY_NOT_FOUND", "NOT_REPLY_AUTHOR", changes=("*",)),
)


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


def _bound(handler: Any, kind: Kind) -> Handler:
    """Return the handler for one kind, with the documentation of the general one."""
    bound: Any = partial(handler, kind)
    bound.__doc__ = handler.__doc__.replace("a post", f"a {kind.name}").replace("A post", f"A {kind.name}")
    bound.__name__ = f"{handler.__name__}_of_{kind.name}"
    typed: Handler = bound
    return typed


def _add(kind: Kind) -> None:
    base = f"{kind.path}/revisions"
    listing = Operation(
        access=Access.PUBLIC,
        query=paging("Versions", default=20, maximum=100),
        answers=(Revisions,),
        errors=(kind.not_found, "INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    )
    reading = Operation(access=Access.PUBLIC, answers=(WholeRevision,), errors=(kind.not_found, "REVISION_NOT_FOUND"))
    restoring = Operation(
        answers=(Restored,),
        errors=(
            kind.not_found,
            "REVISION_NOT_FOUND",
            kind.not_author,
            *(("POST_LOCKED",) if kind.name == "reply" else ()),
            "VERSION_MISMATCH",
            *REFUSED_TEXT,
        ),
        changes=kind.changes,
    )
    routes.add("GET", base, operation=listing, handler=_bound(list_revisions, kind))
    routes.add("GET", base + "/{n}", operation=reading, handler=_bound(get_revision, kind))
    routes.add("POST", base + "/{n}/restore", operation=restoring, handler=_bound(restore_revision, kind))


for _kind in KINDS:
    _add(_kind)
