"""Summaries of given posts, as search and bookmarks ask for them."""

from typing import Any

from plaza.forum.v1 import post_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.caller import Caller


async def summaries(forum: Any, caller: Caller, post_ids: list[int], **more: Any) -> list[post_pb2.PostSummary]:
    async with forum.service.foundation.database.read() as connection:
        found: list[post_pb2.PostSummary] = await forum.service.summaries.of(connection, caller, post_ids, **more)
        return found


async def test_summaries_keep_the_order_and_leave_out_what_one_may_not_read(forum: Any) -> None:
    alice, bob, moderator = forum.user("alice"), forum.user("bob"), forum.moderator()
    hidden = await forum.category(read_role="moderator", write_role="moderator")
    first, deleted, last = [await forum.post(alice) for _ in range(3)]
    hidden_id = await forum.post(moderator, category_id=hidden)
    await forum.call("DeletePost", pb.DeletePostRequest(post_id=deleted), alice)
    ids = [last, hidden_id, 2**53, deleted, first]

    assert [post.id for post in await summaries(forum, bob, ids)] == [last, first]
    assert [post.id for post in await summaries(forum, moderator, ids)] == [last, hidden_id, deleted, first]
    assert await summaries(forum, bob, []) == []


async def test_html_comes_only_if_it_is_wanted(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice, content="**a**")

    assert "<strong>a</strong>" in (await summaries(forum, alice, [post_id], with_html=True))[0].content_html
    assert (await summaries(forum, alice, [post_id]))[0].content_html == ""
