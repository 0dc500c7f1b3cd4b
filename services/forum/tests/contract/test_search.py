"""Search as callers see it: a real Redis, the relay and the index run beside the server."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from html import unescape
from typing import Any

import pytest
from redis.asyncio import Redis

from forum import models
from forum.main import SERVICE
from plaza.forum.v1 import (
    category_service_pb2,
    moderation_service_pb2,
    post_service_pb2,
    reply_service_pb2,
)
from plaza.forum.v1 import search_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_REMOVED
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target, TargetKind
from plaza_kit.caller import Caller
from plaza_kit.event_stream import stream_name
from plaza_kit.outbox import Outbox
from plaza_kit.relay import Relay
from plaza_kit.testing.polling import eventually

Hits = list[tuple[int, int]]


class Searching:
    """A forum whose changes can be found in time."""

    def __init__(self, forum: Any) -> None:
        self.forum = forum

    async def search(self, query: str, caller: Caller | None = None, **more: Any) -> pb.SearchResponse:
        response: pb.SearchResponse = await self.forum.call("Search", pb.SearchRequest(query=query, **more), caller)
        return response

    async def hits(self, query: str, caller: Caller | None = None, **more: Any) -> Hits:
        response = await self.search(query, caller, **more)
        return [(hit.post_id, hit.reply_id) for hit in response.hits]

    async def finds(self, expected: Hits, query: str, caller: Caller | None = None, **more: Any) -> None:
        """Wait until a search has exactly these hits, in any order."""

        async def is_so() -> bool:
            assert sorted(await self.hits(query, caller, **more)) == sorted(expected)
            return True

        await eventually(is_so, timeout=15)


@pytest.fixture
async def searching(forum: Any, redis_url: str) -> AsyncIterator[Searching]:
    redis: Any = Redis.from_url(redis_url)
    await redis.delete(stream_name(SERVICE, 0))
    service, stop = forum.service, asyncio.Event()
    relay = Relay(service.foundation.database, Outbox(models.outbox, source=SERVICE), models.leases, redis)
    tasks = [asyncio.create_task(part(stop)) for part in (relay.run, partial(service.indexing.run, redis))]
    await eventually(lambda: service.indexing.index is not None, timeout=15)
    yield Searching(forum)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 15)
    await redis.aclose()


def restored(kind: "TargetKind.ValueType", target_id: int) -> moderation_service_pb2.RestoreContentRequest:
    return moderation_service_pb2.RestoreContentRequest(target=Target(kind=kind, id=target_id))


@pytest.fixture
def alice(forum: Any) -> Caller:
    return forum.user("alice")  # type: ignore[no-any-return]


async def test_words_of_titles_posts_and_replies_are_found(searching: Searching, alice: Caller) -> None:
    post_id = await searching.forum.post(alice, title="Growing Tomatoes", content="Water them **daily**.")
    other_id = await searching.forum.post(alice, title="Cucumbers", content="They want water too.")
    reply = await searching.forum.reply(alice, post_id, "Rain WATER is best")

    await searching.finds([(post_id, 0), (other_id, 0), (post_id, reply.id)], "water")
    assert await searching.hits("tomatoes") == [(post_id, 0)]
    assert await searching.hits("daily") == [(post_id, 0)]
    assert await searching.hits("water rain") == [(post_id, reply.id)]
    assert await searching.hits("water snow") == []


async def test_two_chinese_characters_are_found_inside_a_sentence(searching: Searching, alice: Caller) -> None:
    post_id = await searching.forum.post(alice, title="部署的问题", content="我们的数据库昨天晚上没有响应。")
    reply = await searching.forum.reply(alice, post_id, "检查一下网络连接")

    await searching.finds([(post_id, reply.id)], "网络")
    for query in ("数据", "据库", "数据库", "昨天 响应", "数据库昨天", "部署", "问题", "库", '"我们的数据库"'):
        assert await searching.hits(query) == [(post_id, 0)], query
    for query in ("库数", "数库", "数据昨天", "网站"):
        assert await searching.hits(query) == [], query


async def test_a_phrase_stands_together_and_words_stand_anywhere(searching: Searching, alice: Caller) -> None:
    together = await searching.forum.post(alice, title="one", content="The quick brown fox jumps.")
    apart = await searching.forum.post(alice, title="two", content="Brown bread is quick to make, said the fox.")

    await searching.finds([(together, 0), (apart, 0)], "quick brown fox")
    assert await searching.hits('"quick brown fox"') == [(together, 0)]
    assert await searching.hits('"QUICK Brown" fox') == [(together, 0)]


@pytest.mark.parametrize(
    "query",
    [
        "title:*",
        'title:* OR "',
        "NOT quick",
        "-quick +slow",
        "quick~2 AND (",
        "/.*/",
        "[a TO z]",
        "text:quick^99",
        "\\",
        '"""',
        "quick\x00slow",
        "*:*",
    ],
)
async def test_operators_are_text(searching: Searching, alice: Caller, query: str) -> None:
    post_id = await searching.forum.post(alice, title="quick", content="A fox.")
    await searching.finds([(post_id, 0)], "quick")

    assert await searching.hits(query) == []


