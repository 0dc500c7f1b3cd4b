"""What moderators do to posts and replies."""

from typing import Any

import pytest
from sqlalchemy import select

from forum import models
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import moderation_service_pb2 as pb
from plaza.forum.v1 import post_service_pb2, reply_service_pb2
from plaza.forum.v1.post_pb2 import (
    CONTENT_STATUS_DELETED,
    CONTENT_STATUS_HELD,
    CONTENT_STATUS_LIVE,
    CONTENT_STATUS_REMOVED,
    PIN_SCOPE_CATEGORY,
    PIN_SCOPE_GLOBAL,
    PIN_SCOPE_UNSPECIFIED,
)
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, TARGET_KIND_USER, Target
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import Violation


def post_target(post_id: int) -> Target:
    return Target(kind=TARGET_KIND_POST, id=post_id)


def reply_target(reply_id: int) -> Target:
    return Target(kind=TARGET_KIND_REPLY, id=reply_id)


def remove(target: Target, reason: str = "Advertising") -> pb.RemoveContentRequest:
    return pb.RemoveContentRequest(target=target, reason=reason)


def restore(target: Target) -> pb.RestoreContentRequest:
    return pb.RestoreContentRequest(target=target)


async def summary(forum: Any, post_id: int, caller: Any = None) -> Any:
    request = post_service_pb2.GetPostRequest(post_id=post_id)
    return (await forum.call("GetPost", request, caller or forum.moderator())).post.summary


async def reply_status(forum: Any, reply_id: int) -> int:
    request = reply_service_pb2.GetReplyRequest(reply_id=reply_id)
    return int((await forum.call("GetReply", request, forum.moderator())).reply.status)


async def audited(forum: Any) -> list[tuple[str, int, int, str]]:
    """Return the audit log, oldest first, without what is not about posts and replies."""
    response = await forum.call("ListAuditEntries", pb.ListAuditEntriesRequest(), forum.moderator())
    return [
        (entry.action, entry.target.kind, entry.target.id, entry.detail)
        for entry in reversed(response.entries)
        if entry.target.kind in (TARGET_KIND_POST, TARGET_KIND_REPLY)
    ]


async def counters(forum: Any, category_id: int) -> tuple[int, int]:
    categories = models.categories.c
    async with forum.service.foundation.database.read() as connection:
        row = await connection.execute(
            select(categories.post_count, categories.change_count).where(categories.id == category_id)
        )
        return tuple(row.one())


async def hold_word(forum: Any, phrase: str = "pills") -> None:
    request = pb.CreateWordFilterRequest(phrase=phrase, action="hold")
    await forum.call("CreateWordFilter", request, forum.admin())


SWITCHES = [
    ("PinPost", pb.PinPostRequest, {"scope": "category"}, "pin_scope", PIN_SCOPE_CATEGORY, "post.pin", "category"),
    ("PinPost", pb.PinPostRequest, {"scope": "global"}, "pin_scope", PIN_SCOPE_GLOBAL, "post.pin", "global"),
    ("LockPost", pb.LockPostRequest, {}, "is_locked", True, "post.lock", ""),
    ("FeaturePost", pb.FeaturePostRequest, {}, "is_featured", True, "post.feature", ""),
]
BACK = {
    "PinPost": ("UnpinPost", pb.UnpinPostRequest, PIN_SCOPE_UNSPECIFIED, "post.unpin"),
    "LockPost": ("UnlockPost", pb.UnlockPostRequest, False, "post.unlock"),
    "FeaturePost": ("UnfeaturePost", pb.UnfeaturePostRequest, False, "post.unfeature"),
}


