"""What auth tells of users arrives over a real stream: names, bans, deletions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from google.protobuf.message import Message
from redis.asyncio import Redis
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from forum.errors import UserBanned
from forum.processes import consuming_parts
from forum.repository.users import KnownUser
from forum.user_events import SOURCE
from plaza.auth.v1 import auth_events_pb2 as auth_pb
from plaza.auth.v1.user_pb2 import ROLE_MODERATOR, ROLE_USER, UserSummary
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1.forum_events_pb2 import AuthorChanged
from plaza_kit.caller import Caller
from plaza_kit.errors import Unauthenticated
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.ids import uuid7
from plaza_kit.testing.polling import eventually

JOINED = datetime(2020, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Auth:
    """Publishes as the auth service's relay does."""

    def __init__(self, redis: "Redis", forum: Any) -> None:
        self._redis = redis
        self._forum = forum

    async def tell(self, payload: Message, *, at: datetime = NOON, event_id: str = "") -> None:
        envelope = Envelope(
            id=event_id or str(uuid7()),
            type=payload.DESCRIPTOR.full_name,
            source=SOURCE,
            payload=payload.SerializeToString(),
        )
        envelope.occurred_time.FromDatetime(at)
        await self._redis.xadd(stream_name(SOURCE, 0), {FIELD: envelope.SerializeToString()})

    async def applied(self) -> None:
        """Wait until all that was told is acknowledged."""

        async def is_read() -> bool:
            last = (await self._redis.xinfo_stream(stream_name(SOURCE, 0)))["last-generated-id"]
            groups = await self._redis.xinfo_groups(stream_name(SOURCE, 0))
            return any(group["last-delivered-id"] == last and not group["pending"] for group in groups)

        await eventually(is_read, timeout=15)

    async def known(self, user_id: int) -> KnownUser | None:
        await self.applied()
        async with self._forum.service.foundation.database.read() as connection:
            user: KnownUser | None = await self._forum.service.foundation.repositories.users.find(connection, user_id)
            return user


@pytest.fixture
async def auth(forum: Any, redis_url: str) -> AsyncIterator[Auth]:
    """Auth's stream, empty, with the forum's `consume` role reading it."""
    redis = Redis.from_url(redis_url)
    await redis.delete("plaza:events:auth:0", "plaza:events:forum:0")
    stop = asyncio.Event()
    parts = [asyncio.ensure_future(part(stop)) for part in consuming_parts(forum.service, redis)]
    yield Auth(redis, forum)
    stop.set()
    await asyncio.gather(*parts)
    await redis.aclose()


def summary(user_id: int, username: str, **more: Any) -> UserSummary:
    values: dict[str, Any] = {"id": user_id, "username": username, "role": ROLE_USER} | more
    user = UserSummary(**values)
    user.joined_time.FromDatetime(JOINED)
    return user


async def require(forum: Any, caller: Caller) -> Any:
    """Let a caller write, in a transaction of its own."""

    async def work(connection: AsyncConnection) -> Any:
        return await forum.service.writers.require(connection, caller)

    return await forum.service.foundation.database.write(work)


async def count(forum: Any, table: Any) -> int:
    async with forum.service.foundation.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)))


async def test_who_registers_is_known(auth: Auth) -> None:
    await auth.tell(auth_pb.UserRegistered(user=summary(7, "Alice", avatar="/a.png", role=ROLE_MODERATOR)))

    known = await auth.known(7)
    assert known is not None
    assert (known.username, known.avatar, known.role) == ("Alice", "/a.png", "moderator")
    assert known.joined_time == JOINED


async def test_who_wrote_before_their_event_came_keeps_the_time_of_joining(auth: Auth, forum: Any) -> None:
    caller = forum.user("alice")
    await require(forum, caller)
    await auth.tell(auth_pb.UserRegistered(user=summary(caller.user_id, "alice")))

    known = await auth.known(caller.user_id)
    assert known is not None
    assert known.joined_time == JOINED


async def test_another_name_is_announced_and_an_older_event_changes_nothing(auth: Auth, forum: Any) -> None:
    await auth.tell(auth_pb.UserRegistered(user=summary(7, "alice")))
    await auth.tell(auth_pb.UserUpdated(user=summary(7, "alicia", avatar="/b.png")), at=NOON + timedelta(seconds=2))
    await auth.tell(auth_pb.UserUpdated(user=summary(7, "alice")), at=NOON + timedelta(seconds=1))

    known = await auth.known(7)
    assert known is not None
    assert (known.username, known.avatar) == ("alicia", "/b.png")
    assert [event.user_id for event in await forum.events(AuthorChanged)] == [7]


