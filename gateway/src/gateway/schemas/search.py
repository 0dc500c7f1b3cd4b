"""What a search finds."""

from typing import Literal

import msgspec

from gateway.schemas.forum import Author
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import search_service_pb2


class Hit(msgspec.Struct):
    """A post, or a reply with its post's title.

    `title_html` and `excerpt_html` are text with what was found in `<mark>`, safe to show.
    """

    kind: Literal["post", "reply"]
    post_id: Id
    reply_id: Id | None
    title: str
    title_html: str
    excerpt_html: str
    author: Author
    category_id: Id
    created_time: Milliseconds

    @classmethod
    def of(cls, hit: search_service_pb2.SearchHit) -> "Hit":
        """Return what the service found."""
        return cls(
            "reply" if hit.reply_id else "post",
            hit.post_id,
            hit.reply_id or None,
            hit.title,
            hit.title_html,
            hit.excerpt_html,
            Author.of(hit.author),
            hit.category_id,
            to_milliseconds(hit.created_time),
        )


class Hits(msgspec.Struct):
    """A page of hits, best first; `next_page_token` is empty on the last one."""

    hits: list[Hit]
    next_page_token: str
