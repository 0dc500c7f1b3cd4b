"""The audit log, as moderators read it."""

from typing import Any

from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, Target
from plaza_kit.errors import Violation


def entries_of(**fields: Any) -> pb.ListAuditEntriesRequest:
    return pb.ListAuditEntriesRequest(**fields)


async def listed(forum: Any, **fields: Any) -> list[Any]:
    response = await forum.call("ListAuditEntries", entries_of(**fields), forum.moderator())
    assert response.next_page_token == ""
    return list(response.entries)


async def pinned_post(forum: Any, moderator: Any) -> int:
    post_id = int(await forum.post(forum.user("alice")))
    await forum.call("PinPost", pb.PinPostRequest(post_id=post_id, scope="global"), moderator)
    return post_id


async def test_an_entry_says_who_did_what_to_what_when_and_how(forum: Any) -> None:
    post_id = await pinned_post(forum, forum.moderator())

    [entry] = await listed(forum)

    assert (entry.actor.id, entry.actor.username) == (forum.moderator().user_id, "mod")
    assert (entry.action, entry.detail) == ("post.pin", "global")
    assert entry.target == Target(kind=TARGET_KIND_POST, id=post_id)
    assert entry.created_time.ToDatetime() < forum.clock().replace(tzinfo=None)


async def test_what_is_done_to_none_of_the_kinds_has_no_target(forum: Any) -> None:
    request = pb.CreateWordFilterRequest(phrase="spam", action="hold")
    await forum.call("CreateWordFilter", request, forum.admin())

    [entry] = await listed(forum)

    assert not entry.HasField("target")


async def test_entries_come_newest_first_page_by_page(forum: Any) -> None:
    posts = [await pinned_post(forum, forum.moderator()) for _ in range(5)]

    found, token = [], ""
    for _ in range(3):
        page = await forum.call("ListAuditEntries", entries_of(page_size=2, page_token=token), forum.moderator())
        found.append([entry.target.id for entry in page.entries])
        token = page.next_page_token

    assert found == [posts[:2:-1], posts[2:0:-1], posts[:1]]
    assert token == ""


async def test_entries_are_filtered_by_who_did_it_and_to_what(forum: Any) -> None:
    mine = await pinned_post(forum, forum.moderator("max"))
    other = await pinned_post(forum, forum.moderator())
    await forum.call("UnpinPost", pb.UnpinPostRequest(post_id=mine), forum.moderator())
    mod_id, max_id = forum.moderator().user_id, forum.moderator("max").user_id
    target = Target(kind=TARGET_KIND_POST, id=mine)

    assert [entry.action for entry in await listed(forum, actor_id=max_id)] == ["post.pin"]
    assert [entry.target.id for entry in await listed(forum, actor_id=mod_id)] == [mine, other]
    assert [entry.action for entry in await listed(forum, target=target)] == ["post.unpin", "post.pin"]
    assert [entry.action for entry in await listed(forum, target=target, actor_id=max_id)] == ["post.pin"]
    assert await listed(forum, actor_id=10**9) == []


async def test_a_token_is_good_for_its_filters_only(forum: Any) -> None:
    for _ in range(2):
        await pinned_post(forum, forum.moderator())
    first = await forum.call("ListAuditEntries", entries_of(page_size=1), forum.moderator())

    for fields in ({"page_token": first.next_page_token, "actor_id": 1}, {"page_token": "x"}):
        await forum.refused("ListAuditEntries", entries_of(**fields), "PAGE_TOKEN_INVALID", forum.moderator())


async def test_a_negative_page_size_is_refused(forum: Any) -> None:
    error = await forum.refused("ListAuditEntries", entries_of(page_size=-1), "INVALID_REQUEST", forum.moderator())

    assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]
