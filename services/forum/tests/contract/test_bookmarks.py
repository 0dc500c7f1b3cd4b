"""Bookmarks: what is kept, newest first, as far as it may still be read."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import insert

from forum import models
from forum.bookmarks import LIMITS
from plaza.forum.v1 import category_service_pb2, post_service_pb2, reply_service_pb2
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.errors import Violation


def post_target(post_id: int) -> Target:
    return Target(kind=TARGET_KIND_POST, id=post_id)


def reply_target(reply_id: int) -> Target:
    return Target(kind=TARGET_KIND_REPLY, id=reply_id)


async def keep(forum: Any, target: Target, user: Any) -> None:
    await forum.call("AddBookmark", pb.AddBookmarkRequest(target=target), user)


async def kept(forum: Any, user: Any, **request: Any) -> list[tuple[int, int]]:
    """Return the ids of the posts and replies of a user's bookmarks."""
    response = await forum.call("ListBookmarks", pb.ListBookmarksRequest(**request), user)
    return [(bookmark.post.id, bookmark.reply.id) for bookmark in response.bookmarks]


async def test_posts_and_replies_are_kept_newest_first_and_once(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post, other = await forum.post(alice), await forum.post(alice)
    reply = await forum.reply(alice, other, "worth keeping")
    for target in (post_target(post), reply_target(reply.id), post_target(other), post_target(post)):
        await keep(forum, target, bob)
    response = await forum.call("ListBookmarks", pb.ListBookmarksRequest(), bob)

    assert [(each.post.id, each.reply.id) for each in response.bookmarks] == [(other, 0), (other, reply.id), (post, 0)]
    assert [each.HasField("reply") for each in response.bookmarks] == [False, True, False]
    assert response.bookmarks[1].reply.content == "worth keeping"
    assert response.bookmarks[1].reply.author.username == "alice"
    times = [each.created_time.ToNanoseconds() for each in response.bookmarks]
    assert times == sorted(times, reverse=True)
    assert await kept(forum, alice) == []


async def test_a_bookmark_is_forgotten_once_or_more(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    await keep(forum, post_target(post), bob)
    for _ in range(2):
        await forum.call("RemoveBookmark", pb.RemoveBookmarkRequest(target=post_target(post)), bob)

    assert await kept(forum, bob) == []


async def test_pages_follow_each_other(forum: Any) -> None:
    alice = forum.user("alice")
    posts = [await forum.post(alice) for _ in range(5)]
    for post in posts:
        await keep(forum, post_target(post), alice)
    pages, token = [], ""
    while True:
        response = await forum.call("ListBookmarks", pb.ListBookmarksRequest(page_size=2, page_token=token), alice)
        pages.append([bookmark.post.id for bookmark in response.bookmarks])
        token = response.next_page_token
        if not token:
            break

    assert pages == [[posts[4], posts[3]], [posts[2], posts[1]], [posts[0]]]


async def test_what_may_no_longer_be_read_is_left_out_and_can_be_forgotten(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    garden = await forum.category()
    hidden, gone, stays = await forum.post(alice, category_id=garden), await forum.post(alice), await forum.post(alice)
    in_hidden, reply = await forum.reply(alice, hidden), await forum.reply(alice, stays)
    for target in (hidden, gone, stays):
        await keep(forum, post_target(target), bob)
    for target in (in_hidden, reply):
        await keep(forum, reply_target(target.id), bob)
    mask = FieldMask(paths=["read_role"])
    fields = category_service_pb2.CategoryFields(read_role="moderator")
    request = category_service_pb2.UpdateCategoryRequest(category_id=garden, fields=fields, update_mask=mask)
    await forum.call("UpdateCategory", request, forum.admin())
    await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=gone), alice)
    await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply.id), alice)
    seen = await kept(forum, bob)
    await forum.call("RemoveBookmark", pb.RemoveBookmarkRequest(target=post_target(gone)), bob)
    again = pb.RemoveBookmarkRequest(target=post_target(gone))
    await forum.refused("RemoveBookmark", again, "POST_NOT_FOUND", bob)

    assert seen == [(stays, 0)]


async def test_a_blocked_user_s_kept_reply_comes_without_its_text(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    reply = await forum.reply(alice, await forum.post(bob), "hidden")
    await keep(forum, reply_target(reply.id), bob)
    await forum.call("BlockUser", pb.BlockUserRequest(user_id=alice.user_id), bob)
    response = await forum.call("ListBookmarks", pb.ListBookmarksRequest(), bob)

    assert [(each.reply.is_from_blocked, each.reply.content) for each in response.bookmarks] == [(True, "")]


async def test_there_are_at_most_10_000(forum: Any) -> None:
    alice = forum.user("alice")
    posts = [await forum.post(alice) for _ in range(3)]
    row = {"user_id": alice.user_id, "target_kind": 1, "created_time": datetime.now(UTC)}
    rows = [row | {"target_id": 1_000_000 + number} for number in range(LIMITS.most - 1)]

    async def fill(connection: Any) -> None:
        await connection.execute(insert(models.bookmarks), rows)

    await forum.service.foundation.database.write(fill)
    calls = [forum.call("AddBookmark", pb.AddBookmarkRequest(target=post_target(post)), alice) for post in posts]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Exception)]

    assert [(error.reason, error.metadata) for error in refused] == [("LIMIT_REACHED", {"limit": "10000"})] * 2  # type: ignore[attr-defined]


async def test_reasons_of_the_list(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    for post in [await forum.post(alice) for _ in range(2)]:
        await keep(forum, post_target(post), alice)
    token = (await forum.call("ListBookmarks", pb.ListBookmarksRequest(page_size=1), alice)).next_page_token
    error = await forum.refused("ListBookmarks", pb.ListBookmarksRequest(page_size=-1), "INVALID_REQUEST", alice)
    await forum.refused("ListBookmarks", pb.ListBookmarksRequest(page_token="x"), "PAGE_TOKEN_INVALID", alice)
    await forum.refused("ListBookmarks", pb.ListBookmarksRequest(page_token=token), "PAGE_TOKEN_INVALID", bob)

    assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]
