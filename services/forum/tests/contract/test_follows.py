"""Follows: posts, categories, tags and users."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import insert

from forum import models
from plaza.forum.v1 import category_service_pb2, post_service_pb2, tag_service_pb2
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_REPLY,
    TARGET_KIND_TAG,
    TARGET_KIND_USER,
    Target,
)
from plaza_kit.errors import Violation


async def follow(forum: Any, kind: Any, target_id: int, user: Any) -> None:
    await forum.call("Follow", pb.FollowRequest(target=Target(kind=kind, id=target_id)), user)


async def unfollow(forum: Any, kind: Any, target_id: int, user: Any) -> None:
    await forum.call("Unfollow", pb.UnfollowRequest(target=Target(kind=kind, id=target_id)), user)


async def followed(forum: Any, user: Any, **request: Any) -> list[tuple[int, str]]:
    """Return kind and name of what a user follows."""
    response = await forum.call("ListFollows", pb.ListFollowsRequest(**request), user)
    return [(each.target.kind, each.name) for each in response.follows]


async def tag_of(forum: Any, name: str) -> int:
    response = await forum.call("ListTags", tag_service_pb2.ListTagsRequest(prefix=name))
    return int(response.tags[0].id)


@pytest.fixture
async def everything(forum: Any) -> list[tuple[Any, int]]:
    """What bob follows: one of each kind, in this order."""
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice, title="A post", tags=["garden"])
    category = await forum.category(name="Yard")
    targets = [
        (TARGET_KIND_POST, post),
        (TARGET_KIND_CATEGORY, category),
        (TARGET_KIND_TAG, await tag_of(forum, "garden")),
        (TARGET_KIND_USER, alice.user_id),
    ]
    for kind, target_id in targets:
        await follow(forum, kind, target_id, bob)
    return targets


async def test_all_four_kinds_are_listed_newest_first_by_name(forum: Any, everything: Any) -> None:
    bob = forum.user("bob")
    kind, target_id = everything[0]
    await follow(forum, kind, target_id, bob)

    names = ["alice", "garden", "Yard", "A post"]
    assert await followed(forum, bob) == list(zip(reversed([kind for kind, _ in everything]), names, strict=True))
    assert await followed(forum, bob, kind=TARGET_KIND_TAG) == [(TARGET_KIND_TAG, "garden")]
    assert await followed(forum, forum.user("alice")) == []


async def test_a_follow_ends_once_or_more(forum: Any, everything: Any) -> None:
    bob = forum.user("bob")
    for _ in range(2):
        for kind, target_id in everything:
            await unfollow(forum, kind, target_id, bob)

    assert await followed(forum, bob) == []


async def test_what_may_no_longer_be_read_is_left_out_and_can_be_unfollowed(forum: Any, everything: Any) -> None:
    alice, bob, mod = forum.user("alice"), forum.user("bob"), forum.moderator()
    (_, post), (_, category), (_, tag), _ = everything
    await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=post), alice)
    await forum.call("DeleteTag", tag_service_pb2.DeleteTagRequest(tag_id=tag), mod)
    fields = category_service_pb2.CategoryFields(read_role="moderator")
    request = category_service_pb2.UpdateCategoryRequest(
        category_id=category, fields=fields, update_mask=FieldMask(paths=["read_role"])
    )
    await forum.call("UpdateCategory", request, forum.admin())
    seen = await followed(forum, bob)
    await unfollow(forum, TARGET_KIND_POST, post, bob)
    again = pb.UnfollowRequest(target=Target(kind=TARGET_KIND_POST, id=post))
    await forum.refused("Unfollow", again, "POST_NOT_FOUND", bob)

    assert seen == [(TARGET_KIND_USER, "alice")]


async def test_nobody_follows_a_category_that_is_gone(forum: Any, everything: Any) -> None:
    _, (_, category), *_ = everything
    request = category_service_pb2.DeleteCategoryRequest(category_id=category)
    await forum.call("DeleteCategory", request, forum.admin())

    again = pb.UnfollowRequest(target=Target(kind=TARGET_KIND_CATEGORY, id=category))
    await forum.refused("Unfollow", again, "CATEGORY_NOT_FOUND", forum.user("bob"))


async def test_nobody_follows_themselves(forum: Any) -> None:
    alice = forum.user("alice")
    await forum.post(alice)
    request = pb.FollowRequest(target=Target(kind=TARGET_KIND_USER, id=alice.user_id))
    await forum.refused("Follow", request, "OWN_CONTENT", alice)

    assert await followed(forum, alice) == []


async def test_there_are_at_most_1_000_of_a_kind(forum: Any) -> None:
    alice = forum.user("alice")
    post, category = await forum.post(alice), await forum.category()
    row = {"user_id": alice.user_id, "target_kind": 1, "created_time": datetime.now(UTC)}

    async def fill(connection: Any) -> None:
        rows = [row | {"target_id": 1_000_000 + number} for number in range(1000)]
        await connection.execute(insert(models.follows), rows)

    await forum.service.foundation.database.write(fill)
    request = pb.FollowRequest(target=Target(kind=TARGET_KIND_POST, id=post))
    error = await forum.refused("Follow", request, "LIMIT_REACHED", alice)
    await follow(forum, TARGET_KIND_CATEGORY, category, alice)

    assert error.metadata == {"limit": "1000"}
    assert [kind for kind, _ in await followed(forum, alice)] == [TARGET_KIND_CATEGORY]


async def test_the_reader_of_a_post_sees_whether_they_follow_it(forum: Any, everything: Any) -> None:
    request = post_service_pb2.GetPostRequest(post_id=everything[0][1])
    seen = [
        (await forum.call("GetPost", request, user)).post.viewer.is_followed
        for user in (forum.user("bob"), forum.user("alice"))
    ]

    assert seen == [True, False]


async def test_pages_and_reasons_of_the_list(forum: Any, everything: Any) -> None:
    bob = forum.user("bob")
    first = await forum.call("ListFollows", pb.ListFollowsRequest(page_size=3), bob)
    token = first.next_page_token
    rest = await followed(forum, bob, page_token=token)
    size = await forum.refused("ListFollows", pb.ListFollowsRequest(page_size=-1), "INVALID_REQUEST", bob)
    kind = await forum.refused("ListFollows", pb.ListFollowsRequest(kind=TARGET_KIND_REPLY), "INVALID_REQUEST", bob)
    other_list = pb.ListFollowsRequest(page_token=token, kind=TARGET_KIND_POST)
    await forum.refused("ListFollows", other_list, "PAGE_TOKEN_INVALID", bob)
    await forum.refused("ListFollows", pb.ListFollowsRequest(page_token=token), "PAGE_TOKEN_INVALID", forum.user("c"))

    assert (len(first.follows), rest) == (3, [(TARGET_KIND_POST, "A post")])
    assert size.violations == [Violation("page_size", "OUT_OF_RANGE")]
    assert kind.violations == [Violation("kind", "NOT_ALLOWED")]
