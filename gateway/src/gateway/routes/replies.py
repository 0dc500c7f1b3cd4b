"""Replies: lists, reading, writing."""

from collections.abc import Mapping

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.conditional import expected_version
from gateway.decoding import decode
from gateway.parameters import FLAG, ID, TEXT, choice, flag, identifier, page_size, page_size_of, path_id, text
from gateway.routes.writing import REFUSED_NEW_TEXT, REFUSED_TEXT
from gateway.routing import Access, Body, Operation, Query, Rate, Routes, Shared
from gateway.schemas.forum import Replies, RepliesDeleted, Reply
from plaza.forum.v1 import reply_service_pb2

routes = Routes("Replies", "en")

SORTS: Mapping[str, "reply_service_pb2.ReplySort.ValueType"] = {
    "old": reply_service_pb2.REPLY_SORT_OLD,
    "new": reply_service_pb2.REPLY_SORT_NEW,
    "top": reply_service_pb2.REPLY_SORT_TOP,
}
_CHANGED = ("*",)
"""What a change of a reply outdates: its path does not say which post it belongs to."""


@routes.get(
    "/posts/{id}/replies",
    Operation(
        access=Access.PUBLIC,
        query=(
            page_size_of("Replies", default=50, maximum=100),
            Query("cursor", TEXT, "`next_cursor` of the page before."),
            Query("sort", {"enum": [*SORTS]}, "In the order of writing (default), newest first, or most votes first."),
            Query("parent_reply_id", ID, "Only those that answer this reply directly."),
            Query("top_level", FLAG, "Only those that answer the post itself."),
        ),
        answers=(Replies,),
        errors=("POST_NOT_FOUND", "INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
        has_tag=True,
        shared=Shared(("post:{id}",)),
    ),
)
async def list_replies(call: Call) -> Answer:
    """List the replies of a post, at every depth.

    Those of users whom the caller blocks come without their text.
    """
    request = reply_service_pb2.ListRepliesRequest(
        post_id=path_id(call),
        parent_reply_id=identifier(call, "parent_reply_id"),
        is_top_level=flag(call, "top_level"),
        sort=choice(call, "sort", SORTS, reply_service_pb2.REPLY_SORT_OLD),
        page_size=page_size(call),
        page_token=text(call, "cursor"),
    )
    response = await call.ask(call.services.forum.replies.list, request)
    return tagged(Replies([Reply.of(reply) for reply in response.replies], response.next_page_token))


@routes.post(
    "/posts/{id}/replies",
    Operation(
        rate=Rate.TEXT,
        body=Body(reply_service_pb2.CreateReplyRequest),
        answers=(Reply,),
        errors=(
            "POST_NOT_FOUND",
            "POST_LOCKED",
            "CATEGORY_READ_ONLY",
            "REPLY_CONTENT_REQUIRED",
            "INVALID_REQUEST",
            "PARENT_REPLY_NOT_FOUND",
            "REPLY_TOO_DEEP",
            *REFUSED_NEW_TEXT,
        ),
        changes=("posts", "post:{id}"),
    ),
)
async def create_reply(call: Call) -> Reply:
    """Reply to a post, or to a reply to it (`parent_reply_id`).

    A reply that is `held` is seen by its author and by moderators, until one of them has reviewed it.
    """
    request, found = decode(call.body, reply_service_pb2.CreateReplyRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    return Reply.of((await call.ask(call.services.forum.replies.create, request)).reply)


@routes.get(
    "/replies/{id}",
    Operation(access=Access.PUBLIC, answers=(Reply,), errors=("REPLY_NOT_FOUND",), has_tag=True),
)
async def get_reply(call: Call) -> Answer:
    """Read a reply."""
    request = reply_service_pb2.GetReplyRequest(reply_id=path_id(call))
    reply = (await call.ask(call.services.forum.replies.get, request)).reply
    return tagged(Reply.of(reply), version=reply.version)


@routes.patch(
    "/replies/{id}",
    Operation(
        rate=Rate.TEXT,
        body=Body(reply_service_pb2.UpdateReplyRequest),
        answers=(Reply,),
        errors=(
            "REPLY_NOT_FOUND",
            "NOT_REPLY_AUTHOR",
            "POST_LOCKED",
            "REPLY_CONTENT_REQUIRED",
            "INVALID_REQUEST",
            "VERSION_MISMATCH",
            *REFUSED_TEXT,
        ),
        changes=_CHANGED,
    ),
)
async def update_reply(call: Call) -> Reply:
    """Change a reply; for its author and moderators."""
    request, found = decode(call.body, reply_service_pb2.UpdateReplyRequest(reply_id=path_id(call)))
    request.violations.extend(found.wire())
    request.expected_version = expected_version(call.headers)
    return Reply.of((await call.ask(call.services.forum.replies.update, request)).reply)


@routes.delete(
    "/replies/{id}",
    Operation(
        answers=(RepliesDeleted,),
        errors=("REPLY_NOT_FOUND", "NOT_REPLY_AUTHOR", "VERSION_MISMATCH", "USER_BANNED"),
        changes=_CHANGED,
    ),
)
async def delete_reply(call: Call) -> RepliesDeleted:
    """Delete one's reply; the replies below it vanish with it."""
    request = reply_service_pb2.DeleteReplyRequest(
        reply_id=path_id(call), expected_version=expected_version(call.headers)
    )
    return RepliesDeleted((await call.ask(call.services.forum.replies.delete, request)).deleted_count)
