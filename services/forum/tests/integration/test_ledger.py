"""Fifty people on one post at once: afterwards every counter equals its rows, and history and tree are whole."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import func, select

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as engagement
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, Target
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError

PEOPLE = 50
STEPS = 6
# What may be said to one of many: come again, or somebody was faster.
EXPECTED = {"UNAVAILABLE", "VERSION_MISMATCH", "PARENT_REPLY_NOT_FOUND", "REPLY_NOT_FOUND"}

Action = Callable[[], Awaitable[Any]]


class Crowd:
    """Everybody does something, again and again; what was refused is done again or given up."""

    def __init__(self, forum: Any, post_id: int, author: Caller) -> None:
        self.forum = forum
        self.post_id = post_id
        self.author = author
        self.random = random.Random(5)
        self.replies: list[tuple[Caller, int]] = []
        self.done = 0

    async def act(self, number: int) -> None:
        caller = self.forum.user(f"person_{number}")
        actions = (self.vote, self.reply, self.edit, self.delete)
        for step in range(STEPS):
            try:
                await actions[(number + step) % len(actions)](caller)
                self.done += 1
            except RemoteError as error:
                if error.reason not in EXPECTED:
                    raise

    async def vote(self, caller: Caller) -> None:
        target = Target(kind=TARGET_KIND_POST, id=self.post_id)
        request = engagement.SetVoteRequest(target=target, value=self.random.choice((-1, 0, 1)))
        await self.forum.call("SetVote", request, caller)

    async def reply(self, caller: Caller) -> None:
        parent = self.random.choice(self.replies)[1] if self.replies and self.random.random() < 0.7 else 0
        reply = await self.forum.reply(caller, self.post_id, "a reply", parent=parent)
        self.replies.append((caller, reply.id))

    async def edit(self, caller: Caller) -> None:
        text = f"edited by {caller.username} for the {self.random.randrange(1000)}th time"
        request = post_service_pb2.UpdatePostRequest(post_id=self.post_id, content=text)
        await self.forum.call("UpdatePost", request, self.author)

    async def delete(self, caller: Caller) -> None:
        if not self.replies:
            return
        owner, reply_id = self.replies.pop(self.random.randrange(len(self.replies)))
        await self.forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=reply_id), owner)


async def rows_of(forum: Any, statement: Any) -> list[Any]:
    async with forum.service.foundation.database.read() as connection:
        return list((await connection.execute(statement)).all())


async def test_counters_history_and_tree_are_consistent_afterwards(forum: Any) -> None:
    author = forum.user("author")
    post_id = await forum.post(author)
    crowd = Crowd(forum, post_id, author)
    await asyncio.gather(*(crowd.act(number) for number in range(PEOPLE)))
    assert crowd.done > PEOPLE * STEPS / 2

    posts, replies, votes, revisions = models.posts, models.replies, models.votes, models.revisions
    (post,) = await rows_of(forum, select(posts).where(posts.c.id == post_id))

    cast = select(votes.c.value, func.count()).where(votes.c.target_id == post_id).group_by(votes.c.value)
    counted: dict[int, int] = dict(await rows_of(forum, cast))
    assert (post.up_count, post.down_count) == (counted.get(1, 0), counted.get(-1, 0))
    assert post.score == post.up_count - post.down_count

    written = await rows_of(forum, select(replies).where(replies.c.post_id == post_id).order_by(replies.c.number))
    assert [reply.number for reply in written] == list(range(1, post.reply_seq + 1)), "numbers have no hole"
    live = {reply.id: reply for reply in written if reply.status == CONTENT_STATUS_LIVE}
    assert post.reply_count == len(live)
    for reply in live.values():
        assert reply.removed_root_id is None
        if reply.parent_id is not None:
            parent = live.get(reply.parent_id)
            assert parent is not None, "nothing hangs below what has vanished"
            assert parent.number < reply.number
            assert reply.depth == parent.depth + 1

    versions = await rows_of(
        forum, select(revisions.c.version).where(revisions.c.target_id == post_id).order_by(revisions.c.version)
    )
    assert post.version > 1
    assert [row.version for row in versions] == list(range(1, post.version + 1))
    (newest,) = await rows_of(
        forum, select(revisions.c.content).where(revisions.c.target_id == post_id, revisions.c.version == post.version)
    )
    assert newest.content == post.content

    (category,) = await rows_of(forum, select(models.categories.c.post_count))
    assert category.post_count == 1
    tree = await forum.call("GetPostTree", post_service_pb2.GetPostTreeRequest(post_id=post_id))
    assert [reply.id for reply in tree.replies] == [reply.id for reply in live.values()]
