"""Blocks: whom a user does not want to see."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from forum import models
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import reply_service_pb2
from plaza_kit.errors import Violation


async def block(forum: Any, blocked: Any, user: Any) -> None:
    await forum.call("BlockUser", pb.BlockUserRequest(user_id=blocked.user_id), user)


async def blocked_by(forum: Any, user: Any, **request: Any) -> list[str]:
    response = await forum.call("ListBlocks", pb.ListBlocksRequest(**request), user)
    return [each.user.username for each in response.blocks]


async def known(forum: Any, *names: str) -> list[Any]:
    """Return users of whom the forum has heard."""
    users = [forum.user(name) for name in names]
    for user in users:
        await forum.call("MarkAllRead", pb.MarkAllReadRequest(), user)
    return users


async def test_blocked_users_are_listed_newest_first_and_once(forum: Any) -> None:
    alice, bob, carol = await known(forum, "alice", "bob", "carol")
    for user in (bob, carol, bob):
        await block(forum, user, alice)

    assert await blocked_by(forum, alice) == ["carol", "bob"]
    assert await blocked_by(forum, bob) == []


async def test_a_block_ends_once_or_more(forum: Any) -> None:
    alice, bob = await known(forum, "alice", "bob")
    await block(forum, bob, alice)
    for _ in range(2):
        await forum.call("UnblockUser", pb.UnblockUserRequest(user_id=bob.user_id), alice)

    assert await blocked_by(forum, alice) == []


async def test_one_who_is_gone_stays_in_the_list_and_can_be_unblocked(forum: Any, change_row: Any) -> None:
    alice, bob = await known(forum, "alice", "bob")
    await block(forum, bob, alice)
    await change_row(models.users, bob.user_id, is_deleted=True, username="")
    response = await forum.call("ListBlocks", pb.ListBlocksRequest(), alice)
    await forum.call("UnblockUser", pb.UnblockUserRequest(user_id=bob.user_id), alice)

    assert [(each.user.id, each.user.is_deleted) for each in response.blocks] == [(bob.user_id, True)]
    assert await blocked_by(forum, alice) == []


async def test_nobody_blocks_themselves(forum: Any) -> None:
    (alice,) = await known(forum, "alice")
    await forum.refused("BlockUser", pb.BlockUserRequest(user_id=alice.user_id), "OWN_CONTENT", alice)

    assert await blocked_by(forum, alice) == []


async def test_the_texts_of_a_blocked_user_s_replies_are_left_out(forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    post = await forum.post(alice)
    await forum.reply(bob, post, "unwanted")
    await block(forum, bob, alice)
    response = await forum.call("ListReplies", reply_service_pb2.ListRepliesRequest(post_id=post), alice)

    assert [(reply.is_from_blocked, reply.content) for reply in response.replies] == [(True, "")]


async def test_there_are_at_most_1_000(forum: Any) -> None:
    alice, bob = await known(forum, "alice", "bob")
    now = datetime.now(UTC)
    user = {"avatar": "", "role": "user", "is_deleted": False, "is_banned": False, "joined_time": now}
    rows = [user | {"id": number, "username": f"u{number}", "updated_time": now} for number in range(1001, 2001)]
    row = {"user_id": alice.user_id, "created_time": now}

    async def fill(connection: Any) -> None:
        await connection.execute(insert(models.users), rows)
        await connection.execute(insert(models.blocks), [row | {"blocked_user_id": each["id"]} for each in rows])

    await forum.service.foundation.database.write(fill)
    error = await forum.refused("BlockUser", pb.BlockUserRequest(user_id=bob.user_id), "LIMIT_REACHED", alice)
    response = await forum.call("ListBlocks", pb.ListBlocksRequest(page_size=1000), alice)

    assert error.metadata == {"limit": "1000"}
    assert len(response.blocks) == 200
    assert response.next_page_token


async def test_pages_and_reasons_of_the_list(forum: Any) -> None:
    alice, bob, carol = await known(forum, "alice", "bob", "carol")
    for user in (bob, carol):
        await block(forum, user, alice)
    token = (await forum.call("ListBlocks", pb.ListBlocksRequest(page_size=1), alice)).next_page_token
    rest = await blocked_by(forum, alice, page_token=token)
    error = await forum.refused("ListBlocks", pb.ListBlocksRequest(page_size=-1), "INVALID_REQUEST", alice)
    await forum.refused("ListBlocks", pb.ListBlocksRequest(page_token="x"), "PAGE_TOKEN_INVALID", alice)
    await forum.refused("ListBlocks", pb.ListBlocksRequest(page_token=token), "PAGE_TOKEN_INVALID", bob)

    assert rest == ["bob"]
    assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]
