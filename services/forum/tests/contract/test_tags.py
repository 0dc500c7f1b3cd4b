"""Tags: one name, one tag; who may make and use them; what renaming and deleting does to posts."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from forum import models
from plaza.forum.v1 import post_service_pb2, target_pb2
from plaza.forum.v1 import tag_service_pb2 as pb
from plaza.forum.v1.engagement_service_pb2 import FollowRequest
from plaza.forum.v1.forum_events_pb2 import TagChanged
from plaza_kit.errors import Violation


async def tags_of(forum: Any, post_id: int) -> list[str]:
    response = await forum.call("GetPost", post_service_pb2.GetPostRequest(post_id=post_id))
    return list(response.post.summary.tags)


async def retag(forum: Any, caller: Any, post_id: int, *names: str) -> None:
    request = post_service_pb2.UpdatePostRequest(post_id=post_id, tags=names, replace_tags=True)
    await forum.call("UpdatePost", request, caller)


async def listed(forum: Any, **request: Any) -> list[tuple[str, int]]:
    response = await forum.call("ListTags", pb.ListTagsRequest(**request))
    return [(tag.name, tag.post_count) for tag in response.tags]


async def tag_id(forum: Any, name: str) -> int:
    response = await forum.call("ListTags", pb.ListTagsRequest(prefix=name))
    return next(int(tag.id) for tag in response.tags if tag.name == name)


async def count(forum: Any, table: Any) -> int:
    async with forum.service.foundation.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


def update(wanted: int, **fields: Any) -> pb.UpdateTagRequest:
    return pb.UpdateTagRequest(tag_id=wanted, **fields)


class TestUse:
    async def test_tags_come_to_be_by_being_used_and_keep_the_author_s_order(self, forum: Any) -> None:
        alice = forum.user("alice")
        first = await forum.post(alice, tags=["zinnia", "花园", "apple"])
        second = await forum.post(alice, tags=["apple"])

        assert await tags_of(forum, first) == ["zinnia", "花园", "apple"]
        assert await tags_of(forum, second) == ["apple"]
        assert (await listed(forum))[0] == ("apple", 2)
        assert sorted(await listed(forum)) == [("apple", 2), ("zinnia", 1), ("花园", 1)]

    @pytest.mark.parametrize("spelling", ["GARDEN", "ｇａｒｄｅｎ", "  garden "])
    async def test_spellings_that_normalise_alike_are_one_tag(self, forum: Any, spelling: str) -> None:
        alice = forum.user("alice")
        await forum.post(alice, tags=["Garden"])
        post = await forum.post(alice, tags=[spelling, "garden"])

        assert await tags_of(forum, post) == ["Garden"]
        assert await listed(forum) == [("Garden", 2)]

    @pytest.mark.parametrize(
        ("name", "code", "limit"),
        [
            ("a,b", "BAD_FORMAT", 0),
            ("a/b", "BAD_FORMAT", 0),
            ("a\tb", "BAD_FORMAT", 0),
            ("a\u2028b", "BAD_FORMAT", 0),
            ("   ", "BLANK", 1),
            ("x" * 41, "TOO_LONG", 40),
            ("\ufdfa" * 40, "TOO_LONG", 40),
        ],
    )
    async def test_a_broken_name_is_refused(self, forum: Any, name: str, code: str, limit: int) -> None:
        request = post_service_pb2.CreatePostRequest(title="t", content="c", tags=["fine", name])
        error = await forum.refused("CreatePost", request, "INVALID_REQUEST", forum.user("alice"))

        assert error.violations == [Violation("tags.1", code, limit)]
        assert await listed(forum) == []

    async def test_new_tags_of_a_post_count_and_old_ones_do_not_any_more(self, forum: Any) -> None:
        alice = forum.user("alice")
        post = await forum.post(alice, tags=["a", "b"])
        await retag(forum, alice, post, "b", "c")
        changed = (await tags_of(forum, post), sorted(await listed(forum)))
        await retag(forum, alice, post, "c", "b")
        turned = await tags_of(forum, post)
        await retag(forum, alice, post)

        assert changed == (["b", "c"], [("a", 0), ("b", 1), ("c", 1)])
        assert turned == ["c", "b"]
        assert await tags_of(forum, post) == []
        assert sorted(await listed(forum)) == [("a", 0), ("b", 0), ("c", 0)]

    async def test_a_restricted_tag_is_for_moderators_but_stays_where_it_is(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        post, other = await forum.post(alice, tags=["news"]), await forum.post(alice)
        news = await tag_id(forum, "news")
        await forum.call("UpdateTag", update(news, is_restricted=True), mod)
        request = post_service_pb2.UpdatePostRequest(post_id=other, tags=["NEWS"], replace_tags=True)
        await forum.refused("UpdatePost", request, "TAG_NOT_ALLOWED", alice)
        await retag(forum, alice, post, "more", "news")
        await forum.post(mod, tags=["news"])

        assert await tags_of(forum, post) == ["more", "news"]
        assert await tags_of(forum, other) == []
        assert (await forum.call("GetTag", pb.GetTagRequest(tag_id=news))).tag.post_count == 2

    @pytest.mark.parametrize("settings_changes", [{"tag_create_role": "moderator"}])
    async def test_who_may_make_tags_is_a_setting(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        request = post_service_pb2.CreatePostRequest(title="t", content="c", tags=["new"])
        await forum.refused("CreatePost", request, "TAG_NOT_ALLOWED", alice)
        await forum.post(mod, tags=["new"])
        post = await forum.post(alice, tags=["new"])

        assert await tags_of(forum, post) == ["new"]

    async def test_posts_that_make_the_same_tags_at_once_share_them(self, forum: Any) -> None:
        users = [forum.user(f"user-{number}") for number in range(6)]
        names = ["a", "b", "c", "d"]
        posts = [forum.post(user, tags=names[n % 4 :] + names[: n % 4]) for n, user in enumerate(users)]
        await asyncio.gather(*posts)

        assert sorted(await listed(forum)) == [(name, 6) for name in names]


class TestList:
    async def test_the_most_used_come_first_page_by_page(self, forum: Any) -> None:
        alice = forum.user("alice")
        for names in (["a", "b", "c"], ["b", "c", "d"], ["c", "e"]):
            await forum.post(alice, tags=names)
        names, token = [], ""
        while True:
            response = await forum.call("ListTags", pb.ListTagsRequest(page_size=2, page_token=token))
            names += [tag.name for tag in response.tags]
            token = response.next_page_token
            if not token:
                break

        assert names == ["c", "b", "e", "d", "a"]

    async def test_a_prefix_is_normalised(self, forum: Any) -> None:
        await forum.post(forum.user("alice"), tags=["Garden", "gardening", "guard", "100%"])

        assert sorted(await listed(forum, prefix="ＧＡＲ")) == [("Garden", 1), ("gardening", 1)]
        assert await listed(forum, prefix="%") == []

    async def test_reasons(self, forum: Any) -> None:
        await forum.post(forum.user("alice"), tags=["a", "b"])
        token = (await forum.call("ListTags", pb.ListTagsRequest(page_size=1))).next_page_token
        size = await forum.refused("ListTags", pb.ListTagsRequest(page_size=-1), "INVALID_REQUEST")
        prefix = await forum.refused("ListTags", pb.ListTagsRequest(prefix="x" * 41), "INVALID_REQUEST")
        await forum.refused("ListTags", pb.ListTagsRequest(page_token="x"), "PAGE_TOKEN_INVALID")
        await forum.refused("ListTags", pb.ListTagsRequest(page_token=token, prefix="a"), "PAGE_TOKEN_INVALID")
        await forum.refused("GetTag", pb.GetTagRequest(tag_id=999), "TAG_NOT_FOUND")

        assert size.violations == [Violation("page_size", "OUT_OF_RANGE")]
        assert prefix.violations == [Violation("prefix", "TOO_LONG", 40)]


class TestUpdate:
    async def test_a_new_name_shows_on_all_posts(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        posts = [await forum.post(alice, tags=["garden", "x"]) for _ in range(2)]
        garden = await tag_id(forum, "garden")
        request = update(garden, name=" Gardening ", description="What grows")
        changed = (await forum.call("UpdateTag", request, mod)).tag

        assert (changed.name, changed.description, changed.post_count) == ("Gardening", "What grows", 2)
        assert [await tags_of(forum, post) for post in posts] == [["Gardening", "x"]] * 2
        assert (await forum.call("GetTag", pb.GetTagRequest(tag_id=garden))).tag == changed
        assert await forum.events(TagChanged) == [TagChanged(tag_id=garden, actor_id=mod.user_id)]

    async def test_only_a_change_is_announced_and_written_down(self, forum: Any) -> None:
        mod = forum.moderator()
        await forum.post(mod, tags=["garden"])
        garden = await tag_id(forum, "garden")
        await forum.call("UpdateTag", update(garden, name="garden", is_restricted=False), mod)
        unchanged = await forum.events(TagChanged)
        await forum.call("UpdateTag", update(garden, name="GARDEN"), mod)
        async with forum.service.foundation.database.read() as connection:
            entries = (await connection.execute(select(models.audit_entries))).mappings().all()

        assert unchanged == []
        assert len(await forum.events(TagChanged)) == 1
        assert [(entry["action"], entry["target_kind"], entry["target_id"], entry["detail"]) for entry in entries] == [
            ("tag.update", 4, garden, "GARDEN")
        ]

    async def test_reasons(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        await forum.post(alice, tags=["a", "b"])
        first = await tag_id(forum, "a")
        await forum.refused("UpdateTag", update(first, name="c"), "PERMISSION_DENIED", alice)
        await forum.refused("UpdateTag", update(999, name=""), "TAG_NOT_FOUND", mod)
        await forum.refused("UpdateTag", update(first, name="B"), "TAG_NAME_TAKEN", mod)
        request = update(first, name="x/y", description="d" * 501)
        error = await forum.refused("UpdateTag", request, "INVALID_REQUEST", mod)

        assert error.violations == [Violation("name", "BAD_FORMAT"), Violation("description", "TOO_LONG", 500)]
        assert sorted(await listed(forum)) == [("a", 1), ("b", 1)]


class TestDelete:
    async def test_a_deleted_tag_is_on_no_post_and_its_name_is_free(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        post = await forum.post(alice, tags=["a", "b"])
        gone = await tag_id(forum, "a")
        await forum.call("DeleteTag", pb.DeleteTagRequest(tag_id=gone), mod)
        after = (await tags_of(forum, post), await listed(forum))
        await retag(forum, alice, post, "a")
        again = await tag_id(forum, "a")

        assert after == (["b"], [("b", 1)])
        assert again != gone
        assert await tags_of(forum, post) == ["a"]
        assert await forum.events(TagChanged) == [TagChanged(tag_id=gone, actor_id=mod.user_id, is_deleted=True)]

    async def test_is_for_moderators_and_happens_once(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        await forum.post(alice, tags=["a"])
        request = pb.DeleteTagRequest(tag_id=await tag_id(forum, "a"))
        await forum.refused("DeleteTag", request, "PERMISSION_DENIED", alice)
        await forum.call("DeleteTag", request, mod)
        await forum.refused("DeleteTag", request, "TAG_NOT_FOUND", mod)
        await forum.refused("GetTag", pb.GetTagRequest(tag_id=request.tag_id), "TAG_NOT_FOUND")

        assert await listed(forum) == []

    @pytest.mark.parametrize(("limit", "expected"), [(500, [4, 0]), (2, [2, 2, 0]), (1, [1, 1, 1, 1, 0])])
    async def test_what_is_left_of_it_is_thrown_away_bit_by_bit(
        self, forum: Any, limit: int, expected: list[int]
    ) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        for _ in range(2):
            await forum.post(alice, tags=["a", "b"])
        deleted = await tag_id(forum, "a")
        followed = target_pb2.Target(kind=target_pb2.TARGET_KIND_TAG, id=deleted)
        await forum.call("Follow", FollowRequest(target=followed), alice)
        await forum.call("DeleteTag", pb.DeleteTagRequest(tag_id=deleted), mod)
        tags, database = forum.service.foundation.repositories.tags, forum.service.foundation.database
        gone = [-1]
        while gone[-1]:
            gone.append(await database.write(lambda connection: tags.purge(connection, limit)))

        assert gone[1:] == expected
        assert [await count(forum, table) for table in (models.post_tags, models.tags, models.follows)] == [2, 1, 0]

    async def test_housekeeping_knows_of_it(self, forum: Any) -> None:
        alice, mod = forum.user("alice"), forum.moderator()
        await forum.post(alice, tags=["a"])
        await forum.call("DeleteTag", pb.DeleteTagRequest(tag_id=await tag_id(forum, "a")), mod)

        assert (await forum.service.housekeeping.clean_up())["tags"] == 2
        assert await count(forum, models.tags) == 0
