"""Posts and replies in answers; `*_time` is RFC 3339 in UTC."""

from typing import Annotated, Literal

import msgspec

from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import post_pb2, reply_pb2

Status = Literal["live", "held", "deleted", "removed"]
PinScope = Literal["category", "global"]
Count = Annotated[int, msgspec.Meta(ge=0)]

STATUSES: dict[int, Status] = {
    post_pb2.CONTENT_STATUS_LIVE: "live",
    post_pb2.CONTENT_STATUS_HELD: "held",
    post_pb2.CONTENT_STATUS_DELETED: "deleted",
    post_pb2.CONTENT_STATUS_REMOVED: "removed",
}
_PIN_SCOPES: dict[int, PinScope] = {
    post_pb2.PIN_SCOPE_CATEGORY: "category",
    post_pb2.PIN_SCOPE_GLOBAL: "global",
}


class Author(msgspec.Struct):
    """Who wrote something; the name of a deleted account is empty."""

    id: Id
    username: str
    avatar: str
    is_deleted: bool

    @classmethod
    def of(cls, author: post_pb2.Author) -> "Author":
        """Return what the service keeps."""
        return cls(author.id, author.username, author.avatar, author.is_deleted)


class Reaction(msgspec.Struct):
    """How often one emoji was given."""

    emoji: str
    count: Count

    @classmethod
    def of(cls, reaction: post_pb2.ReactionCount) -> "Reaction":
        """Return what the service counts."""
        return cls(reaction.emoji, reaction.count)


class ReadPosition(msgspec.Struct):
    """How far the caller has read a post: the number of the last reply, 0 for the post alone."""

    last_read_number: Count


class Viewer(msgspec.Struct):
    """What the caller has to do with a post or a reply; `vote` is 1, -1 or 0."""

    vote: Annotated[int, msgspec.Meta(ge=-1, le=1)]
    reactions: list[str]
    is_bookmarked: bool
    is_followed: bool
    may_edit: bool

    @classmethod
    def of(cls, viewer: post_pb2.Viewer) -> "Viewer":
        """Return what the service knows."""
        return cls(viewer.vote, list(viewer.reactions), viewer.is_bookmarked, viewer.is_followed, viewer.may_edit)


class PostSummary(msgspec.Struct):
    """A post in a list.

    `read` is null for nobody in particular, and for a post that the caller has not opened. Replies are numbered from 1
    in each post; `last_reply_number` is the newest one's.
    """

    id: Id
    title: str
    excerpt: str
    author: Author
    category_id: Id
    tags: list[str]
    created_time: Milliseconds
    updated_time: Milliseconds
    last_activity_time: Milliseconds
    reply_count: Count
    up_count: Count
    down_count: Count
    accepted_reply_id: Id | None
    pin_scope: PinScope | None
    is_locked: bool
    is_featured: bool
    status: Status
    version: Id
    last_reply_number: Count
    read: ReadPosition | None

    @classmethod
    def of(cls, post: post_pb2.PostSummary) -> "PostSummary":
        """Return what the service keeps."""
        return cls(
            post.id,
            post.title,
            post.excerpt,
            Author.of(post.author),
            post.category_id,
            list(post.tags),
            to_milliseconds(post.created_time),
            to_milliseconds(post.updated_time),
            to_milliseconds(post.last_activity_time),
            post.reply_count,
            post.up_count,
            post.down_count,
            post.accepted_reply_id or None,
            _PIN_SCOPES.get(post.pin_scope),
            post.is_locked,
            post.is_featured,
            STATUSES[post.status],
            post.version,
            post.last_reply_number,
            ReadPosition(post.read.last_read_number) if post.HasField("read") else None,
        )


class Post(PostSummary):
    """A post: Markdown as written, and safe HTML. `viewer` is null for nobody in particular."""

    content: str
    content_html: str
    reactions: list[Reaction]
    viewer: Viewer | None

    @classmethod
    def whole(cls, post: post_pb2.Post) -> "Post":
        """Return what the service keeps."""
        return cls(
            **msgspec.structs.asdict(PostSummary.of(post.summary)),
            content=post.content,
            content_html=post.content_html,
            reactions=[Reaction.of(reaction) for reaction in post.reactions],
            viewer=Viewer.of(post.viewer) if post.HasField("viewer") else None,
        )


class Posts(msgspec.Struct):
    """A page of posts; `next_page_token` is empty on the last one.

    `pinned` is filled on the first page of the orders `new` and `active` only.
    """

    posts: list[PostSummary]
    pinned: list[PostSummary]
    next_page_token: str


class PostCreated(msgspec.Struct):
    """A post was written; one that is `held` waits for a review."""

    id: Id
    status: Status


class Reply(msgspec.Struct):
    """A reply: Markdown as written, and safe HTML; both are empty if the caller blocks its author.

    `number` is its place in the post, in the order of writing; `depth` says how many replies are above it.
    """

    id: Id
    post_id: Id
    parent_reply_id: Id | None
    number: Id
    depth: Count
    author: Author
    content: str
    content_html: str
    created_time: Milliseconds
    updated_time: Milliseconds
    up_count: Count
    down_count: Count
    child_count: Count
    is_accepted: bool
    status: Status
    version: Id
    reactions: list[Reaction]
    is_from_blocked: bool
    viewer: Viewer | None

    @classmethod
    def of(cls, reply: reply_pb2.Reply) -> "Reply":
        """Return what the service keeps."""
        return cls(
            reply.id,
            reply.post_id,
            reply.parent_reply_id or None,
            reply.number,
            reply.depth,
            Author.of(reply.author),
            reply.content,
            reply.content_html,
            to_milliseconds(reply.created_time),
            to_milliseconds(reply.updated_time),
            reply.up_count,
            reply.down_count,
            reply.child_count,
            reply.is_accepted,
            STATUSES[reply.status],
            reply.version,
            [Reaction.of(reaction) for reaction in reply.reactions],
            reply.is_from_blocked,
            Viewer.of(reply.viewer) if reply.HasField("viewer") else None,
        )


class Replies(msgspec.Struct):
    """A page of replies; `next_cursor` is empty on the last one."""

    replies: list[Reply]
    next_cursor: str


class RepliesDeleted(msgspec.Struct):
    """How many replies vanished, those below the named one included."""

    deleted_count: Count
