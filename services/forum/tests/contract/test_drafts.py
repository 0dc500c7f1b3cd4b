"""Drafts: private, numbered in their changes, and not too many."""

import asyncio
from datetime import UTC
from typing import Any

import pytest

from forum import models
from plaza.forum.v1 import draft_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation

EVERYTHING = {
    "title": "t",
    "content": "很长的*草稿*\n\n😀",
    "category_id": 2,
    "post_id": 2**53 - 1,
    "parent_reply_id": 4,
    "tags": ["a", "花园"],
}


@pytest.fixture
def alice(forum: Any) -> Caller:
    caller: Caller = forum.user("alice")
    return caller


async def create(forum: Any, caller: Caller, **fields: Any) -> pb.Draft:
    response = await forum.call("CreateDraft", pb.CreateDraftRequest(fields=pb.DraftFields(**fields)), caller)
    draft: pb.Draft = response.draft
    return draft


def update(draft_id: int, expected_version: int = 0, **fields: Any) -> pb.UpdateDraftRequest:
    return pb.UpdateDraftRequest(draft_id=draft_id, expected_version=expected_version, fields=pb.DraftFields(**fields))


async def get(forum: Any, caller: Caller, draft_id: int) -> pb.Draft:
    response = await forum.call("GetDraft", pb.GetDraftRequest(draft_id=draft_id), caller)
    draft: pb.Draft = response.draft
    return draft


async def listed(forum: Any, caller: Caller, **more: Any) -> pb.ListDraftsResponse:
    response: pb.ListDraftsResponse = await forum.call("ListDrafts", pb.ListDraftsRequest(**more), caller)
    return response


async def ban(forum: Any, caller: Caller, change_row: Any) -> None:
    await change_row(models.users, caller.user_id, is_banned=True)


@pytest.mark.parametrize("fields", [EVERYTHING, {}, {"title": "", "content": ""}])
async def test_a_draft_keeps_what_it_is_given(forum: Any, alice: Caller, fields: dict[str, Any]) -> None:
    created = await create(forum, alice, **fields)

    assert created.fields == pb.DraftFields(**fields)
    assert created.version == 1
    assert created.created_time == created.updated_time
    assert await get(forum, alice, created.id) == created


async def test_an_update_replaces_everything(forum: Any, alice: Caller) -> None:
    created = await create(forum, alice, **EVERYTHING)
    response = await forum.call("UpdateDraft", update(created.id, content="c"), alice)
    found = await get(forum, alice, created.id)

    assert found == response.draft
    assert (found.fields, found.version) == (pb.DraftFields(content="c"), 2)
    assert found.created_time == created.created_time
    assert found.updated_time.ToNanoseconds() > created.updated_time.ToNanoseconds()


async def test_an_update_of_another_version_changes_nothing(forum: Any, alice: Caller) -> None:
    created = await create(forum, alice, title="t")
    await forum.call("UpdateDraft", update(created.id, 1, title="u"), alice)
    await forum.refused("UpdateDraft", update(created.id, 1, title="v"), "VERSION_MISMATCH", alice)

    assert (await get(forum, alice, created.id)).fields.title == "u"


async def test_of_racing_updates_of_one_version_one_wins(forum: Any, alice: Caller) -> None:
    created = await create(forum, alice, title="t")
    requests = (forum.call("UpdateDraft", update(created.id, 1, title=str(n)), alice) for n in range(4))
    outcomes = await asyncio.gather(*requests, return_exceptions=True)

    assert sorted(isinstance(outcome, RemoteError) for outcome in outcomes) == [False, True, True, True]
    assert (await get(forum, alice, created.id)).version == 2


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"title": "x" * 201}, Violation("title", "TOO_LONG", 200)),
        ({"content": "口" * 100_001}, Violation("content", "TOO_LONG", 100_000)),
        ({"content": "a\x00"}, Violation("content", "BAD_FORMAT")),
        ({"category_id": 0}, Violation("category_id", "OUT_OF_RANGE", 1)),
        ({"parent_reply_id": -1}, Violation("parent_reply_id", "OUT_OF_RANGE", 1)),
        ({"post_id": 2**53}, Violation("post_id", "OUT_OF_RANGE", 2**53 - 1)),
        ({"tags": ["a"] * 6}, Violation("tags", "OUT_OF_RANGE", 5)),
        ({"tags": ["a", ""]}, Violation("tags.1", "BLANK", 1)),
    ],
)
async def test_broken_fields_change_nothing(
    forum: Any, alice: Caller, fields: dict[str, Any], violation: Violation
) -> None:
    kept = await create(forum, alice, title="t")
    request = pb.CreateDraftRequest(fields=pb.DraftFields(**fields))

    assert (await forum.refused("CreateDraft", request, "INVALID_REQUEST", alice)).violations == [violation]
    error = await forum.refused("UpdateDraft", update(kept.id, **fields), "INVALID_REQUEST", alice)
    assert error.violations == [violation]
    assert list((await listed(forum, alice)).drafts) == [kept]


async def test_what_was_found_while_decoding_is_reported_with_the_rest(forum: Any, alice: Caller) -> None:
    request = pb.CreateDraftRequest(
        fields=pb.DraftFields(content="a\x00"), violations=[FieldViolation(field="title", code="WRONG_TYPE")]
    )
    error = await forum.refused("CreateDraft", request, "INVALID_REQUEST", alice)

    assert error.violations == [Violation("title", "WRONG_TYPE"), Violation("content", "BAD_FORMAT")]