async def test_a_query_of_signs_finds_nothing(searching: Searching, alice: Caller) -> None:
    await searching.forum.post(alice, title="?!", content="...")

    assert await searching.search(" ?! … ") == pb.SearchResponse()


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [({}, "query"), ({"query": "x" * 201}, "query"), ({"query": "a", "page_size": -1}, "page_size")],
)
async def test_broken_requests_are_refused(searching: Searching, request_fields: dict[str, Any], field: str) -> None:
    error = await searching.forum.refused("Search", pb.SearchRequest(**request_fields), "INVALID_REQUEST")

    assert [violation.field for violation in error.violations] == [field]


async def test_the_longest_query_is_answered(searching: Searching) -> None:
    assert await searching.hits("数" * 200) == []
    assert await searching.hits("a " * 100) == []


async def test_without_an_index_search_is_unavailable(forum: Any) -> None:
    error = await forum.refused("Search", pb.SearchRequest(query="a"), "UNAVAILABLE")

    assert error.retry_after > 0


async def test_hits_show_where_they_match_and_nothing_else_as_html(searching: Searching, alice: Caller) -> None:
    content = "Some <script>alert(1)</script> & a *bicycle*. " + "filler " * 100
    post_id = await searching.forum.post(alice, title="A <b>Bicycle</b> & more", content=content)
    await searching.finds([(post_id, 0)], "bicycle")

    [hit] = (await searching.search("bicycle")).hits

    assert hit.title == "A <b>Bicycle</b> & more"
    assert hit.title_html == "A &lt;b&gt;<mark>Bicycle</mark>&lt;/b&gt; &amp; more"
    assert hit.excerpt_html.startswith(
        "Some &lt;script&gt;alert(1)&lt;/script&gt; &amp; a <mark>bicycle</mark>. filler"
    )
    assert len(unescape(re.sub(r"</?mark>", "", hit.excerpt_html))) <= 200
    assert (hit.author.username, hit.category_id) == ("alice", 1)
    assert hit.created_time.seconds > 0


async def test_what_is_edited_is_found_by_its_new_words(searching: Searching, alice: Caller) -> None:
    post_id = await searching.forum.post(alice, title="old title", content="first")
    reply = await searching.forum.reply(alice, post_id, "former words")
    await searching.finds([(post_id, reply.id)], "former")

    edit = post_service_pb2.UpdatePostRequest(post_id=post_id, title="new title", content="second")
    await searching.forum.call("UpdatePost", edit, alice)
    edit_reply = reply_service_pb2.UpdateReplyRequest(reply_id=reply.id, content="latter words")
    await searching.forum.call("UpdateReply", edit_reply, alice)

    await searching.finds([(post_id, reply.id)], "latter")
    assert await searching.hits("former") == []
    await searching.finds([(post_id, 0)], "second new")
    assert await searching.hits("first") == []


