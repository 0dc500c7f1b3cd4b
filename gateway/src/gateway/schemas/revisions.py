"""The edit history in answers."""

from typing import Literal

import msgspec

from gateway.schemas.forum import Author
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import revision_service_pb2

DiffKind = Literal["same", "added", "removed"]

_KINDS: dict[int, DiffKind] = {
    revision_service_pb2.DIFF_KIND_ADDED: "added",
    revision_service_pb2.DIFF_KIND_REMOVED: "removed",
}


class Revision(msgspec.Struct):
    """One version of a post or a reply; `title` is a post's."""

    version: Id
    editor: Author
    created_time: Milliseconds
    title: str

    @classmethod
    def of(cls, revision: revision_service_pb2.Revision) -> "Revision":
        """Return what the service keeps."""
        return cls(revision.version, Author.of(revision.editor), to_milliseconds(revision.created_time), revision.title)


class Revisions(msgspec.Struct):
    """A page of versions, newest first; `next_page_token` is empty on the last one."""

    revisions: list[Revision]
    next_page_token: str


class DiffLine(msgspec.Struct):
    """One line of a difference: new, gone, or around a change."""

    kind: DiffKind
    text: str


class WholeRevision(Revision):
    """One version with its Markdown, and what it changed against the version before."""

    content: str
    diff: list[DiffLine]

    @classmethod
    def whole(cls, revision: revision_service_pb2.Revision) -> "WholeRevision":
        """Return what the service keeps."""
        return cls(
            **msgspec.structs.asdict(Revision.of(revision)),
            content=revision.content,
            diff=[DiffLine(_KINDS.get(line.kind, "same"), line.text) for line in revision.diff],
        )


class Restored(msgspec.Struct):
    """An old version is the newest one again; `version` is its number now."""

    version: Id
