"""Drafts in answers."""

import msgspec

from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import draft_service_pb2


class Draft(msgspec.Struct):
    """A text that is not sent yet; `version` counts its changes."""

    id: Id
    title: str | None
    content: str | None
    category_id: Id | None
    post_id: Id | None
    parent_reply_id: Id | None
    tags: list[str]
    created_time: Milliseconds
    updated_time: Milliseconds
    version: Id

    @classmethod
    def of(cls, draft: draft_service_pb2.Draft) -> "Draft":
        """Return what the service keeps."""
        fields = draft.fields
        return cls(
            draft.id,
            fields.title if fields.HasField("title") else None,
            fields.content if fields.HasField("content") else None,
            fields.category_id or None,
            fields.post_id or None,
            fields.parent_reply_id or None,
            list(fields.tags),
            to_milliseconds(draft.created_time),
            to_milliseconds(draft.updated_time),
            draft.version,
        )


class Drafts(msgspec.Struct):
    """A page of drafts, last changed first; `next_page_token` is empty on the last one."""

    drafts: list[Draft]
    next_page_token: str
