"""Answers of the legacy routes for posts and replies; their keys are the contract's (section 6)."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from gateway.schemas.scalars import Id, Milliseconds, Text
from gateway.times import to_milliseconds
from plaza.forum.v1 import post_pb2, post_service_pb2, reply_pb2

DELETED = "[deleted]"
"""Stands for the name of an author whose account is gone."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Said(msgspec.Struct):
    """It worked."""

    msg: Text


class PostSaid(msgspec.Struct):
    """A post was written."""

    msg: Text
    post_id: Id


class ListedPost(msgspec.Struct):
    """A post with its whole text; `reply_count` counts replies at every depth."""

    id: Id
    title: str
    content: str
    author: str
    created_at: Milliseconds
    updated_at: Milliseconds
    reply_count: Count

    @classmethod
    def of(cls, post: post_pb2.ListedPost) -> "ListedPost":
        """Return what the service keeps."""
        return cls(
            post.id,
            post.title,
            post.content,
            post.author or DELETED,
            to_milliseconds(post.created_time),
            to_milliseconds(post.updated_time),
            post.reply_count,
        )


class PostPage(msgspec.Struct):
    """A page of posts, newest first."""

    results: list[ListedPost]
    total: Count
    num_pages: Id
    current_page: Id

    @classmethod
    def of(cls, page: post_service_pb2.ListPostPageResponse) -> "PostPage":
        """Return what the service found."""
        return cls([ListedPost.of(post) for post in page.posts], page.total_size, page.page_count, page.page)


class TreeReply(msgspec.Struct):
    """A reply with the replies to it, oldest first."""

    id: Id
    content: str
    author: str
    created_at: Milliseconds
    updated_at: Milliseconds
    parent_reply_id: Id | None
    child_replies: list["TreeReply"]


class PostTree(ListedPost):
    """A post with its replies as a tree; `is_truncated` is there, and true, when there are more than are shown."""

    replies: list[TreeReply]
    is_truncated: Literal[True] | msgspec.UnsetType = msgspec.UNSET


class PostDetail(msgspec.Struct):
    """A post with its replies."""

    post: PostTree
    success: Literal[True] = True

    @classmethod
    def of(cls, response: post_service_pb2.GetPostTreeResponse) -> "PostDetail":
        """Return what the service keeps."""
        post = PostTree(
            **msgspec.structs.asdict(ListedPost.of(response.post)),
            replies=tree_of(response.replies),
            is_truncated=True if response.is_truncated else msgspec.UNSET,
        )
        return cls(post)


class CreatedReply(msgspec.Struct):
    """A reply that was just written."""

    id: Id
    content: str
    author: str
    created_at: Milliseconds
    parent_reply_id: Id | None


class ReplyCreated(msgspec.Struct):
    """A reply was written."""

    msg: Text
    reply: CreatedReply
    success: Literal[True] = True

    @classmethod
    def of(cls, reply: reply_pb2.Reply, msg: str) -> "ReplyCreated":
        """Return what the service keeps."""
        created = to_milliseconds(reply.created_time)
        author = reply.author.username or DELETED
        return cls(msg, CreatedReply(reply.id, reply.content, author, created, reply.parent_reply_id or None))


class UpdatedReply(msgspec.Struct):
    """A reply that was just changed."""

    id: Id
    content: str
    author: str
    updated_at: Milliseconds


class ReplyUpdated(msgspec.Struct):
    """A reply was changed."""

    msg: Text
    reply: UpdatedReply
    success: Literal[True] = True

    @classmethod
    def of(cls, reply: reply_pb2.Reply, msg: str) -> "ReplyUpdated":
        """Return what the service keeps."""
        author = reply.author.username or DELETED
        return cls(msg, UpdatedReply(reply.id, reply.content, author, to_milliseconds(reply.updated_time)))


def tree_of(replies: Iterable[reply_pb2.TreeReply]) -> list[TreeReply]:
    """Return the replies that answer the post itself, each with those below it.

    Args:
        replies: In the order of writing, parents before their children.
    """
    top: list[TreeReply] = []
    children: dict[int, list[TreeReply]] = {0: top}
    for reply in replies:
        below: list[TreeReply] = []
        parent = reply.parent_reply_id
        children[reply.id] = below
        children.get(parent, top).append(
            TreeReply(
                reply.id,
                reply.content,
                reply.author or DELETED,
                to_milliseconds(reply.created_time),
                to_milliseconds(reply.updated_time),
                parent or None,
                below,
            )
        )
    return top
