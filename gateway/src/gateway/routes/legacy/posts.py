"""Posts and replies as the legacy forum has them (contract, section 6)."""

from collections.abc import Mapping
from typing import Any

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.decoding import decode
from gateway.jsonschema import Schema, message_schema
from gateway.parameters import integer, path_id
from gateway.routes.writing import REFUSED_NEW_TEXT, REFUSED_TEXT
from gateway.routing import Access, Body, Operation, Query, Rate, Routes, Shared
from gateway.schemas.legacy import Done
from gateway.schemas.legacy_posts import PostDetail, PostPage, PostSaid, ReplyCreated, ReplyUpdated, Said
from plaza.forum.v1 import post_service_pb2, reply_service_pb2

routes = Routes("Posts (legacy)", "zh")

_FIELDS = ("title", "content")
_DEFAULT_PAGE_SIZE = 10
_OF_POST = ("posts", "post:{id}")
_EVERYTHING = ("*",)
"""What a change of a reply outdates: its path does not say which post it belongs to."""


def _schema(message: type[post_service_pb2.CreatePostRequest | post_service_pb2.UpdatePostRequest]) -> Schema:
    """Return the schema of a legacy body: of the contract's fields, those that the legacy forum knew."""
    schema = message_schema(message, {})
    return {**schema, "properties": {name: schema["properties"][name] for name in _FIELDS}}


def _with_empty(schema: Schema) -> Schema:
    """Return the schema of a change, where an empty text is as good as none."""
    forms = {name: {"anyOf": [rule, {"const": ""}]} for name, rule in schema["properties"].items()}
    return {**schema, "properties": forms}


def _only(body: Mapping[str, Any], *, is_change: bool = False) -> dict[str, Any]:
    """Return the fields that the legacy forum knew; in a change, an empty one is left out."""
    known = {name: body[name] for name in _FIELDS if name in body}
    return {name: value for name, value in known.items() if value != ""} if is_change else known


@routes.post(
    "/posts/create/",
    Operation(
        rate=Rate.TEXT,
        body=Body(
            post_service_pb2.CreatePostRequest,
            schema=_schema(post_service_pb2.CreatePostRequest),
        ),
        answers=(PostSaid,),
        errors=("TITLE_AND_CONTENT_REQUIRED", "INVALID_REQUEST", "CATEGORY_READ_ONLY", *REFUSED_NEW_TEXT),
        changes=("posts",),
    ),
)
async def create_legacy_post(call: Call) -> PostSaid:
    """Write a post."""
    request, found = decode(_only(call.body), post_service_pb2.CreatePostRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.posts.create, request)
    return PostSaid(call.text("POST_CREATED"), response.post_id)


@routes.post(
    "/posts/update/{id}/",
    Operation(
        rate=Rate.TEXT,
        body=Body(
            post_service_pb2.UpdatePostRequest,
            schema=_with_empty(_schema(post_service_pb2.UpdatePostRequest)),
        ),
        answers=(Said,),
        errors=("POST_NOT_FOUND", "NOT_POST_AUTHOR", "INVALID_REQUEST", *REFUSED_TEXT),
        changes=_OF_POST,
    ),
)
async def update_legacy_post(call: Call) -> Said:
    """Change one's post.

    What is absent, null or empty stays as it is.
    """
    request, found = decode(_only(call.body, is_change=True), post_service_pb2.UpdatePostRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.posts.update, request)
    return Said(call.text("POST_UPDATED"))


async def delete_legacy_post(call: Call) -> Said:
    """Delete one's post; its replies vanish with it."""
    await call.ask(call.services.forum.posts.delete, post_service_pb2.DeletePostRequest(post_id=path_id(call)))
    return Said(call.text("POST_DELETED"))


@routes.get(
    "/posts/list/",
    Operation(
        access=Access.PUBLIC,
        query=(
            Query("page", {"type": "integer"}, "From 1; below it, and beyond the end, is the last page."),
            Query("page_size", {"type": "integer", "minimum": 1}, "Posts on a page, 10 by default."),
        ),
        answers=(PostPage,),
        errors=("INVALID_REQUEST",),
        has_tag=True,
        shared=Shared(("posts",), by_rank=True),
    ),
)
async def list_legacy_posts(call: Call) -> Answer:
    """List posts page by page, newest first."""
    request = post_service_pb2.ListPostPageRequest(
        page=integer(call, "page", 1), page_size=integer(call, "page_size", _DEFAULT_PAGE_SIZE)
    )
    return tagged(PostPage.of(await call.ask(call.services.forum.posts.list_page, request)))


@routes.get(
    "/posts/detail/{id}/",
    Operation(
        access=Access.PUBLIC,
        answers=(PostDetail,),
        errors=("POST_NOT_FOUND",),
        has_tag=True,
        shared=Shared(("post:{id}",)),
    ),
)
async def get_legacy_post(call: Call) -> Answer:
    """Read a post with the tree of its replies.

    A tree beyond the deployment's limits of number and bytes is cut: the oldest replies are shown, and `post` has
    `"is_truncated": true`. All of them are at `GET /posts/{id}/replies`.
    """
    request = post_service_pb2.GetPostTreeRequest(post_id=path_id(call))
    return tagged(PostDetail.of(await call.ask(call.services.forum.posts.get_tree, request)))


@routes.post(
    "/posts/reply/create/{id}/",
    Operation(
        rate=Rate.TEXT,
        body=Body(reply_service_pb2.CreateReplyRequest),
        answers=(ReplyCreated,),
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
        changes=_OF_POST,
    ),
)
async def create_legacy_reply(call: Call) -> ReplyCreated:
    """Reply to a post, or to a reply to it (`parent_reply_id`)."""
    request, found = decode(call.body, reply_service_pb2.CreateReplyRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.replies.create, request)
    return ReplyCreated.of(response.reply, call.text("REPLY_CREATED"))


@routes.post(
    "/posts/reply/update/{id}/",
    Operation(
        rate=Rate.TEXT,
        body=Body(reply_service_pb2.UpdateReplyRequest),
        answers=(ReplyUpdated,),
        errors=(
            "REPLY_NOT_FOUND",
            "NOT_REPLY_AUTHOR",
            "POST_LOCKED",
            "REPLY_CONTENT_REQUIRED",
            "INVALID_REQUEST",
            *REFUSED_TEXT,
        ),
        changes=_EVERYTHING,
    ),
)
async def update_legacy_reply(call: Call) -> ReplyUpdated:
    """Change one's reply."""
    request, found = decode(call.body, reply_service_pb2.UpdateReplyRequest(reply_id=path_id(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.replies.update, request)
    return ReplyUpdated.of(response.reply, call.text("REPLY_UPDATED"))


async def delete_legacy_reply(call: Call) -> Done:
    """Delete one's reply; the replies below it vanish with it."""
    await call.ask(call.services.forum.replies.delete, reply_service_pb2.DeleteReplyRequest(reply_id=path_id(call)))
    return Done(call.text("REPLY_DELETED"))


for _method in ("POST", "DELETE"):
    routes.add(
        _method,
        "/posts/delete/{id}/",
        operation=Operation(
            answers=(Said,), errors=("POST_NOT_FOUND", "NOT_POST_AUTHOR", "USER_BANNED"), changes=_OF_POST
        ),
        handler=delete_legacy_post,
    )
    routes.add(
        _method,
        "/posts/reply/delete/{id}/",
        operation=Operation(
            answers=(Done,), errors=("REPLY_NOT_FOUND", "NOT_REPLY_AUTHOR", "USER_BANNED"), changes=_EVERYTHING
        ),
        handler=delete_legacy_reply,
    )
