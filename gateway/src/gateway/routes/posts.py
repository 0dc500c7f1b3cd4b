"""Posts: lists, reading, writing."""

from collections.abc import Mapping
from datetime import UTC

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.conditional import expected_version
from gateway.decoding import decode
from gateway.parameters import FLAG, ID, TEXT, choice, flag, identifier, page_size, paging, path_id, text
from gateway.routes.writing import REFUSED_NEW_TEXT, REFUSED_TEXT
from gateway.routing import Access, Body, Operation, Query, Rate, Routes, Shared
from gateway.schemas.forum import STATUSES, Post, PostCreated, Posts, PostSummary
from plaza.forum.v1 import post_service_pb2

routes = Routes("Posts", "en")

SORTS: Mapping[str, "post_service_pb2.PostSort.ValueType"] = {
    "new": post_service_pb2.POST_SORT_NEW,
    "active": post_service_pb2.POST_SORT_ACTIVE,
    "top": post_service_pb2.POST_SORT_TOP,
    "unanswered": post_service_pb2.POST_SORT_UNANSWERED,
}
WINDOWS: Mapping[str, "post_service_pb2.TopWindow.ValueType"] = {
    "day": post_service_pb2.TOP_WINDOW_DAY,
    "week": post_service_pb2.TOP_WINDOW_WEEK,
    "all": post_service_pb2.TOP_WINDOW_ALL,
}
_CHANGED = ("posts", "post:{id}")


@routes.get(
    "/posts",
    Operation(
        access=Access.PUBLIC,
        query=(
            *paging("Posts", default=20, maximum=100),
            Query(
                "sort", {"enum": [*SORTS]}, "`new` (default), last replied to, most votes, or new ones without a reply."
            ),
            Query("window", {"enum": [*WINDOWS]}, "With `sort=top`: posts of the last day, of the last week, or all."),
            Query("author_id", ID, "Only of this user."),
            Query("category_id", ID, "Only in this category and those below it."),
            Query("tag", TEXT, "Only with the tag of this name."),
            Query("following", FLAG, "Only what the caller follows."),
            Query("unread", FLAG, "Only what has something that the caller has not read."),
        ),
        answers=(Posts,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID", "CATEGORY_NOT_FOUND", "TAG_NOT_FOUND", "TOKEN_MISSING"),
        has_tag=True,
        shared=Shared(("posts",)),
    ),
)
async def list_posts(call: Call) -> Answer:
    """List posts.

    Filters narrow together; `following` and `unread` need a token. What is pinned comes besides, on the first page.
    Posts of users whom the caller blocks are left out.
    """
    request = post_service_pb2.ListPostsRequest(
        page_size=page_size(call),
        page_token=text(call, "page_token"),
        sort=choice(call, "sort", SORTS, post_service_pb2.POST_SORT_NEW),
        window=choice(call, "window", WINDOWS, post_service_pb2.TOP_WINDOW_ALL),
        author_id=identifier(call, "author_id"),
        category_id=identifier(call, "category_id"),
        tag=text(call, "tag"),
        is_followed=flag(call, "following"),
        is_unread=flag(call, "unread"),
    )
    response = await call.ask(call.services.forum.posts.list, request)
    posts = [PostSummary.of(post) for post in response.posts]
    return tagged(Posts(posts, [PostSummary.of(post) for post in response.pinned], response.next_page_token))


@routes.post(
    "/posts",
    Operation(
        rate=Rate.TEXT,
        body=Body(post_service_pb2.CreatePostRequest),
        answers=(PostCreated,),
        errors=(
            "TITLE_AND_CONTENT_REQUIRED",
            "INVALID_REQUEST",
            "CATEGORY_NOT_FOUND",
            "CATEGORY_READ_ONLY",
            "TAG_NOT_ALLOWED",
            *REFUSED_NEW_TEXT,
        ),
        changes=("posts",),
    ),
)
async def create_post(call: Call) -> PostCreated:
    """Write a post.

    Tags that do not exist are made, as far as the caller's role allows. A post that is `held` is seen by its author and
    by moderators, until one of them has reviewed it.
    """
    request, found = decode(call.body, post_service_pb2.CreatePostRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.posts.create, request)
    return PostCreated(response.post_id, STATUSES[response.status])


@routes.get(
    "/posts/{id}",
    Operation(
        access=Access.PUBLIC,
        answers=(Post,),
        errors=("POST_NOT_FOUND",),
        has_tag=True,
        shared=Shared(("post:{id}",)),
    ),
)
async def get_post(call: Call) -> Answer:
    """Read a post.

    `Last-Modified` is about its text and its replies; `ETag` also about votes, reactions and what the caller did.
    """
    request = post_service_pb2.GetPostRequest(post_id=path_id(call))
    post = (await call.ask(call.services.forum.posts.get, request)).post
    summary = post.summary
    modified = max(summary.updated_time.ToDatetime(UTC), summary.last_activity_time.ToDatetime(UTC))
    return tagged(Post.whole(post), version=summary.version, modified=modified)


@routes.patch(
    "/posts/{id}",
    Operation(
        rate=Rate.TEXT,
        body=Body(post_service_pb2.UpdatePostRequest),
        answers=(Post,),
        errors=(
            "POST_NOT_FOUND",
            "NOT_POST_AUTHOR",
            "INVALID_REQUEST",
            "VERSION_MISMATCH",
            "CATEGORY_NOT_FOUND",
            "CATEGORY_READ_ONLY",
            "TAG_NOT_ALLOWED",
            *REFUSED_TEXT,
        ),
        changes=_CHANGED,
    ),
)
async def update_post(call: Call) -> Post:
    """Change a post; for its author and moderators.

    Only what is given changes; `tags` replaces those there are.
    """
    request, found = decode(call.body, post_service_pb2.UpdatePostRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    request.replace_tags = "tags" in found.present
    request.expected_version = expected_version(call.headers)
    return Post.whole((await call.ask(call.services.forum.posts.update, request)).post)


@routes.delete(
    "/posts/{id}",
    Operation(
        status=204,
        errors=("POST_NOT_FOUND", "NOT_POST_AUTHOR", "VERSION_MISMATCH", "USER_BANNED"),
        changes=_CHANGED,
    ),
)
async def delete_post(call: Call) -> None:
    """Delete one's post; its replies vanish with it."""
    request = post_service_pb2.DeletePostRequest(post_id=path_id(call), expected_version=expected_version(call.headers))
    await call.ask(call.services.forum.posts.delete, request)
