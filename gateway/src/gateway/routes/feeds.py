"""Atom feeds: what everybody may read, whoever asks."""

from datetime import UTC
from typing import Any

from gateway.atom import CONTENT_TYPE, Entry, Feed
from gateway.call import Answer, Call, caller_of
from gateway.conditional import entity_tag, last_modified
from gateway.parameters import path_id
from gateway.routing import Access, Operation, Routes
from gateway.schemas.legacy_posts import DELETED
from plaza.auth.v1 import user_service_pb2
from plaza.forum.v1 import category_service_pb2, post_pb2, post_service_pb2, tag_service_pb2

routes = Routes("Feeds", "en")

_ENTRIES = 50


def _operation(*errors: str) -> Operation:
    # Addresses in a feed begin with the host that the client asked for, so it is not shared among clients.
    return Operation(
        access=Access.PUBLIC,
        raw={"type": "string", "description": "RFC 4287."},
        media_type="application/atom+xml",
        errors=errors,
        has_tag=True,
    )


@routes.get("/feeds/latest.atom", _operation())
async def get_latest_feed(call: Call) -> Answer:
    """Get the newest posts as an Atom feed."""
    return await _feed(call, "latest", title=call.text("LATEST_POSTS"))


@routes.get("/feeds/categories/{id}.atom", _operation("CATEGORY_NOT_FOUND"))
async def get_category_feed(call: Call) -> Answer:
    """Get the newest posts of a category, and of those below it, as an Atom feed."""
    category_id = path_id(call)
    _ask_as_nobody(call)
    request = category_service_pb2.GetCategoryRequest(category_id=category_id)
    category = (await call.ask(call.services.forum.categories.get, request)).category
    return await _feed(call, f"categories/{category_id}", title=category.name, category_id=category_id)


@routes.get("/feeds/tags/{id}.atom", _operation("TAG_NOT_FOUND"))
async def get_tag_feed(call: Call) -> Answer:
    """Get the newest posts with a tag as an Atom feed."""
    tag_id = path_id(call)
    _ask_as_nobody(call)
    tag = (await call.ask(call.services.forum.tags.get, tag_service_pb2.GetTagRequest(tag_id=tag_id))).tag
    return await _feed(call, f"tags/{tag_id}", title=tag.name, tag=tag.name)


@routes.get("/feeds/users/{id}.atom", _operation("USER_NOT_FOUND"))
async def get_user_feed(call: Call) -> Answer:
    """Get the newest posts of a user as an Atom feed."""
    user_id = path_id(call)
    _ask_as_nobody(call)
    user = (await call.ask(call.services.auth.get_user, user_service_pb2.GetUserRequest(user_id=user_id))).user
    return await _feed(call, f"users/{user_id}", title=user.username or DELETED, author_id=user_id)


def _ask_as_nobody(call: Call) -> None:
    """Have the services see nobody in particular: a feed's address is given away, and so are its readers' rights."""
    call.caller = caller_of(call, None, "")


async def _feed(call: Call, name: str, *, title: str, **filters: Any) -> Answer:
    _ask_as_nobody(call)
    request = post_service_pb2.ListPostsRequest(
        page_size=_ENTRIES, sort=post_service_pb2.POST_SORT_NEW, with_html=True, **filters
    )
    response = await call.ask(call.services.forum.posts.list, request)
    base = f"{call.scheme}://{call.headers[b'host'].decode('latin-1')}"
    posts = {post.id: post for post in (*response.posts, *response.pinned)}
    newest = sorted(posts.values(), key=lambda post: (post.created_time.ToNanoseconds(), post.id), reverse=True)
    feed = Feed(f"{base}/feeds/{name}.atom", title, [_entry(base, post) for post in newest[:_ENTRIES]])
    body = feed.xml()
    headers = [(b"content-type", CONTENT_TYPE), entity_tag(body), (b"cache-control", b"no-cache")]
    if feed.updated is not None:
        headers.append(last_modified(feed.updated))
    return Answer(body, headers)


def _entry(base: str, post: post_pb2.PostSummary) -> Entry:
    return Entry(
        url=f"{base}/posts/{post.id}",
        title=post.title,
        author=post.author.username or DELETED,
        published=post.created_time.ToDatetime(UTC),
        updated=post.updated_time.ToDatetime(UTC),
        terms=post.tags,
        html=post.content_html,
    )
