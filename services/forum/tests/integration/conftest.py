"""Posts, replies and people straight in the database, and the service's own events applied at once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import notification_service_pb2 as pb
from plaza.forum.v1 import post_pb2, target_pb2
from plaza_kit.caller import Caller


class Board:
    """A forum whose rows a test writes by hand."""

    def __init__(self, forum: Any) -> None:
        self.forum = forum
        self.database = forum.service.foundation.database
        self._applied: set[str] = set()

    async def insert(self, table: Table, **values: Any) -> int:
        async def work(connection: AsyncConnection) -> int:
            return int((await connection.execute(insert(table).values(values))).lastrowid or 0)

        return int(await self.database.write(work))

    async def change(self, table: Table, row_id: int, **values: Any) -> None:
        await self.write(
            lambda connection: connection.execute(update(table).where(table.c.id == row_id).values(values))
        )

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> None:
        await self.database.write(work)

    async def count(self, table: Table) -> int:
        async with self.database.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())

    async def user(self, name: str, role: str = "user", **more: Any) -> Caller:
        caller: Caller = self.forum.user(name, role)
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "id": caller.user_id,
            "username": name,
            "username_key": name.encode(),
            "avatar": "",
            "role": role,
            "is_deleted": False,
            "is_banned": False,
            "joined_time": now,
            "updated_time": now,
        }
        await self.insert(models.users, **(values | more))
        return caller

    async def users(self, *names: str) -> list[Caller]:
        return [await self.user(name) for name in names]

    async def category(self, **more: Any) -> int:
        number = await self.count(models.categories) + 1
        values: dict[str, Any] = {
            "name": f"category {number}",
            "slug": f"category-{number}",
            "description": "",
            "read_rank": 0,
            "write_rank": 1,
            "position": 0,
            "post_count": 0,
            "change_count": 0,
            "created_time": datetime.now(UTC),
        }
        return await self.insert(models.categories, **(values | more))

    async def post(self, author: Caller, *, mentions: tuple[int, ...] = (), **more: Any) -> int:
        """Write a post with its event."""
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "author_id": author.user_id,
            "category_id": 1,
            "title": "a title",
            "content": "a post",
            "content_html": "",
            "content_hash": b"",
            "excerpt": "",
            "status": post_pb2.CONTENT_STATUS_LIVE,
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
        } | more
        post_id = await self.insert(models.posts, **values)
        event = events_pb.PostCreated(
            post_id=post_id,
            author_id=author.user_id,
            category_id=values["category_id"],
            status=values["status"],
            mentioned_user_ids=mentions,
        )
        await self.happen(post_id, event)
        return post_id

    async def reply(
        self, author: Caller, post_id: int, *, parent: int = 0, mentions: tuple[int, ...] = (), **more: Any
    ) -> int:
        """Write a reply with its event."""
        now = datetime.now(UTC)
        number = await self.count(models.replies) + 1
        values: dict[str, Any] = {
            "post_id": post_id,
            "parent_id": parent or None,
            "number": number,
            "depth": 0,
            "author_id": author.user_id,
            "content": "a reply",
            "content_html": "",
            "content_hash": b"",
            "status": post_pb2.CONTENT_STATUS_LIVE,
            "version": 1,
            "created_time": now,
            "updated_time": now,
            "up_count": 0,
            "down_count": 0,
            "score": 0,
        } | more
        reply_id = await self.insert(models.replies, **values)
        event = events_pb.ReplyCreated(
            reply_id=reply_id,
            post_id=post_id,
            parent_reply_id=parent,
            number=number,
            author_id=author.user_id,
            status=values["status"],
            mentioned_user_ids=mentions,
        )
        await self.happen(post_id, event)
        return reply_id

    async def follow(self, user: Caller, kind: "target_pb2.TargetKind.ValueType", target_id: int) -> None:
        await self.insert(
            models.follows,
            user_id=user.user_id,
            target_kind=int(kind),
            target_id=target_id,
            created_time=datetime.now(UTC),
        )

    async def happen(self, post_id: int, event: Message) -> None:
        """Write an event about a post."""
        events = self.forum.service.foundation.events
        await self.write(lambda connection: events.about_post(connection, post_id, event))

    async def vote(self, post_id: int, author: Caller, up_count: int, *, reply_id: int = 0) -> None:
        kind = target_pb2.TARGET_KIND_REPLY if reply_id else target_pb2.TARGET_KIND_POST
        target = target_pb2.Target(kind=kind, id=reply_id or post_id)
        event = events_pb.VoteCast(target=target, post_id=post_id, author_id=author.user_id, up_count=up_count)
        await self.happen(post_id, event)

    async def apply(self) -> int:
        """Apply what has happened, what follows from it included; return the number of transactions."""
        count = 0
        while new := [each for each in await self.forum.envelopes() if each.id not in self._applied]:
            for envelope in new:
                self._applied.add(envelope.id)
                if envelope.type in self.forum.service.own_events.types:
                    await self.apply_one(envelope)
                    count += 1
        return count

    async def apply_one(self, envelope: Envelope) -> None:
        handler = self.forum.service.own_events.apply
        await self.write(lambda connection: handler(connection, envelope))

    async def notifications(self, user: Caller, **more: Any) -> list[Any]:
        """Apply what has happened and return a user's notifications, last changed first."""
        await self.apply()
        response = await self.forum.call("ListNotifications", pb.ListNotificationsRequest(**more), user)
        return list(response.notifications)


@pytest.fixture
def board(forum: Any) -> Board:
    return Board(forum)