async def test_what_is_deleted_vanishes_at_once_and_comes_back_with_its_replies(
    searching: Searching, alice: Caller
) -> None:
    forum, moderator = searching.forum, searching.forum.moderator()
    post_id = await forum.post(alice, title="pelican", content="a bird")
    reply = await forum.reply(alice, post_id, "pelican too")
    await searching.finds([(post_id, 0), (post_id, reply.id)], "pelican")

    await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=post_id), alice)
    assert await searching.hits("pelican") == []
    assert await searching.hits("pelican", moderator) == []

    await eventually(lambda: searching.forum.service.indexing.index.document_count == 0, timeout=15)
    await forum.call("RestoreContent", restored(TARGET_KIND_POST, post_id), moderator)
    await searching.finds([(post_id, 0), (post_id, reply.id)], "pelican")


async def test_replies_vanish_with_those_below_and_come_back_with_them(searching: Searching, alice: Caller) -> None:
    forum, moderator = searching.forum, searching.forum.moderator()
    post_id = await forum.post(alice)
    upper = await forum.reply(alice, post_id, "walrus one")
    lower = await forum.reply(alice, post_id, "walrus two", parent=upper.id)
    await searching.finds([(post_id, upper.id), (post_id, lower.id)], "walrus")

    removal = moderation_service_pb2.RemoveContentRequest(
        target=Target(kind=TARGET_KIND_REPLY, id=upper.id), reason="spam"
    )
    await forum.call("RemoveContent", removal, moderator)
    assert await searching.hits("walrus") == []

    await eventually(lambda: forum.service.indexing.index.document_count == 1, timeout=15)
    await forum.call("RestoreContent", restored(TARGET_KIND_REPLY, upper.id), moderator)
    await searching.finds([(post_id, upper.id), (post_id, lower.id)], "walrus")


async def test_moved_posts_are_found_in_their_new_category_with_their_replies(
    searching: Searching, alice: Caller
) -> None:
    forum, moderator = searching.forum, searching.forum.moderator()
    parent_id = await forum.category()
    category_id = await forum.category(parent_id=parent_id)
    post_id = await forum.post(alice, title="heron")
    reply = await forum.reply(alice, post_id, "heron")
    both = [(post_id, 0), (post_id, reply.id)]
    await searching.finds(both, "heron", category_id=1)

    await forum.call(
        "MovePost", moderation_service_pb2.MovePostRequest(post_id=post_id, category_id=category_id), moderator
    )

    await searching.finds(both, "heron", category_id=category_id)
    assert sorted(await searching.hits("heron", category_id=parent_id)) == both
    await searching.finds([], "heron", category_id=1)


async def test_merged_replies_are_found_under_their_new_post(searching: Searching, alice: Caller) -> None:
    forum = searching.forum
    source, target = await forum.post(alice), await forum.post(alice)
    reply = await forum.reply(alice, source, "stork")
    await searching.finds([(source, reply.id)], "stork")

    merge = moderation_service_pb2.MergeRepliesRequest(post_id=source, target_post_id=target, reply_ids=[reply.id])
    await forum.call("MergeReplies", merge, forum.moderator())

    await searching.finds([(target, reply.id)], "stork")
    await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=source), alice)
    assert await searching.hits("stork") == [(target, reply.id)]


async def test_categories_for_moderators_are_searched_for_moderators_only(searching: Searching, alice: Caller) -> None:
    forum, moderator = searching.forum, searching.forum.moderator()
    category_id = await forum.category(read_role="moderator", write_role="moderator")
    post_id = await forum.post(moderator, title="osprey", category_id=category_id)
    reply = await forum.reply(moderator, post_id, "osprey")
    both = [(post_id, 0), (post_id, reply.id)]
    await searching.finds(both, "osprey", moderator)

    for caller in (None, alice):
        assert await searching.hits("osprey", caller) == []
        assert await searching.hits("osprey", caller, category_id=category_id) == []

    opened = category_service_pb2.CategoryFields(read_role="anyone")
    update = category_service_pb2.UpdateCategoryRequest(category_id=category_id, fields=opened)
    update.update_mask.paths.append("read_role")
    await forum.call("UpdateCategory", update, forum.admin())
    await searching.finds(both, "osprey")


