"""GetPostTree: the whole tree in a constant number of statements, cut at the limits of number and size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.forum.v1 import moderation_service_pb2 as moderation_pb
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.forum.v1 import reply_service_pb2 as reply_pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza_kit.caller import Caller

SMALL = 64 * 1024


async def tree(forum: Any, post_id: int, caller: Caller | None = None) -> pb.GetPostTreeResponse:
    response: pb.GetPostTreeResponse = await forum.call("GetPostTree", pb.GetPostTreeRequest(post_id=post_id), caller)
    return response


async def grow(forum: Any, post_id: int, author: Caller, texts: list[str], *, is_chain: bool = False) -> None:
    """Write replies straight into the database, side by side or each below the one before it."""
    rows = forum.service.foundation.repositories.replies

    async def work(connection: AsyncConnection) -> None:
        parent_id = None
        for text in texts:
            now = forum.clock()
            await rows.take_number(connection, post_id, is_live=True, now=now)
            place = await rows.find_place(connection, post_id, 0)
            values = {
                "post_id": post_id,
                "parent_id": parent_id if is_chain else None,
                "number": place.number,
                "depth": place.number - 1 if is_chain else 0,
                "author_id": author.user_id,
                "status": CONTENT_STATUS_LIVE,
                "content": text,
                "content_html": "",
                "content_hash": b"",
                "created_time": now,
                "updated_time": now,
            }
            parent_id = await rows.insert(connection, values)

    await forum.service.foundation.database.write(work)


@contextmanager
def statements(forum: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the statements of reads, whichever way they go."""
    database = forum.service.foundation.database
    engine = database._reader.sync_engine
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    if database._driver is not None:
        run = database._driver.rows

        async def rows(sql: str, values: Any) -> Any:
            seen.append(sql)
            return await run(sql, values)

        monkeypatch.setattr(database._driver, "rows", rows)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_a_tree_has_the_live_replies_in_the_order_of_writing(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post_id = await forum.post(alice, title="t", content="# c")
    first = await forum.reply(bob, post_id, "*one*")
    second = await forum.reply(alice, post_id, "two", parent=first.id)
    deleted = await forum.reply(alice, post_id)
    await forum.reply(bob, post_id, parent=deleted.id)
    await forum.call("DeleteReply", reply_pb.DeleteReplyRequest(reply_id=deleted.id), alice)
    found = await tree(forum, post_id)

    assert (found.post.id, found.post.title, found.post.content, found.post.author) == (post_id, "t", "# c", "alice")
    assert found.post.reply_count == 2
    assert [(reply.id, reply.parent_reply_id, reply.author, reply.content) for reply in found.replies] == [
        (first.id, 0, "bob", "*one*"),
        (second.id, first.id, "alice", "two"),
    ]
    assert found.replies[0].created_time == first.created_time
    assert found.replies[0].updated_time == first.updated_time
    assert not found.is_truncated


async def test_a_reply_does_not_change_the_posts_last_edit(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    before = (await tree(forum, post_id)).post
    await forum.reply(alice, post_id)

    assert (await tree(forum, post_id)).post.updated_time == before.updated_time == before.created_time


@pytest.mark.parametrize("count", [0, 1, 30, 100, 101, 300])
async def test_the_number_of_statements_does_not_grow(forum: Any, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    await grow(forum, post_id, alice, ["r"] * count, is_chain=True)
    await tree(forum, post_id)  # the directory of categories is fresh for a second
    with statements(forum, monkeypatch) as seen:
        found = await tree(forum, post_id)

    assert len(found.replies) == count
    assert not found.is_truncated
    assert len(seen) == (2 if count <= 100 else 3)


async def test_a_hundred_levels_are_read_whole(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    parent_id = 0
    for _ in range(100):
        parent_id = (await forum.reply(alice, post_id, parent=parent_id)).id
    found = (await tree(forum, post_id)).replies

    assert [reply.parent_reply_id for reply in found] == [0, *(reply.id for reply in found[:-1])]
    request = reply_pb.CreateReplyRequest(post_id=post_id, content="r", parent_reply_id=parent_id)
    await forum.refused("CreateReply", request, "REPLY_TOO_DEEP", alice)


@pytest.mark.parametrize(
    ("settings_changes", "limit"),
    [({"tree_limit": limit}, limit) for limit in (1, 99, 100, 101, 150)],
)
async def test_a_tree_is_cut_at_the_limit_of_replies_and_says_so(forum: Any, limit: int) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    await grow(forum, post_id, alice, ["r"] * limit, is_chain=True)
    whole = await tree(forum, post_id)
    await grow(forum, post_id, alice, ["one more"])
    cut = await tree(forum, post_id)

    assert (len(whole.replies), whole.is_truncated) == (limit, False)
    assert (list(cut.replies), cut.is_truncated) == (list(whole.replies), True)
    assert cut.post.reply_count == limit + 1


@pytest.mark.parametrize("settings_changes", [{"tree_limit_bytes": SMALL}])
@pytest.mark.parametrize("before", [0, 99, 100, 101, 102])
async def test_a_tree_is_cut_where_the_texts_get_too_long_and_says_so(forum: Any, before: int) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    text = "汉" * 5000  # 15,000 bytes: four of them fit, beside what is before them
    await grow(forum, post_id, alice, ["r"] * before + [text] * 4)
    whole = await tree(forum, post_id)
    await grow(forum, post_id, alice, [text, "r"])
    cut = await tree(forum, post_id)

    assert (len(whole.replies), whole.is_truncated) == (before + 4, False)
    assert ([reply.id for reply in cut.replies], cut.is_truncated) == ([reply.id for reply in whole.replies], True)


@pytest.mark.parametrize("settings_changes", [{"tree_limit_bytes": SMALL}])
@pytest.mark.parametrize("before", [0, 110])
async def test_texts_that_fill_the_limit_exactly_fit(forum: Any, before: int) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    left = SMALL - before - 3 * 20_000
    await grow(forum, post_id, alice, ["r"] * before + ["x" * 20_000] * 3 + ["x" * left])
    whole = await tree(forum, post_id)
    await grow(forum, post_id, alice, ["y"])

    assert (len(whole.replies), whole.is_truncated) == (before + 4, False)
    assert (await tree(forum, post_id)).is_truncated


async def test_a_post_exists_for_those_who_may_read_it(forum: Any) -> None:
    alice, bob, mod = forum.user("alice"), forum.user("bob"), forum.moderator()
    inner = await forum.post(mod, category_id=await forum.category(read_role="moderator"))
    deleted = await forum.post(alice)
    await forum.call("DeletePost", pb.DeletePostRequest(post_id=deleted), alice)
    word_filter = moderation_pb.CreateWordFilterRequest(phrase="pills", action="hold")
    await forum.call("CreateWordFilter", word_filter, forum.admin())
    held = await forum.post(alice, content="pills")

    for post_id in (inner, deleted, held, 2**53 - 1):
        await forum.refused("GetPostTree", pb.GetPostTreeRequest(post_id=post_id), "POST_NOT_FOUND", bob)
        await forum.refused("GetPostTree", pb.GetPostTreeRequest(post_id=post_id), "POST_NOT_FOUND")
    await forum.refused("GetPostTree", pb.GetPostTreeRequest(post_id=deleted), "POST_NOT_FOUND", alice)
    assert (await tree(forum, held, alice)).post.content == "pills"
    for post_id in (inner, deleted, held):
        assert (await tree(forum, post_id, mod)).post.id == post_id