async def test_another_users_draft_does_not_exist(forum: Any, alice: Caller) -> None:
    draft = await create(forum, alice, title="t")
    for other in (forum.user("bob"), forum.moderator(), forum.admin()):
        await forum.refused("GetDraft", pb.GetDraftRequest(draft_id=draft.id), "DRAFT_NOT_FOUND", other)
        await forum.refused("UpdateDraft", update(draft.id, title="x"), "DRAFT_NOT_FOUND", other)
        await forum.refused("DeleteDraft", pb.DeleteDraftRequest(draft_id=draft.id), "DRAFT_NOT_FOUND", other)
        assert not (await listed(forum, other)).drafts
    assert await get(forum, alice, draft.id) == draft


@pytest.mark.parametrize("method", ["CreateDraft", "UpdateDraft", "GetDraft", "ListDrafts", "DeleteDraft"])
async def test_nobody_has_no_drafts(forum: Any, method: str) -> None:
    error = await forum.refused(method, getattr(pb, f"{method}Request")(), "TOKEN_MISSING")

    assert error.reason == "TOKEN_MISSING"


async def test_a_deleted_draft_is_gone(forum: Any, alice: Caller) -> None:
    draft = await create(forum, alice, title="t")
    await forum.call("DeleteDraft", pb.DeleteDraftRequest(draft_id=draft.id), alice)

    await forum.refused("GetDraft", pb.GetDraftRequest(draft_id=draft.id), "DRAFT_NOT_FOUND", alice)
    await forum.refused("DeleteDraft", pb.DeleteDraftRequest(draft_id=draft.id), "DRAFT_NOT_FOUND", alice)
    assert not (await listed(forum, alice)).drafts


async def test_a_banned_user_reads_drafts_and_writes_none(forum: Any, alice: Caller, change_row: Any) -> None:
    draft = await create(forum, alice, title="t")
    await ban(forum, alice, change_row)

    await forum.refused("CreateDraft", pb.CreateDraftRequest(), "USER_BANNED", alice)
    await forum.refused("UpdateDraft", update(draft.id, title="u"), "USER_BANNED", alice)
    await forum.refused("DeleteDraft", pb.DeleteDraftRequest(draft_id=draft.id), "USER_BANNED", alice)
    assert list((await listed(forum, alice)).drafts) == [draft]


async def test_the_last_changed_draft_comes_first_on_pages(forum: Any, alice: Caller) -> None:
    drafts = [await create(forum, alice, title=str(n)) for n in range(5)]
    await forum.call("UpdateDraft", update(drafts[1].id, title="again"), alice)
    ids = []
    token = ""
    for _ in range(3):
        page = await listed(forum, alice, page_size=2, page_token=token)
        ids += [draft.id for draft in page.drafts]
        token = page.next_page_token

    assert ids == [drafts[n].id for n in (1, 4, 3, 2, 0)]
    assert token == ""


async def test_drafts_of_one_moment_are_listed_once_each(forum: Any, alice: Caller, change_row: Any) -> None:
    drafts = [await create(forum, alice, title=str(n)) for n in range(4)]
    moment = drafts[0].created_time.ToDatetime(UTC)
    for draft in drafts:
        await change_row(models.drafts, draft.id, updated_time=moment)
    first = await listed(forum, alice, page_size=3)
    second = await listed(forum, alice, page_size=3, page_token=first.next_page_token)

    assert [draft.id for draft in (*first.drafts, *second.drafts)] == [draft.id for draft in reversed(drafts)]


async def test_a_page_of_long_drafts_is_shorter(forum: Any, alice: Caller) -> None:
    for _ in range(3):
        await create(forum, alice, content="😀" * 100_000)
    ids = []
    token = ""
    pages = 0
    while token or not pages:
        page = await listed(forum, alice, page_token=token)
        ids += [draft.id for draft in page.drafts]
        token, pages = page.next_page_token, pages + 1

    assert len(set(ids)) == len(ids) == 3
    assert pages > 1


async def test_a_negative_page_size_and_a_strange_token_are_refused(forum: Any, alice: Caller) -> None:
    error = await forum.refused("ListDrafts", pb.ListDraftsRequest(page_size=-1), "INVALID_REQUEST", alice)

    assert error.violations == [Violation("page_size", "OUT_OF_RANGE")]
    await forum.refused("ListDrafts", pb.ListDraftsRequest(page_token="x"), "PAGE_TOKEN_INVALID", alice)


async def test_a_user_has_at_most_a_hundred(forum: Any, alice: Caller) -> None:
    for _ in range(98):
        await create(forum, alice)
    outcomes = await asyncio.gather(*(create(forum, alice) for _ in range(5)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]

    assert [(error.reason, error.metadata["limit"]) for error in refused] == [("LIMIT_REACHED", "100")] * 3
    assert len((await listed(forum, alice, page_size=100)).drafts) == 100
    await create(forum, forum.user("bob"))


async def test_a_repeated_creation_creates_once(forum: Any) -> None:
    alice = forum.user("alice", idempotency_key="once")
    first = await create(forum, alice, title="t")

    assert await create(forum, alice, title="t") == first
    assert len((await listed(forum, alice)).drafts) == 1