async def test_an_index_that_is_late_shows_nothing_that_is_out_of_sight(
    searching: Searching, alice: Caller, change_row: Any
) -> None:
    post_id = await searching.forum.post(alice, title="magpie")
    reply = await searching.forum.reply(alice, post_id, "magpie")
    await searching.finds([(post_id, 0), (post_id, reply.id)], "magpie")

    await change_row(models.replies, reply.id, status=CONTENT_STATUS_REMOVED)  # without an event
    assert await searching.hits("magpie") == [(post_id, 0)]
    await change_row(models.posts, post_id, status=CONTENT_STATUS_REMOVED)
    assert await searching.hits("magpie") == []


async def test_filters_narrow(searching: Searching, alice: Caller) -> None:
    forum, bob = searching.forum, searching.forum.user("bob")
    tagged = await forum.post(alice, title="finch", tags=["Birds"])
    plain = await forum.post(bob, title="finch")
    reply = await forum.reply(bob, tagged, "finch")
    everything = [(tagged, 0), (plain, 0), (tagged, reply.id)]
    await searching.finds(everything, "finch")

    assert sorted(await searching.hits("finch", tag="birds")) == sorted([(tagged, 0), (tagged, reply.id)])
    assert sorted(await searching.hits("finch", author_id=bob.user_id)) == sorted([(plain, 0), (tagged, reply.id)])
    assert sorted(await searching.hits("finch", kind=pb.SEARCH_KIND_POST)) == sorted([(tagged, 0), (plain, 0)])
    assert await searching.hits("finch", kind=pb.SEARCH_KIND_REPLY) == [(tagged, reply.id)]
    for nothing in ({"tag": "fish"}, {"category_id": 999}, {"author_id": 999}):
        assert await searching.hits("finch", **nothing) == []

    edit = post_service_pb2.UpdatePostRequest(post_id=tagged, tags=["Fish"], replace_tags=True)
    await forum.call("UpdatePost", edit, alice)
    await searching.finds([(tagged, 0), (tagged, reply.id)], "finch", tag="fish")
    assert await searching.hits("finch", tag="birds") == []


async def test_pages_follow_each_other_and_their_tokens_fit_one_search(searching: Searching, alice: Caller) -> None:
    posts = [await searching.forum.post(alice, title="sparrow") for _ in range(5)]
    await searching.finds([(post_id, 0) for post_id in posts], "sparrow")
    found: Hits = []
    token = ""
    for size in (2, 2, 1):
        response = await searching.search("sparrow", page_size=2, page_token=token)
        assert len(response.hits) == size
        found += [(hit.post_id, hit.reply_id) for hit in response.hits]
        token, before = response.next_page_token, token

    assert token == ""
    assert sorted(found) == [(post_id, 0) for post_id in posts]
    other = pb.SearchRequest(query="robin", page_token=before)
    await searching.forum.refused("Search", other, "PAGE_TOKEN_INVALID")


async def test_titles_and_what_is_new_come_first(searching: Searching, alice: Caller) -> None:
    forum = searching.forum
    forum.clock.forward(days=-900)
    old = await forum.post(alice, title="owl news", content="the owl")
    forum.clock.forward(days=900)
    in_text = await forum.post(alice, title="birds at night", content="once an owl was there, and other birds too")
    new = await forum.post(alice, title="owl news", content="the owl")
    await searching.finds([(old, 0), (new, 0), (in_text, 0)], "owl")

    assert (await searching.hits("owl"))[0] == (new, 0)
    assert (await searching.hits("owl news")) == [(new, 0), (old, 0)]
