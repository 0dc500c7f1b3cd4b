"""What people do with posts, replies and each other, in answers."""

from typing import Literal

import msgspec

from gateway.schemas.forum import Author, Count, PostSummary, Reaction, Reply
from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import engagement_service_pb2, target_pb2

TargetKind = Literal["post", "reply", "category", "tag", "user"]

TARGET_KINDS: dict[int, TargetKind] = {
    target_pb2.TARGET_KIND_POST: "post",
    target_pb2.TARGET_KIND_REPLY: "reply",
    target_pb2.TARGET_KIND_CATEGORY: "category",
    target_pb2.TARGET_KIND_TAG: "tag",
    target_pb2.TARGET_KIND_USER: "user",
}


class Votes(msgspec.Struct):
    """The votes for and against a post or a reply, now."""

    up_count: Count
    down_count: Count


class Reactions(msgspec.Struct):
    """All reactions to a post or a reply, most frequent first."""

    reactions: list[Reaction]


class Bookmark(msgspec.Struct):
    """Something kept for later; `reply` is null if the post itself was kept."""

    created_time: Milliseconds
    post: PostSummary
    reply: Reply | None

    @classmethod
    def of(cls, bookmark: engagement_service_pb2.Bookmark) -> "Bookmark":
        """Return what the service keeps."""
        reply = Reply.of(bookmark.reply) if bookmark.HasField("reply") else None
        return cls(to_milliseconds(bookmark.created_time), PostSummary.of(bookmark.post), reply)


class Bookmarks(msgspec.Struct):
    """A page of bookmarks, newest first."""

    bookmarks: list[Bookmark]
    next_page_token: str


class Follow(msgspec.Struct):
    """Something that is followed; `name` is its title or name."""

    kind: TargetKind
    id: Id
    name: str
    created_time: Milliseconds

    @classmethod
    def of(cls, follow: engagement_service_pb2.FollowedTarget) -> "Follow":
        """Return what the service keeps."""
        kind = TARGET_KINDS[follow.target.kind]
        return cls(kind, follow.target.id, follow.name, to_milliseconds(follow.created_time))


class Follows(msgspec.Struct):
    """A page of what is followed, newest first."""

    follows: list[Follow]
    next_page_token: str


class Block(msgspec.Struct):
    """A user who is blocked."""

    user: Author
    created_time: Milliseconds

    @classmethod
    def of(cls, block: engagement_service_pb2.BlockedUser) -> "Block":
        """Return what the service keeps."""
        return cls(Author.of(block.user), to_milliseconds(block.created_time))


class Blocks(msgspec.Struct):
    """A page of blocked users, newest first."""

    blocks: list[Block]
    next_page_token: str


class Read(msgspec.Struct):
    """How far the caller has read a post now."""

    last_read_number: Count
