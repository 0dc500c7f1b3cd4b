"""NotificationService: the list, marks and preferences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from forum import models
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1.notification_pb2 import NOTIFICATION_KIND_REPLY
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE, CONTENT_STATUS_REMOVED
from plaza_kit.caller import Caller

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Inbox:
    """A user with notifications that a test writes by hand: number 1 is the oldest."""

    def __init__(self, forum: Any, user: Caller, other: Caller) -> None:
        self.forum = forum
        self.user = user
        self.other = other

    async def write(self, statement: Any, rows: Any = None) -> None:
        await self.forum.service.foundation.database.write(lambda connection: connection.execute(statement, rows))

    async def fill(self, count: int, **more: Any) -> None:
        rows = [
            {
                "user_id": self.user.user_id,
                "kind": int(NOTIFICATION_KIND_REPLY),
                "group_key": f"{number}".encode(),
                "actor_id": self.other.user_id,
                "post_id": 1,
                "detail": "",
                "reason": "",
                "count": 1,
                "is_read": False,
                "created_time": BEGINNING,
                "updated_time": BEGINNING + timedelta(seconds=number),
            }
            | more
            for number in range(1, count + 1)
        ]
        await self.write(insert(models.notifications), rows)

    async def page(self, caller: Caller | None = None, **fields: Any) -> pb.ListNotificationsResponse:
        request = pb.ListNotificationsRequest(**fields)
        response: pb.ListNotificationsResponse = await self.forum.call(
            "ListNotifications", request, caller or self.user
        )
        return response

    async def ids(self, **fields: Any) -> list[int]:
        return [each.id for each in (await self.page(**fields)).notifications]

    async def unread(self) -> int:
        return int((await self.forum.call("CountUnread", pb.CountUnreadRequest(), self.user)).count)

    async def mark(self, caller: Caller | None = None, **fields: Any) -> int:
        request = pb.MarkNotificationsReadRequest(**fields)
        return int((await self.forum.call("MarkNotificationsRead", request, caller or self.user)).unread_count)


@pytest.fixture
async def inbox(forum: Any) -> Inbox:
    made = Inbox(forum, forum.user("alice"), forum.user("bob"))
    now = datetime.now(UTC)
    people = [
        {
            "id": caller.user_id,
            "username": caller.username,
            "avatar": "",
            "role": "user",
            "is_deleted": False,
            "is_banned": False,
            "joined_time": now,
            "updated_time": now,
        }
        for caller in (made.user, made.other)
    ]
    await made.write(insert(models.users), people)
    post = {
        "id": 1,
        "author_id": made.other.user_id,
        "category_id": 1,
        "title": "a title",
        "content": "",
        "content_html": "",
        "content_hash": b"",
        "excerpt": "",
        "status": int(CONTENT_STATUS_LIVE),
        "version": 1,
        "created_time": now,
        "updated_time": now,
        "last_activity_time": now,
        "reply_seq": 0,
        "reply_count": 0,
        "up_count": 0,
        "down_count": 0,
        "score": 0,
        "pin_scope": 0,
        "is_locked": False,
        "is_featured": False,
    }
    await made.write(insert(models.posts), post)
    return made


async def test_pages_join_without_a_gap_last_changed_first(inbox: Inbox) -> None:
    await inbox.fill(3)
    await inbox.write(update(models.notifications).values(updated_time=BEGINNING))  # the id decides
    first = await inbox.page(page_size=2)
    second = await inbox.page(page_size=2, page_token=first.next_page_token)

    everything = await inbox.ids()
    assert everything == sorted(everything, reverse=True)
    assert [each.id for each in (*first.notifications, *second.notifications)] == everything
    assert second.next_page_token == ""


async def test_only_unread_ones_can_be_asked_for(inbox: Inbox) -> None:
    await inbox.fill(3)
    newest, middle, oldest = await inbox.ids()
    await inbox.mark(notification_ids=[middle])

    assert await inbox.ids(is_unread=True) == [newest, oldest]
    assert await inbox.ids() == [newest, middle, oldest]


async def test_a_page_token_is_good_for_its_user_and_filter_alone(inbox: Inbox) -> None:
    await inbox.fill(3)
    token = (await inbox.page(page_size=1)).next_page_token
    for request, caller in (
        (pb.ListNotificationsRequest(page_token=token, is_unread=True), inbox.user),
        (pb.ListNotificationsRequest(page_token=token), inbox.other),
        (pb.ListNotificationsRequest(page_token="x"), inbox.user),
    ):
        await inbox.forum.refused("ListNotifications", request, "PAGE_TOKEN_INVALID", caller)


async def test_page_sizes_are_bounded(inbox: Inbox) -> None:
    await inbox.fill(101)

    assert len(await inbox.ids()) == 20
    assert len(await inbox.ids(page_size=1000)) == 100
    error = await inbox.forum.refused(
        "ListNotifications", pb.ListNotificationsRequest(page_size=-1), "INVALID_REQUEST", inbox.user
    )
    assert [(each.field, each.code) for each in error.violations] == [("page_size", "OUT_OF_RANGE")]


async def test_nobody_sees_or_marks_what_is_anothers(inbox: Inbox) -> None:
    await inbox.fill(2)
    newest, oldest = await inbox.ids()
    assert list((await inbox.page(inbox.other)).notifications) == []
    assert await inbox.mark(inbox.other, notification_ids=[newest, oldest]) == 0
    assert await inbox.mark(inbox.other, up_to_id=newest) == 0

    assert await inbox.unread() == 2


async def test_all_up_to_one_are_marked(inbox: Inbox) -> None:
    await inbox.fill(3)
    newest, middle, _ = await inbox.ids()

    assert await inbox.mark(up_to_id=middle) == 1
    assert await inbox.ids(is_unread=True) == [newest]
    assert await inbox.mark(up_to_id=2**63 - 1) == 1  # there is no such one


async def test_marking_is_told_to_other_devices_if_it_changed_something(inbox: Inbox) -> None:
    await inbox.fill(2)
    newest, oldest = await inbox.ids()
    await inbox.mark(notification_ids=[newest])
    await inbox.mark(notification_ids=[newest])
    await inbox.mark(up_to_id=newest)

    events = await inbox.forum.events(events_pb.NotificationsRead)
    assert [(each.user_id, each.unread_count) for each in events] == [(inbox.user.user_id, 1), (inbox.user.user_id, 0)]
    assert {each.subject for each in await inbox.forum.envelopes()} == {f"user:{inbox.user.user_id}"}
    assert oldest not in await inbox.ids(is_unread=True)


async def test_counting_stops_at_a_thousand(inbox: Inbox) -> None:
    await inbox.fill(1002)
    assert await inbox.unread() == 1000
    [newest] = await inbox.ids(page_size=1)
    assert await inbox.mark(notification_ids=[newest]) == 1000
    [newest] = await inbox.ids(page_size=1, is_unread=True)
    assert await inbox.mark(notification_ids=[newest]) == 1000
    [newest] = await inbox.ids(page_size=1, is_unread=True)
    assert await inbox.mark(notification_ids=[newest]) == 999


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({}, ("notification_ids", "REQUIRED")),
        ({"notification_ids": [1], "up_to_id": 1}, ("up_to_id", "NOT_ALLOWED")),
        ({"notification_ids": [0]}, ("notification_ids.0", "OUT_OF_RANGE")),
        ({"notification_ids": range(1, 102)}, ("notification_ids", "OUT_OF_RANGE")),
        ({"up_to_id": 0}, ("up_to_id", "OUT_OF_RANGE")),
    ],
)
async def test_what_to_mark_must_be_clear(inbox: Inbox, fields: dict[str, Any], violation: tuple[str, str]) -> None:
    request = pb.MarkNotificationsReadRequest(**fields)
    error = await inbox.forum.refused("MarkNotificationsRead", request, "INVALID_REQUEST", inbox.user)
    assert [(each.field, each.code) for each in error.violations] == [violation]


async def test_the_title_of_a_post_that_one_may_not_read_any_more_is_left_out(inbox: Inbox) -> None:
    await inbox.fill(1)
    assert [each.post_title for each in (await inbox.page()).notifications] == ["a title"]

    await inbox.write(update(models.posts).values(status=int(CONTENT_STATUS_REMOVED)))
    assert [each.post_title for each in (await inbox.page()).notifications] == [""]
    await inbox.write(update(models.posts).values(status=int(CONTENT_STATUS_LIVE)))
    await inbox.write(update(models.categories).values(read_rank=2))
    assert [each.post_title for each in (await inbox.page()).notifications] == [""]
    moderator = inbox.user._replace(roles=frozenset({"moderator"}))
    assert [each.post_title for each in (await inbox.page(moderator)).notifications] == ["a title"]
    await inbox.write(update(models.posts).values(author_id=inbox.user.user_id))
    assert [each.post_title for each in (await inbox.page()).notifications] == ["a title"]


async def preferences(inbox: Inbox) -> pb.NotificationPreferences:
    response = await inbox.forum.call("GetNotificationPreferences", pb.GetNotificationPreferencesRequest(), inbox.user)
    found: pb.NotificationPreferences = response.preferences
    return found


async def test_every_kind_is_wanted_unless_the_user_said_otherwise(inbox: Inbox) -> None:
    everything = await preferences(inbox)
    assert {field.name: wanted for field, wanted in everything.ListFields()} == dict.fromkeys(
        everything.DESCRIPTOR.fields_by_name, True
    )

    for changes in ({"reply": False, "mention": False}, {"mention": True}, {}):
        request = pb.UpdateNotificationPreferencesRequest(preferences=pb.NotificationPreferences(**changes))
        response = await inbox.forum.call("UpdateNotificationPreferences", request, inbox.user)
    now = await preferences(inbox)
    assert response.preferences == now
    assert (now.reply, now.mention, now.accepted) == (False, True, True)


async def test_somebody_who_never_wrote_anything_may_have_preferences(inbox: Inbox) -> None:
    newcomer = inbox.forum.user("newcomer")
    request = pb.UpdateNotificationPreferencesRequest(preferences=pb.NotificationPreferences(moderation=False))
    response = await inbox.forum.call("UpdateNotificationPreferences", request, newcomer)

    assert not response.preferences.moderation


async def test_nobody_in_particular_has_no_notifications(inbox: Inbox) -> None:
    visitor = Caller(request_id="test-request")
    await inbox.forum.refused("ListNotifications", pb.ListNotificationsRequest(), "TOKEN_MISSING", visitor)
