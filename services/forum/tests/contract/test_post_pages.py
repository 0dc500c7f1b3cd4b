"""ListPostPage: the legacy list by page number."""

from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import moderation_service_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation


async def page(forum: Any, number: int = 1, size: int = 10, caller: Caller | None = None) -> pb.ListPostPageResponse:
    request = pb.ListPostPageRequest(page=number, page_size=size)
    response: pb.ListPostPageResponse = await forum.call("ListPostPage", request, caller)
    return response


def shape(response: pb.ListPostPageResponse) -> tuple[list[int], int, int, int]:
    return [post.id for post in response.posts], response.total_size, response.page_count, response.page


async def test_an_empty_forum_has_one_empty_page(forum: Any) -> None:
    for number in (1, 0, -7, 2, 2**62):
        assert await page(forum, number) == pb.ListPostPageResponse(page_count=1, page=1)


async def test_a_post_is_listed_complete(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice, title="t", content="**c**\n" * 200)
    await forum.reply(alice, post_id)
    [post] = (await page(forum)).posts

    assert (post.id, post.title, post.author, post.reply_count) == (post_id, "t", "alice", 1)
    assert post.content == "**c**\n" * 200
    assert post.created_time == post.updated_time


async def test_pages_are_newest_first_and_their_numbers_are_clamped(forum: Any) -> None:
    alice = forum.user("alice")
    ids = [await forum.post(alice) for _ in range(5)][::-1]

    assert shape(await page(forum, 1, 2)) == (ids[:2], 5, 3, 1)
    assert shape(await page(forum, 2, 2)) == (ids[2:4], 5, 3, 2)
    for number in (3, 4, 0, -1, 2**62, -(2**63)):
        assert shape(await page(forum, number, 2)) == (ids[4:], 5, 3, 3)
    assert shape(await page(forum, 2, 5)) == (ids, 5, 1, 1)


async def test_posts_of_one_moment_are_ordered_by_id(forum: Any, change_row: Any) -> None:
    alice = forum.user("alice")
    ids = [await forum.post(alice) for _ in range(4)]
    moment = forum.clock()
    for post_id in ids:
        await change_row(models.posts, post_id, created_time=moment)

    assert shape(await page(forum, 1, 3))[0] == ids[:0:-1]
    assert shape(await page(forum, 2, 3))[0] == ids[:1]


@pytest.mark.parametrize("size", [0, -1, -(2**63)])
async def test_a_size_below_one_is_refused(forum: Any, size: int) -> None:
    request = pb.ListPostPageRequest(page=1, page_size=size)
    error = await forum.refused("ListPostPage", request, "INVALID_REQUEST")

    assert error.violations == [Violation("page_size", "OUT_OF_RANGE", 1)]


@pytest.mark.parametrize("settings_changes", [{"posts_page_size_max": 2}])
async def test_a_size_is_cut_to_the_largest(forum: Any) -> None:
    alice = forum.user("alice")
    ids = [await forum.post(alice) for _ in range(3)][::-1]

    assert shape(await page(forum, 1, 2**62)) == (ids[:2], 3, 2, 1)
    assert shape(await page(forum, 2**62, 2**62)) == (ids[2:], 3, 2, 2)


async def test_only_live_posts_of_readable_categories_are_listed_and_counted(forum: Any) -> None:
    alice, moderator = forum.user("alice"), forum.moderator()
    hidden = await forum.category(read_role="moderator", write_role="moderator")
    for_users = await forum.category(read_role="user")
    open_id = await forum.post(alice)
    users_id = await forum.post(alice, category_id=for_users)
    hidden_id = await forum.post(moderator, category_id=hidden)
    deleted_id = await forum.post(alice)
    await forum.call("DeletePost", pb.DeletePostRequest(post_id=deleted_id), alice)

    assert shape(await page(forum)) == ([open_id], 1, 1, 1)
    assert shape(await page(forum, caller=alice)) == ([users_id, open_id], 2, 1, 1)
    assert shape(await page(forum, caller=moderator)) == ([hidden_id, users_id, open_id], 3, 1, 1)
    assert shape(await page(forum, 9, 2, moderator)) == ([open_id], 3, 2, 2)


async def test_a_moved_post_is_counted_where_it_is(forum: Any) -> None:
    moderator = forum.moderator()
    hidden = await forum.category(read_role="moderator", write_role="moderator")
    post_id = await forum.post(moderator)
    move = moderation_service_pb2.MovePostRequest(post_id=post_id, category_id=hidden)
    await forum.call("MovePost", move, moderator)

    assert shape(await page(forum)) == ([], 0, 1, 1)
    assert shape(await page(forum, caller=moderator)) == ([post_id], 1, 1, 1)


async def test_a_deleted_author_has_no_name(forum: Any, change_row: Any) -> None:
    alice = forum.user("alice")
    await forum.post(alice)
    await change_row(models.users, alice.user_id, username="", username_key=None, is_deleted=True)

    assert [post.author for post in (await page(forum)).posts] == [""]