class TestSwitches:
    """Pin, lock and recommendation."""

    @pytest.mark.parametrize(("method", "kind", "fields", "name", "value", "action", "detail"), SWITCHES)
    async def test_each_is_seen_recorded_and_announced_once(
        self, forum: Any, method: str, kind: Any, fields: Any, name: str, value: Any, action: str, detail: str
    ) -> None:
        post_id = await forum.post(forum.user("alice"))
        back_method, back_kind, back_value, back_action = BACK[method]

        for _ in range(2):
            await forum.call(method, kind(post_id=post_id, **fields), forum.moderator())
        assert getattr(await summary(forum, post_id), name) == value
        for _ in range(2):
            await forum.call(back_method, back_kind(post_id=post_id), forum.moderator())
        assert getattr(await summary(forum, post_id), name) == back_value

        assert await audited(forum) == [
            (action, TARGET_KIND_POST, post_id, detail),
            (back_action, TARGET_KIND_POST, post_id, ""),
        ]
        mod_id = forum.moderator().user_id
        assert await forum.events(events_pb.PostModerated) == [
            events_pb.PostModerated(post_id=post_id, actor_id=mod_id, action=action),
            events_pb.PostModerated(post_id=post_id, actor_id=mod_id, action=back_action),
        ]

    async def test_pinning_again_changes_the_scope(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))

        for scope in ("category", "global"):
            await forum.call("PinPost", pb.PinPostRequest(post_id=post_id, scope=scope), forum.moderator())

        assert (await summary(forum, post_id)).pin_scope == PIN_SCOPE_GLOBAL
        assert [detail for *_, detail in await audited(forum)] == ["category", "global"]

    async def test_a_lock_keeps_everybody_but_moderators_from_replying(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        await forum.call("LockPost", pb.LockPostRequest(post_id=post_id), forum.moderator())
        request = reply_service_pb2.CreateReplyRequest(post_id=post_id, content="r")

        await forum.refused("CreateReply", request, "POST_LOCKED", forum.user("alice"))

        assert (await forum.reply(forum.moderator(), post_id)).number == 1

    @pytest.mark.parametrize(
        ("method", "kind", "fields"),
        [
            ("PinPost", pb.PinPostRequest, {"scope": "global"}),
            ("UnpinPost", pb.UnpinPostRequest, {}),
            ("LockPost", pb.LockPostRequest, {}),
            ("UnlockPost", pb.UnlockPostRequest, {}),
            ("FeaturePost", pb.FeaturePostRequest, {}),
            ("UnfeaturePost", pb.UnfeaturePostRequest, {}),
            ("MovePost", pb.MovePostRequest, {"category_id": 1}),
        ],
    )
    async def test_posts_of_categories_that_are_closed_to_moderators_do_not_exist_for_them(
        self, forum: Any, method: str, kind: Any, fields: Any
    ) -> None:
        secret_id = await forum.category(read_role="admin")
        post_id = await forum.post(forum.admin(), category_id=secret_id)

        await forum.refused(method, kind(post_id=post_id, **fields), "POST_NOT_FOUND", forum.moderator())
        await forum.refused(method, kind(post_id=post_id + 1, **fields), "POST_NOT_FOUND", forum.moderator())

        await forum.call(method, kind(post_id=post_id, **fields), forum.admin())

    @pytest.mark.parametrize(
        ("request_", "violation"),
        [
            (pb.PinPostRequest(), Violation("scope", "REQUIRED")),
            (pb.PinPostRequest(scope="everywhere"), Violation("scope", "NOT_ALLOWED")),
            (
                pb.PinPostRequest(violations=[FieldViolation(field="scope", code="WRONG_TYPE")]),
                Violation("scope", "WRONG_TYPE"),
            ),
        ],
    )
    async def test_a_pin_needs_a_scope(self, forum: Any, request_: Any, violation: Violation) -> None:
        await forum.refused("PinPost", request_, "POST_NOT_FOUND", forum.moderator())
        request_.post_id = await forum.post(forum.user("alice"))

        error = await forum.refused("PinPost", request_, "INVALID_REQUEST", forum.moderator())

        assert error.violations == [violation]


class TestMove:
    """A post goes into another category."""

    async def test_the_counters_of_both_categories_follow(self, forum: Any) -> None:
        category_id = await forum.category()
        post_id = await forum.post(forum.user("alice"))
        await forum.post(forum.user("alice"))
        before, there = await counters(forum, 1), await counters(forum, category_id)

        for _ in range(2):
            request = pb.MovePostRequest(post_id=post_id, category_id=category_id)
            await forum.call("MovePost", request, forum.moderator())

        assert (await summary(forum, post_id)).category_id == category_id
        assert await counters(forum, 1) == (before[0] - 1, before[1] + 1)
        assert await counters(forum, category_id) == (there[0] + 1, there[1] + 1)
        assert await audited(forum) == [("post.move", TARGET_KIND_POST, post_id, f"from 1 to {category_id}")]
        [event] = await forum.events(events_pb.PostModerated)
        assert (event.post_id, event.actor_id, event.action) == (post_id, forum.moderator().user_id, "post.move")

    async def test_a_post_out_of_sight_moves_without_being_counted(self, forum: Any) -> None:
        category_id = await forum.category()
        post_id = await forum.post(forum.user("alice"))
        await forum.call("RemoveContent", remove(post_target(post_id)), forum.moderator())
        before = await counters(forum, 1)

        await forum.call("MovePost", pb.MovePostRequest(post_id=post_id, category_id=category_id), forum.moderator())
        assert (await counters(forum, 1), await counters(forum, category_id)) == (before, (0, 0))

        await forum.call("RestoreContent", restore(post_target(post_id)), forum.moderator())
        assert (await counters(forum, category_id))[0] == 1

    async def test_an_unknown_category_and_one_that_is_closed_to_the_caller_are_not_found(self, forum: Any) -> None:
        secret_id = await forum.category(read_role="admin")
        post_id = await forum.post(forum.user("alice"))

        for category_id in (999, secret_id):
            request = pb.MovePostRequest(post_id=post_id, category_id=category_id)
            await forum.refused("MovePost", request, "CATEGORY_NOT_FOUND", forum.moderator())
        assert (await summary(forum, post_id)).category_id == 1

        await forum.call("MovePost", pb.MovePostRequest(post_id=post_id, category_id=secret_id), forum.admin())
        assert (await summary(forum, post_id, forum.admin())).category_id == secret_id

    @pytest.mark.parametrize(
        ("fields", "violation"),
        [
            ({}, Violation("category_id", "REQUIRED")),
            ({"category_id": 0}, Violation("category_id", "OUT_OF_RANGE", 1)),
        ],
    )
    async def test_a_move_needs_a_category(self, forum: Any, fields: Any, violation: Violation) -> None:
        post_id = await forum.post(forum.user("alice"))
        request = pb.MovePostRequest(post_id=post_id, **fields)

        error = await forum.refused("MovePost", request, "INVALID_REQUEST", forum.moderator())

        assert error.violations == [violation]


class TestRemoval:
    """Content goes and comes back."""

    async def test_a_post_is_removed_once_and_comes_back(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        before = await counters(forum, 1)

        for _ in range(2):
            await forum.call("RemoveContent", remove(post_target(post_id)), forum.moderator())
        assert (await summary(forum, post_id)).status == CONTENT_STATUS_REMOVED
        request = post_service_pb2.GetPostRequest(post_id=post_id)
        await forum.refused("GetPost", request, "POST_NOT_FOUND", forum.user("alice"))
        assert (await counters(forum, 1))[0] == before[0] - 1

        await forum.call("RestoreContent", restore(post_target(post_id)), forum.moderator())
        assert (await summary(forum, post_id, forum.user("bob"))).status == CONTENT_STATUS_LIVE
        assert (await counters(forum, 1))[0] == before[0]
        assert await audited(forum) == [
            ("content.remove", TARGET_KIND_POST, post_id, "Advertising"),
            ("content.restore", TARGET_KIND_POST, post_id, ""),
        ]
        mod_id = forum.moderator().user_id
        [gone] = await forum.events(events_pb.PostDeleted)
        assert (gone.post_id, gone.actor_id, gone.status) == (post_id, mod_id, CONTENT_STATUS_REMOVED)
        [back] = await forum.events(events_pb.PostRestored)
        assert (back.post_id, back.actor_id) == (post_id, mod_id)

    async def test_a_reply_goes_and_comes_back_with_those_below_it(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        top = await forum.reply(alice, post_id)
        child = await forum.reply(alice, post_id, parent=top.id)
        other = await forum.reply(alice, post_id)

        for _ in range(2):
            await forum.call("RemoveContent", remove(reply_target(top.id)), forum.moderator())
        statuses = [await reply_status(forum, reply.id) for reply in (top, child, other)]
        assert statuses == [CONTENT_STATUS_REMOVED, CONTENT_STATUS_REMOVED, CONTENT_STATUS_LIVE]
        assert (await summary(forum, post_id)).reply_count == 1

        await forum.call("RestoreContent", restore(reply_target(top.id)), forum.moderator())
        statuses = [await reply_status(forum, reply.id) for reply in (top, child, other)]
        assert statuses == [CONTENT_STATUS_LIVE] * 3
        assert (await summary(forum, post_id)).reply_count == 3
        assert [action for action, *_ in await audited(forum)] == ["content.remove", "content.restore"]

    async def test_what_went_with_a_reply_above_it_is_not_removed_again_nor_restored_alone(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        top = await forum.reply(alice, post_id)
        child = await forum.reply(alice, post_id, parent=top.id)
        await forum.call("DeleteReply", reply_service_pb2.DeleteReplyRequest(reply_id=top.id), alice)

        await forum.call("RemoveContent", remove(reply_target(child.id)), forum.moderator())
        await forum.refused("RestoreContent", restore(reply_target(child.id)), "NOT_REMOVED", forum.moderator())

        assert await reply_status(forum, child.id) == CONTENT_STATUS_DELETED
        assert await audited(forum) == []

    async def test_what_its_author_deleted_can_be_brought_back(self, forum: Any) -> None:
        alice = forum.user("alice")
        post_id = await forum.post(alice)
        await forum.call("DeletePost", post_service_pb2.DeletePostRequest(post_id=post_id), alice)

        await forum.call("RestoreContent", restore(post_target(post_id)), forum.moderator())

        assert (await summary(forum, post_id, alice)).status == CONTENT_STATUS_LIVE

    async def test_what_is_in_sight_cannot_be_brought_back(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        reply = await forum.reply(forum.user("alice"), post_id)

        await forum.refused("RestoreContent", restore(post_target(post_id)), "NOT_REMOVED", forum.moderator())
        await forum.refused("RestoreContent", restore(reply_target(reply.id)), "NOT_REMOVED", forum.moderator())

        assert await audited(forum) == []

    async def test_restoring_what_was_held_lets_it_through_and_dismisses_its_case(self, forum: Any) -> None:
        await hold_word(forum)
        alice = forum.user("alice")
        post_id = await forum.post(alice, content="pills")
        reply = await forum.reply(alice, await forum.post(alice), "pills")
        assert (await summary(forum, post_id)).status == CONTENT_STATUS_HELD

        await forum.call("RestoreContent", restore(post_target(post_id)), forum.moderator())
        await forum.call("RestoreContent", restore(reply_target(reply.id)), forum.moderator())

        assert (await summary(forum, post_id, forum.user("bob"))).status == CONTENT_STATUS_LIVE
        assert await reply_status(forum, reply.id) == CONTENT_STATUS_LIVE
        request = pb.ListCasesRequest(state=pb.CASE_STATE_RESOLVED)
        cases = (await forum.call("ListCases", request, forum.moderator())).cases
        assert [(case.resolution, case.moderator.username) for case in cases] == [("dismiss", "mod")] * 2
        assert len((await forum.call("ListCases", pb.ListCasesRequest(), forum.moderator())).cases) == 0

    async def test_removal_resolves_the_open_case(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        report = pb.CreateReportRequest(target=post_target(post_id), reason="spam")
        await forum.call("CreateReport", report, forum.user("bob"))

        await forum.call("RemoveContent", remove(post_target(post_id)), forum.moderator())

        request = pb.ListCasesRequest(state=pb.CASE_STATE_RESOLVED)
        [case] = (await forum.call("ListCases", request, forum.moderator())).cases
        assert (case.resolution, case.moderator.username, case.status) == ("remove", "mod", CONTENT_STATUS_REMOVED)

    async def test_a_removal_needs_a_reason(self, forum: Any) -> None:
        post_id = await forum.post(forum.user("alice"))
        request = pb.RemoveContentRequest(target=post_target(post_id))

        error = await forum.refused("RemoveContent", request, "INVALID_REQUEST", forum.moderator())
        assert error.violations == [Violation("reason", "REQUIRED")]
        long = remove(post_target(post_id), "x" * 501)
        error = await forum.refused("RemoveContent", long, "INVALID_REQUEST", forum.moderator())
        assert error.violations == [Violation("reason", "TOO_LONG", 500)]

        assert (await summary(forum, post_id)).status == CONTENT_STATUS_LIVE

    async def test_unknown_targets_are_not_found(self, forum: Any) -> None:
        for request in (pb.RemoveContentRequest(target=post_target(9)), remove(post_target(9))):
            await forum.refused("RemoveContent", request, "POST_NOT_FOUND", forum.moderator())
        for request in (pb.RemoveContentRequest(target=reply_target(9)), remove(reply_target(9))):
            await forum.refused("RemoveContent", request, "REPLY_NOT_FOUND", forum.moderator())
        await forum.refused("RestoreContent", restore(post_target(9)), "POST_NOT_FOUND", forum.moderator())
        await forum.refused("RestoreContent", restore(reply_target(9)), "REPLY_NOT_FOUND", forum.moderator())

    async def test_replies_in_categories_that_are_closed_to_moderators_do_not_exist_for_them(self, forum: Any) -> None:
        secret_id = await forum.category(read_role="admin")
        post_id = await forum.post(forum.admin(), category_id=secret_id)
        reply = await forum.reply(forum.admin(), post_id)

        await forum.refused("RemoveContent", remove(reply_target(reply.id)), "REPLY_NOT_FOUND", forum.moderator())

        await forum.call("RemoveContent", remove(reply_target(reply.id)), forum.admin())

    @pytest.mark.parametrize("target", [Target(), Target(kind=TARGET_KIND_USER, id=1), Target(id=1)])
    async def test_only_posts_and_replies_are_targets(self, forum: Any, target: Target) -> None:
        for method, request in (("RemoveContent", remove(target)), ("RestoreContent", restore(target))):
            error = await forum.refused(method, request, "INVALID_REQUEST", forum.moderator())
            assert error.violations == [Violation("target", "NOT_ALLOWED")]
