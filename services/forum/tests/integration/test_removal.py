"""Out of sight and back: what the database holds afterwards, alone and with others at the same time."""

import asyncio
from typing import Any

from sqlalchemy import select

from forum import models
from plaza.forum.v1 import moderation_service_pb2 as moderation_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY, Target
from plaza_kit.errors import RemoteError


async def rows(forum: Any, statement: Any) -> list[Any]:
    async with forum.service.foundation.database.read() as connection:
        return list((await connection.execute(statement)).all())


async def live_ids(forum: Any, post_id: int) -> list[int]:
    """Return the live replies of a post, after checking that its counter and its tree are right."""
    table = models.replies
    found = await rows(forum, select(table.c.id, table.c.parent_id, table.c.status).where(table.c.post_id == post_id))
    live = {row.id for row in found if row.status == CONTENT_STATUS_LIVE}
    counted = await rows(forum, select(models.posts.c.reply_count).where(models.posts.c.id == post_id))
    assert counted[0].reply_count == len(live)
    assert all(row.parent_id is None or row.parent_id in live for row in found if row.id in live)
    return sorted(live)


async def remove(forum: Any, reply_id: int) -> None:
    target = Target(kind=TARGET_KIND_REPLY, id=reply_id)
    await forum.call("RemoveContent", moderation_pb.RemoveContentRequest(target=target, reason="r"), forum.moderator())


def restore(reply_id: int) -> moderation_pb.RestoreContentRequest:
    return moderation_pb.RestoreContentRequest(target=Target(kind=TARGET_KIND_REPLY, id=reply_id))


async def test_exactly_what_vanished_together_comes_back(forum: Any) -> None:
    alice, mod = forum.user("alice"), forum.moderator()
    post_id = await forum.post(alice)
    top = await forum.reply(alice, post_id)
    earlier = await forum.reply(alice, post_id, parent=top.id)
    below_earlier = await forum.reply(alice, post_id, parent=earlier.id)
    sibling = await forum.reply(alice, post_id, parent=top.id)
    await remove(forum, earlier.id)
    await remove(forum, top.id)
    assert await live_ids(forum, post_id) == []

    await forum.refused("RestoreContent", restore(earlier.id), "NOT_REMOVED", mod)
    await forum.refused("RestoreContent", restore(sibling.id), "NOT_REMOVED", mod)
    await forum.call("RestoreContent", restore(top.id), mod)
    assert await live_ids(forum, post_id) == [top.id, sibling.id]
    await forum.call("RestoreContent", restore(earlier.id), mod)
    assert await live_ids(forum, post_id) == [top.id, earlier.id, below_earlier.id, sibling.id]


async def test_a_subtree_as_deep_as_any_vanishes_whole(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    chain = [await forum.reply(alice, post_id)]
    for _ in range(99):
        chain.append(await forum.reply(alice, post_id, parent=chain[-1].id))
    await remove(forum, chain[1].id)

    assert await live_ids(forum, post_id) == [chain[0].id]
    await forum.call("RestoreContent", restore(chain[1].id), forum.moderator())
    assert len(await live_ids(forum, post_id)) == 100


async def test_replies_and_deletions_at_the_same_time_leave_counters_and_tree_right(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    tops = [await forum.reply(alice, post_id) for _ in range(3)]
    for top in tops:
        await forum.reply(alice, post_id, parent=top.id)

    async def reply(parent_id: int, number: int) -> str:
        return await outcome(forum.reply(forum.user(f"user {number}"), post_id, parent=parent_id))

    async def delete(reply_id: int) -> str:
        return await outcome(forum.call("DeleteReply", pb.DeleteReplyRequest(reply_id=reply_id), alice))

    writing = [reply(tops[number % 3].id, number) for number in range(12)]
    outcomes = await asyncio.gather(*writing[:6], *(delete(top.id) for top in tops[:2]), *writing[6:])

    assert set(outcomes) <= {"done", "PARENT_REPLY_NOT_FOUND"}
    live = await live_ids(forum, post_id)
    assert tops[2].id in live
    assert not {tops[0].id, tops[1].id} & set(live)
    table = models.replies
    numbers = await rows(forum, select(table.c.number, table.c.id).where(table.c.post_id == post_id))
    assert sorted(row.number for row in numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) == 6 + outcomes[:6].count("done") + outcomes[8:].count("done")


async def test_of_two_removals_at_the_same_time_each_reply_is_counted_once(forum: Any) -> None:
    alice = forum.user("alice")
    post_id = await forum.post(alice)
    kept = await forum.reply(alice, post_id)
    top = await forum.reply(alice, post_id)
    below = await forum.reply(alice, post_id, parent=top.id)
    await forum.reply(alice, post_id, parent=below.id)

    await asyncio.gather(*(remove(forum, reply_id) for reply_id in (top.id, below.id, top.id, below.id)))
    assert await live_ids(forum, post_id) == [kept.id]
    await forum.call("RestoreContent", restore(top.id), forum.moderator())
    assert {kept.id, top.id} <= set(await live_ids(forum, post_id))


async def outcome(work: Any) -> str:
    """Return why something was refused, or that it was done."""
    try:
        await work
    except RemoteError as error:
        return error.reason
    return "done"
