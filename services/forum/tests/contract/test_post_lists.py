"""ListPosts: orders, filters, pages, and what is left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as engagement
from plaza.forum.v1 import moderation_service_pb2, tag_service_pb2, target_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation

NEW, ACTIVE = pb.POST_SORT_NEW, pb.POST_SORT_ACTIVE
TOP, UNANSWERED = pb.POST_SORT_TOP, pb.POST_SORT_UNANSWERED
MISSING = 2**53 - 1


@pytest.fixture
def alice(forum: Any) -> Caller:
    caller: Caller = forum.user("alice")
    return caller


@pytest.fixture
def bob(forum: Any) -> Caller:
    caller: Caller = forum.user("bob")
    return caller


async def answer(forum: Any, caller: Caller | None = None, **fields: Any) -> pb.ListPostsResponse:
    response: pb.ListPostsResponse = await forum.call("ListPosts", pb.ListPostsRequest(**fields), caller)
    return response


async def listed(forum: Any, caller: Caller | None = None, **fields: Any) -> list[int]:
    """Return the ids on all pages, each of two posts."""
    found: list[int] = []
    token = ""
    while True:
        page = await answer(forum, caller, page_size=2, page_token=token, **fields)
        assert len(page.posts) <= 2
        found += [post.id for post in page.posts]
        token = page.next_page_token
        if not token:
            return found


async def vote(forum: Any, caller: Caller, post_id: int, value: int) -> None:
    target = target_pb2.Target(kind=target_pb2.TARGET_KIND_POST, id=post_id)
    await forum.call("SetVote", engagement.SetVoteRequest(target=target, value=value), caller)


async def follow(forum: Any, caller: Caller, kind: Any, target_id: int) -> None:
    target = target_pb2.Target(kind=kind, id=target_id)
    await forum.call("Follow", engagement.FollowRequest(target=target), caller)


async def mark_read(forum: Any, caller: Caller, post_id: int, number: int) -> None:
    request = engagement.MarkPostReadRequest(post_id=post_id, last_read_number=number)
    await forum.call("MarkPostRead", request, caller)


class TestOrder:
    async def test_an_empty_forum_has_an_empty_page(self, forum: Any) -> None:
        for sort in (0, NEW, ACTIVE, TOP, UNANSWERED):
            assert await answer(forum, sort=sort) == pb.ListPostsResponse()

    async def test_new_is_the_order_of_writing(self, forum: Any, alice: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(5)]
        await forum.reply(alice, ids[0])

        assert await listed(forum, sort=NEW) == ids[::-1]
        assert await listed(forum) == ids[::-1]

    async def test_active_is_the_order_of_the_last_replies(self, forum: Any, alice: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(5)]
        for index in (1, 3):
            await forum.reply(alice, ids[index])

        assert await listed(forum, sort=ACTIVE) == [ids[index] for index in (3, 1, 4, 2, 0)]

    async def test_top_is_the_order_of_votes(self, forum: Any, alice: Caller, bob: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(5)]
        await vote(forum, bob, ids[1], 1)
        await vote(forum, bob, ids[3], -1)

        assert await listed(forum, sort=TOP) == [ids[index] for index in (1, 4, 2, 0, 3)]
        assert await listed(forum, sort=TOP, window=pb.TOP_WINDOW_ALL) == [ids[index] for index in (1, 4, 2, 0, 3)]

    async def test_top_of_a_window_ranks_what_is_younger(
        self, forum: Any, alice: Caller, bob: Caller, change_row: Any
    ) -> None:
        ages = {"hours": timedelta(hours=23), "days": timedelta(days=2), "week": timedelta(days=8), "now": timedelta(0)}
        ids = {}
        for name, age in ages.items():
            ids[name] = await forum.post(alice)
            await change_row(models.posts, ids[name], created_time=forum.clock() - age)
            await vote(forum, bob, ids[name], 1 if age else -1)

        assert await listed(forum, sort=TOP, window=pb.TOP_WINDOW_DAY) == [ids["hours"], ids["now"]]
        assert await listed(forum, sort=TOP, window=pb.TOP_WINDOW_WEEK) == [ids["days"], ids["hours"], ids["now"]]
        assert await listed(forum, sort=NEW, window=pb.TOP_WINDOW_DAY) == [
            ids[name] for name in ("now", "hours", "days", "week")
        ]

    async def test_the_window_is_the_same_on_all_pages(self, forum: Any, alice: Caller, change_row: Any) -> None:
        ids = [await forum.post(alice) for _ in range(3)]
        for post_id in ids:
            await change_row(models.posts, post_id, created_time=forum.clock() - timedelta(hours=23))
        fields: dict[str, Any] = {"sort": TOP, "window": pb.TOP_WINDOW_DAY, "page_size": 1}
        first = await answer(forum, **fields)
        forum.clock.forward(hours=2)
        second = await answer(forum, page_token=first.next_page_token, **fields)

        assert [post.id for post in (*first.posts, *second.posts)] == [ids[2], ids[1]]
        assert (await answer(forum, **fields)).posts == []

    async def test_unanswered_leaves_out_what_has_a_reply(self, forum: Any, alice: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(4)]
        await forum.reply(alice, ids[1])

        assert await listed(forum, sort=UNANSWERED) == [ids[3], ids[2], ids[0]]

    @pytest.mark.parametrize("sort", [NEW, ACTIVE, TOP, UNANSWERED])
    async def test_posts_alike_are_on_one_page_each(
        self, forum: Any, alice: Caller, change_row: Any, sort: int
    ) -> None:
        ids = [await forum.post(alice, tags=["a"]) for _ in range(5)]
        moment = forum.clock()
        for post_id in ids:
            await change_row(models.posts, post_id, created_time=moment, last_activity_time=moment)

        for fields in ({}, {"tag": "a"}, {"author_id": alice.user_id}, {"category_id": 1}):
            assert await listed(forum, sort=sort, **fields) == ids[::-1]


class TestFilters:
    async def test_filters_narrow_together_in_every_order(self, forum: Any, alice: Caller, bob: Caller) -> None:
        garden = await forum.category()
        ids = {}
        for author in (alice, bob):
            for category_id in (1, garden):
                for tags in ([], ["a"], ["b", "a"]):
                    key = (author.user_id, category_id, *tags)
                    ids[key] = await forum.post(author, category_id=category_id, tags=tags)

        for sort in (NEW, ACTIVE, TOP, UNANSWERED):
            for fields, expected in (
                ({}, lambda key: True),
                ({"author_id": alice.user_id}, lambda key: key[0] == alice.user_id),
                ({"category_id": garden}, lambda key: key[1] == garden),
                ({"tag": "A"}, lambda key: "a" in key),
                ({"tag": "b", "author_id": bob.user_id}, lambda key: "b" in key and key[0] == bob.user_id),
                ({"tag": "a", "category_id": 1}, lambda key: "a" in key and key[1] == 1),
                (
                    {"tag": "a", "category_id": 1, "author_id": bob.user_id},
                    lambda key: "a" in key and key[:2] == (bob.user_id, 1),
                ),
            ):
                wanted = [post_id for key, post_id in ids.items() if expected(key)]
                assert await listed(forum, sort=sort, **fields) == wanted[::-1], (sort, fields)

    async def test_a_category_is_listed_with_those_below_it(self, forum: Any, alice: Caller) -> None:
        garden = await forum.category()
        trees = await forum.category(parent_id=garden)
        hidden = await forum.category(parent_id=garden, read_role="moderator", write_role="moderator")
        moderator = forum.moderator()
        ids = [
            await forum.post(moderator, category_id=category_id)
            for category_id in (garden, trees, hidden, 1, trees, garden)
        ]

        for sort in (NEW, ACTIVE, TOP, UNANSWERED):
            assert await listed(forum, alice, sort=sort, category_id=garden) == [ids[5], ids[4], ids[1], ids[0]]
            assert await listed(forum, sort=sort, category_id=trees) == [ids[4], ids[1]]
            assert await listed(forum, moderator, sort=sort, category_id=garden) == [
                ids[index] for index in (5, 4, 2, 1, 0)
            ]

    async def test_what_one_may_not_read_is_left_out(self, forum: Any, alice: Caller, bob: Caller) -> None:
        hidden = await forum.category(read_role="moderator", write_role="moderator")
        moderator = forum.moderator()
        post_id = await forum.post(alice, tags=["a"])
        hidden_id = await forum.post(moderator, category_id=hidden, tags=["a"])
        deleted_id = await forum.post(alice, tags=["a"])
        await forum.call("DeletePost", pb.DeletePostRequest(post_id=deleted_id), alice)
        request = moderation_service_pb2.CreateWordFilterRequest(phrase="casino", action="hold")
        await forum.call("CreateWordFilter", request, forum.admin())
        await forum.post(alice, content="casino", tags=["a"])

        for sort in (NEW, ACTIVE, TOP, UNANSWERED):
            for fields in ({}, {"tag": "a"}):
                assert await listed(forum, bob, sort=sort, **fields) == [post_id]
                assert await listed(forum, alice, sort=sort, **fields) == [post_id]
                assert await listed(forum, moderator, sort=sort, **fields) == [hidden_id, post_id]

    async def test_users_whom_the_caller_blocks_are_left_out(self, forum: Any, alice: Caller, bob: Caller) -> None:
        ids = [await forum.post(author) for author in (alice, bob, alice)]
        await forum.call("BlockUser", engagement.BlockUserRequest(user_id=alice.user_id), bob)

        for sort in (NEW, ACTIVE, TOP, UNANSWERED):
            assert await listed(forum, bob, sort=sort) == [ids[1]]
            assert await listed(forum, bob, sort=sort, author_id=alice.user_id) == []
            assert await listed(forum, alice, sort=sort) == ids[::-1]

    async def test_followed_posts_users_categories_and_tags(self, forum: Any, alice: Caller, bob: Caller) -> None:
        carol = forum.user("carol")
        garden = await forum.category()
        ids = [
            await forum.post(alice),
            await forum.post(carol),
            await forum.post(alice, category_id=garden, tags=["a"]),
            await forum.post(alice, tags=["b", "a"]),
            await forum.post(carol, category_id=garden),
            await forum.post(alice, tags=["b"]),
        ]
        assert await listed(forum, bob, is_followed=True) == []
        tag = next(
            tag.id for tag in (await forum.call("ListTags", tag_service_pb2.ListTagsRequest())).tags if tag.name == "a"
        )
        await follow(forum, bob, target_pb2.TARGET_KIND_POST, ids[0])
        await follow(forum, bob, target_pb2.TARGET_KIND_USER, carol.user_id)
        await follow(forum, bob, target_pb2.TARGET_KIND_CATEGORY, garden)
        await follow(forum, bob, target_pb2.TARGET_KIND_TAG, tag)

        for sort in (NEW, ACTIVE, TOP, UNANSWERED):
            assert await listed(forum, bob, sort=sort, is_followed=True) == ids[4::-1], sort
            narrowed = await listed(forum, bob, sort=sort, is_followed=True, author_id=alice.user_id, tag="b")
            assert narrowed == [ids[3]]
            assert await listed(forum, bob, sort=sort, is_followed=True, category_id=garden) == [ids[4], ids[2]]
        assert await listed(forum, alice, is_followed=True) == []

    async def test_unread_is_what_has_something_new(self, forum: Any, alice: Caller, bob: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(4)]
        for post_id in ids[:3]:
            await forum.reply(alice, post_id)
        await mark_read(forum, bob, ids[0], 1)
        await mark_read(forum, bob, ids[1], 0)
        await mark_read(forum, bob, ids[3], 0)

        for sort in (NEW, ACTIVE, TOP):
            assert await listed(forum, bob, sort=sort, is_unread=True) == [ids[2], ids[1]]
            assert await listed(forum, bob, sort=sort, is_unread=True, author_id=alice.user_id) == [ids[2], ids[1]]
        await forum.reply(alice, ids[3])
        assert await listed(forum, bob, sort=ACTIVE, is_unread=True) == [ids[3], ids[2], ids[1]]
        await forum.call("MarkAllRead", engagement.MarkAllReadRequest(), bob)
        assert await listed(forum, bob, is_unread=True) == []
        await forum.reply(alice, ids[2])
        assert await listed(forum, bob, is_unread=True) == [ids[2]]

    async def test_what_was_active_a_month_ago_counts_as_read(self, forum: Any, alice: Caller, bob: Caller) -> None:
        await forum.post(alice)
        forum.clock.forward(days=30)
        post_id = await forum.post(alice)

        assert await listed(forum, bob, is_unread=True) == [post_id]

    async def test_the_caller_sees_how_far_they_have_read(self, forum: Any, alice: Caller, bob: Caller) -> None:
        opened, other = await forum.post(alice), await forum.post(alice)
        await forum.reply(alice, opened)
        await mark_read(forum, bob, opened, 1)
        posts = {post.id: post for post in (await answer(forum, bob)).posts}

        assert posts[opened].read.last_read_number == 1
        assert not posts[other].HasField("read")
        assert not (await answer(forum)).posts[1].HasField("read")


class TestPinned:
    async def test_pinned_posts_come_along_on_the_first_page(self, forum: Any, alice: Caller) -> None:
        garden = await forum.category()
        everywhere, here, there = (
            await forum.post(alice),
            await forum.post(alice),
            await forum.post(alice, category_id=garden),
        )
        for post_id, scope in ((everywhere, "global"), (here, "category"), (there, "category")):
            pin = moderation_service_pb2.PinPostRequest(post_id=post_id, scope=scope)
            await forum.call("PinPost", pin, forum.moderator())

        async def pinned(**fields: Any) -> list[int]:
            return [post.id for post in (await answer(forum, **fields)).pinned]

        for sort in (0, NEW, ACTIVE):
            assert await pinned(sort=sort) == [everywhere]
            assert await pinned(sort=sort, category_id=1) == [here, everywhere]
            assert await pinned(sort=sort, category_id=garden) == [there]
        for fields in ({"sort": TOP}, {"sort": UNANSWERED}, {"author_id": alice.user_id}):
            assert await pinned(**fields) == []
        first = await answer(forum, page_size=1)
        assert (await answer(forum, page_size=1, page_token=first.next_page_token)).pinned == []
        assert await listed(forum) == [there, here, everywhere]

    async def test_at_most_ten_are_pinned_newest_first(self, forum: Any, alice: Caller, change_row: Any) -> None:
        ids = [await forum.post(alice) for _ in range(12)]
        for post_id in ids:
            await change_row(models.posts, post_id, pin_scope=2)

        assert [post.id for post in (await answer(forum, page_size=1)).pinned] == ids[:1:-1]

    async def test_who_is_blocked_or_out_of_sight_is_not_pinned(
        self, forum: Any, alice: Caller, bob: Caller, change_row: Any
    ) -> None:
        post_id = await forum.post(alice)
        await change_row(models.posts, post_id, pin_scope=2)
        await forum.call("BlockUser", engagement.BlockUserRequest(user_id=alice.user_id), bob)

        assert (await answer(forum, bob)).pinned == []
        assert [post.id for post in (await answer(forum)).pinned] == [post_id]
        await forum.call("DeletePost", pb.DeletePostRequest(post_id=post_id), alice)
        assert (await answer(forum)).pinned == []


class TestPages:
    async def test_a_post_is_summed_up(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, title="t", content="a **b**", tags=["x", "y"])
        await forum.reply(alice, post_id)
        listed_post = (await answer(forum)).posts[0]
        whole = (await forum.call("GetPost", pb.GetPostRequest(post_id=post_id))).post

        assert listed_post == whole.summary
        assert (listed_post.excerpt, listed_post.reply_count, list(listed_post.tags)) == ("a b", 1, ["x", "y"])

    async def test_feeds_get_the_whole_text(self, forum: Any, alice: Caller) -> None:
        post_id = await forum.post(alice, content="a **b**")
        whole = (await forum.call("GetPost", pb.GetPostRequest(post_id=post_id))).post

        assert [post.content_html for post in (await answer(forum, with_html=True)).posts] == [whole.content_html]
        assert (await answer(forum)).posts[0].content_html == ""

    async def test_sizes_of_pages(self, forum: Any, alice: Caller) -> None:
        for _ in range(3):
            await forum.post(alice)

        assert len((await answer(forum, page_size=0)).posts) == 3
        assert len((await answer(forum, page_size=2)).posts) == 2
        assert len((await answer(forum, page_size=2**31 - 1)).posts) == 3
        request = pb.ListPostsRequest(page_size=-1)
        error = await forum.refused("ListPosts", request, "INVALID_REQUEST")
        assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]

    async def test_new_posts_do_not_move_the_next_page(self, forum: Any, alice: Caller) -> None:
        ids = [await forum.post(alice) for _ in range(4)]
        first = await answer(forum, page_size=2)
        await forum.post(alice)
        second = await answer(forum, page_size=2, page_token=first.next_page_token)

        assert [post.id for post in second.posts] == [ids[1], ids[0]]
        assert second.next_page_token == ""

    async def test_a_token_is_good_for_its_own_list(self, forum: Any, alice: Caller) -> None:
        for _ in range(2):
            await forum.post(alice, tags=["a"])
        token = (await answer(forum, page_size=1)).next_page_token

        others: list[dict[str, Any]] = [
            {"sort": ACTIVE},
            {"sort": TOP},
            {"author_id": alice.user_id},
            {"category_id": 1},
            {"tag": "a"},
            {"page_token": "nonsense"},
            {"page_token": token + "A"},
        ]
        for fields in others:
            values: dict[str, Any] = {"page_token": token, "page_size": 1} | fields
            request = pb.ListPostsRequest(**values)
            await forum.refused("ListPosts", request, "PAGE_TOKEN_INVALID", alice)
        assert len((await answer(forum, page_size=1, page_token=token)).posts) == 1

    async def test_what_does_not_exist_has_no_list(self, forum: Any, alice: Caller) -> None:
        hidden = await forum.category(read_role="moderator", write_role="moderator")

        for category_id in (MISSING, -1, hidden):
            request = pb.ListPostsRequest(category_id=category_id)
            await forum.refused("ListPosts", request, "CATEGORY_NOT_FOUND", alice)
        for tag in ("nothing", "x" * 1000, "\x00"):
            await forum.refused("ListPosts", pb.ListPostsRequest(tag=tag), "TAG_NOT_FOUND", alice)
        for user_id in (MISSING, -1):
            assert await listed(forum, author_id=user_id) == []

    async def test_nobody_has_nothing_to_follow_or_read(self, forum: Any) -> None:
        await forum.refused("ListPosts", pb.ListPostsRequest(is_followed=True), "TOKEN_MISSING")
        await forum.refused("ListPosts", pb.ListPostsRequest(is_unread=True), "TOKEN_MISSING")

    async def test_unknown_orders_are_refused(self, forum: Any) -> None:
        request = pb.ListPostsRequest(sort=9, window=9)  # type: ignore[arg-type]  # as another version may send
        error = await forum.refused("ListPosts", request, "INVALID_REQUEST")

        assert error.violations == [Violation("sort", "NOT_ALLOWED"), Violation("window", "NOT_ALLOWED")]

    async def test_a_moved_clock_does_not_lose_posts_of_the_past(
        self, forum: Any, alice: Caller, change_row: Any
    ) -> None:
        post_id = await forum.post(alice)
        await change_row(models.posts, post_id, created_time=datetime(1999, 1, 1, tzinfo=UTC))

        assert await listed(forum, sort=NEW) == [post_id]
