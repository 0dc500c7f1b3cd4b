"""Who may keep order: every method, every kind of caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy import update

from forum import models
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError


@dataclass(frozen=True)
class Objects:
    """What an attempt is about, made anew for each.

    Attributes:
        post_id: A post by the author.
        other_post_id: Another one.
        reply_id: The author's reply to the first.
        removed_post_id: A post by the author that a moderator removed.
        case_id: Of the reply: a user reported it.
        word_filter_id: A filter.
        category_id: Another category.
    """

    post_id: int
    other_post_id: int
    reply_id: int
    removed_post_id: int
    case_id: int
    word_filter_id: int
    category_id: int


Outcomes = dict[str, str]
"""By kind of caller: the reason of the refusal, `OK` if there is none."""

MODERATORS_WRITE: Outcomes = {
    "nobody": "TOKEN_MISSING",
    "user": "PERMISSION_DENIED",
    "author": "PERMISSION_DENIED",
    "banned user": "PERMISSION_DENIED",
    "moderator": "OK",
    "admin": "OK",
    "banned moderator": "USER_BANNED",
}
MODERATORS_READ = MODERATORS_WRITE | {"banned moderator": "OK"}
ADMINS_WRITE = MODERATORS_WRITE | {
    "moderator": "PERMISSION_DENIED",
    "banned moderator": "PERMISSION_DENIED",
    "banned admin": "USER_BANNED",
}
USERS_REPORT: Outcomes = {
    "nobody": "TOKEN_MISSING",
    "user": "OK",
    "author": "OWN_CONTENT",
    "banned user": "USER_BANNED",
    "moderator": "OK",
    "admin": "OK",
    "banned moderator": "USER_BANNED",
}


def on_post(request_type: Callable[..., Message], **fields: Any) -> Callable[[Objects], Message]:
    return lambda objects: request_type(post_id=objects.post_id, **fields)


def on_case(request_type: Callable[..., Message], **fields: Any) -> Callable[[Objects], Message]:
    return lambda objects: request_type(case_id=objects.case_id, **fields)


def on_reply(request_type: Callable[..., Message], **fields: Any) -> Callable[[Objects], Message]:
    return lambda objects: request_type(target=Target(kind=TARGET_KIND_REPLY, id=objects.reply_id), **fields)


TABLE: dict[str, tuple[Outcomes, Callable[[Objects], Message]]] = {
    "PinPost": (MODERATORS_WRITE, on_post(pb.PinPostRequest, scope="global")),
    "UnpinPost": (MODERATORS_WRITE, on_post(pb.UnpinPostRequest)),
    "LockPost": (MODERATORS_WRITE, on_post(pb.LockPostRequest)),
    "UnlockPost": (MODERATORS_WRITE, on_post(pb.UnlockPostRequest)),
    "FeaturePost": (MODERATORS_WRITE, on_post(pb.FeaturePostRequest)),
    "UnfeaturePost": (MODERATORS_WRITE, on_post(pb.UnfeaturePostRequest)),
    "MovePost": (
        MODERATORS_WRITE,
        lambda objects: pb.MovePostRequest(post_id=objects.post_id, category_id=objects.category_id),
    ),
    "MergeReplies": (
        MODERATORS_WRITE,
        lambda objects: pb.MergeRepliesRequest(
            post_id=objects.post_id, target_post_id=objects.other_post_id, reply_ids=[objects.reply_id]
        ),
    ),
    "RemoveContent": (MODERATORS_WRITE, on_reply(pb.RemoveContentRequest, reason="rude")),
    "RestoreContent": (
        MODERATORS_WRITE,
        lambda objects: pb.RestoreContentRequest(target=Target(kind=TARGET_KIND_POST, id=objects.removed_post_id)),
    ),
    "CreateReport": (USERS_REPORT, on_reply(pb.CreateReportRequest, reason="spam")),
    "ListCases": (MODERATORS_READ, lambda objects: pb.ListCasesRequest()),
    "GetCase": (MODERATORS_READ, on_case(pb.GetCaseRequest)),
    "ClaimCase": (MODERATORS_WRITE, on_case(pb.ClaimCaseRequest)),
    "ReleaseCase": (MODERATORS_WRITE, on_case(pb.ReleaseCaseRequest)),
    "ResolveCase": (MODERATORS_WRITE, on_case(pb.ResolveCaseRequest, resolution="remove")),
    "ListAuditEntries": (MODERATORS_READ, lambda objects: pb.ListAuditEntriesRequest()),
    "ListWordFilters": (MODERATORS_READ, lambda objects: pb.ListWordFiltersRequest()),
    "CreateWordFilter": (ADMINS_WRITE, lambda objects: pb.CreateWordFilterRequest(phrase="new", action="hold")),
    "DeleteWordFilter": (
        ADMINS_WRITE,
        lambda objects: pb.DeleteWordFilterRequest(word_filter_id=objects.word_filter_id),
    ),
}

METHODS = [method.name for method in pb.DESCRIPTOR.services_by_name["ModerationService"].methods]


def test_the_table_knows_every_method_and_no_other() -> None:
    assert sorted(TABLE) == sorted(METHODS)


async def callers(forum: Any) -> dict[str, Caller | None]:
    """Return one caller of each kind; those who are to be banned are."""
    found = {
        "nobody": None,
        "user": forum.user("ulla"),
        "author": forum.user("anna"),
        "banned user": forum.user("bert"),
        "moderator": forum.moderator("mia"),
        "admin": forum.admin("adam"),
        "banned moderator": forum.moderator("moritz"),
        "banned admin": forum.admin("ada"),
    }
    banned_ids = [caller.user_id for kind, caller in found.items() if kind.startswith("banned")]

    async def ban(connection: Any) -> None:
        for kind, caller in found.items():
            if kind.startswith("banned"):
                await forum.service.writers.require(connection, caller)
        users = models.users
        await connection.execute(update(users).where(users.c.id.in_(banned_ids)).values(is_banned=True))

    await forum.service.foundation.database.write(ban)
    return found


async def prepare(forum: Any) -> Objects:
    author, chief = forum.user("anna"), forum.admin("chief")
    post_id, other_post_id, removed_post_id = [await forum.post(author) for _ in range(3)]
    reply = await forum.reply(author, post_id)
    removal = pb.RemoveContentRequest(target=Target(kind=TARGET_KIND_POST, id=removed_post_id), reason="rude")
    await forum.call("RemoveContent", removal, chief)
    report = pb.CreateReportRequest(target=Target(kind=TARGET_KIND_REPLY, id=reply.id), reason="spam")
    await forum.call("CreateReport", report, forum.user("rita"))
    cases = (await forum.call("ListCases", pb.ListCasesRequest(page_size=100), chief)).cases
    filters = (await forum.call("ListWordFilters", pb.ListWordFiltersRequest(), chief)).word_filters
    for found in filters:
        await forum.call("DeleteWordFilter", pb.DeleteWordFilterRequest(word_filter_id=found.id), chief)
    made = await forum.call("CreateWordFilter", pb.CreateWordFilterRequest(phrase="old", action="hold"), chief)
    return Objects(
        post_id=post_id,
        other_post_id=other_post_id,
        reply_id=reply.id,
        removed_post_id=removed_post_id,
        case_id=cases[-1].id,
        word_filter_id=made.word_filter.id,
        category_id=await forum.category(),
    )


@pytest.mark.parametrize("method", METHODS)
async def test_each_kind_of_caller_gets_what_the_contract_says(forum: Any, method: str) -> None:
    expected, request_of = TABLE[method]
    known = await callers(forum)
    outcomes = {}
    for kind in expected:
        request = request_of(await prepare(forum))
        try:
            await forum.call(method, request, known[kind])
            outcomes[kind] = "OK"
        except RemoteError as error:
            outcomes[kind] = error.reason

    assert outcomes == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_refused_changes_nothing(forum: Any, method: str) -> None:
    expected, request_of = TABLE[method]
    known = await callers(forum)
    request = request_of(await prepare(forum))
    before = await traces(forum)

    for kind, outcome in expected.items():
        if outcome != "OK":
            await forum.refused(method, request, outcome, known[kind])

    assert await traces(forum) == before


async def traces(forum: Any) -> tuple[int, int, int]:
    """Return how many events and audit entries there are, and how many posts are to be seen."""
    entries = await forum.call("ListAuditEntries", pb.ListAuditEntriesRequest(page_size=200), forum.admin("chief"))
    posts = await forum.call("ListPosts", post_service_pb2.ListPostsRequest(page_size=100))
    return len(await forum.envelopes()), len(entries.entries), len(posts.posts)