async def test_another_role_is_no_news_of_an_author(auth: Auth, forum: Any) -> None:
    await auth.tell(auth_pb.UserRegistered(user=summary(7, "alice")))
    await auth.tell(auth_pb.UserUpdated(user=summary(7, "alice", role=ROLE_MODERATOR)), at=NOON + timedelta(seconds=1))

    known = await auth.known(7)
    assert known is not None
    assert known.role == "moderator"
    assert await forum.events(AuthorChanged) == []


async def test_a_banned_user_writes_nothing_until_unbanned(auth: Auth, forum: Any) -> None:
    caller = forum.user("alice")
    await require(forum, caller)
    await auth.tell(auth_pb.UserBanned(user_id=caller.user_id, reason="spam"))
    await auth.applied()
    with pytest.raises(UserBanned):
        await require(forum, caller)

    await auth.tell(auth_pb.UserUnbanned(user_id=caller.user_id))
    await auth.applied()
    assert (await require(forum, caller)).user_id == caller.user_id


async def test_a_timed_ban_ends_by_itself(auth: Auth, forum: Any) -> None:
    caller = forum.user("alice")
    await require(forum, caller)
    banned = auth_pb.UserBanned(user_id=caller.user_id)
    banned.until_time.FromDatetime(forum.clock() + timedelta(hours=1))
    await auth.tell(banned)
    await auth.applied()
    with pytest.raises(UserBanned):
        await require(forum, caller)

    forum.clock.forward(hours=1)
    assert (await require(forum, caller)).user_id == caller.user_id


async def test_a_deleted_user_loses_the_name_and_what_was_only_theirs(auth: Auth, forum: Any) -> None:
    alice, bob = forum.user("alice"), forum.user("bob")
    for caller in (alice, bob):
        await require(forum, caller)
        await forum.service.foundation.database.write(partial(fill, user_id=caller.user_id))
    await auth.tell(auth_pb.UserDeleted(user_id=alice.user_id), at=datetime.now(UTC))

    known = await auth.known(alice.user_id)
    assert known is not None
    assert (known.username, known.avatar, known.is_deleted) == ("", "", True)
    assert [event.user_id for event in await forum.events(AuthorChanged)] == [alice.user_id]
    with pytest.raises(Unauthenticated):
        await require(forum, alice)
    for table in PRIVATE:
        await eventually(partial(is_count, forum, table, 1), timeout=15)


async def test_a_deleted_user_of_whom_nothing_was_known_stays_without_a_name(auth: Auth, forum: Any) -> None:
    caller = forum.user("alice")
    await auth.tell(auth_pb.UserDeleted(user_id=caller.user_id))
    await auth.applied()

    with pytest.raises(Unauthenticated):
        await require(forum, caller)
    known = await auth.known(caller.user_id)
    assert known is not None
    assert known.username == ""


async def test_an_event_that_is_told_twice_counts_once(auth: Auth, forum: Any) -> None:
    await auth.tell(auth_pb.UserRegistered(user=summary(7, "alice")))
    for _ in range(2):
        await auth.tell(auth_pb.UserUpdated(user=summary(7, "alicia")), at=NOON + timedelta(seconds=1), event_id="same")
    await auth.applied()

    assert len(await forum.events(AuthorChanged)) == 1


async def test_what_is_not_of_interest_is_passed_over(auth: Auth, forum: Any) -> None:
    await auth.tell(auth_pb.TokensRevoked())
    await auth.tell(auth_pb.UserRegistered(user=summary(7, "alice")))

    assert await auth.known(7) is not None
    assert await count(forum, models.dead_letters) == 0


PRIVATE = (
    models.drafts,
    models.bookmarks,
    models.follows,
    models.blocks,
    models.notifications,
    models.post_reads,
    models.read_horizons,
    models.notification_preferences,
)


async def fill(connection: AsyncConnection, user_id: int) -> None:
    """Give a user one row in each table of what is only theirs."""
    now = datetime.now(UTC)
    target = {"target_kind": 1, "target_id": 1, "created_time": now}
    times = {"created_time": now, "updated_time": now}
    rows: dict[Any, dict[str, Any]] = {
        models.drafts: {"fields": "{}", "version": 1, **times},
        models.bookmarks: target,
        models.follows: target,
        models.blocks: {"blocked_user_id": user_id, "created_time": now},
        models.notifications: {
            "kind": 1,
            "reason": "",
            "group_key": str(user_id).encode(),
            "post_id": 1,
            "detail": "",
            "count": 1,
            "is_read": False,
            **times,
        },
        models.post_reads: {"post_id": 1, "last_read_number": 1, "read_time": now},
        models.read_horizons: {"read_time": now},
        models.notification_preferences: {"kind": 1, "is_enabled": False},
    }
    for table, values in rows.items():
        await connection.execute(insert(table).values(user_id=user_id, **values))


async def is_count(forum: Any, table: Any, expected: int) -> bool:
    return await count(forum, table) == expected
