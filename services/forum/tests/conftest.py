"""The service as its callers see it: a real server, its interceptors, and a real database under it."""

import base64
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, insert, select

from forum import models
from forum.main import Service
from forum.processes import migrations_folder
from forum.settings import ForumSettings
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import (
    category_service_pb2,
    category_service_pb2_grpc,
    draft_service_pb2_grpc,
    engagement_service_pb2_grpc,
    moderation_service_pb2_grpc,
    notification_service_pb2_grpc,
    post_service_pb2,
    post_service_pb2_grpc,
    reply_service_pb2,
    reply_service_pb2_grpc,
    revision_service_pb2_grpc,
    search_service_pb2_grpc,
    tag_service_pb2_grpc,
    webhook_service_pb2_grpc,
)
from plaza_kit.caller import Caller
from plaza_kit.db import driver_url
from plaza_kit.errors import RemoteError
from plaza_kit.grpc_client import Client
from plaza_kit.testing.database import MigratedDatabases
from plaza_kit.testing.grpc import new_trust, serving

STUBS: tuple[Any, ...] = (
    category_service_pb2_grpc.CategoryServiceStub,
    draft_service_pb2_grpc.DraftServiceStub,
    engagement_service_pb2_grpc.EngagementServiceStub,
    moderation_service_pb2_grpc.ModerationServiceStub,
    notification_service_pb2_grpc.NotificationServiceStub,
    post_service_pb2_grpc.PostServiceStub,
    reply_service_pb2_grpc.ReplyServiceStub,
    revision_service_pb2_grpc.RevisionServiceStub,
    search_service_pb2_grpc.SearchServiceStub,
    tag_service_pb2_grpc.TagServiceStub,
    webhook_service_pb2_grpc.WebhookServiceStub,
)


class MovingClock:
    """Time that a test moves. It begins a little in the past, on a full half minute, and each look costs 1 ms."""

    def __init__(self) -> None:
        seconds = int(datetime.now(UTC).timestamp()) - 60
        self._now = datetime.fromtimestamp(seconds - seconds % 30, UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def forward(self, **parts: float) -> None:
        self._now += timedelta(**parts)


class Forum:
    """A client of the service: `await forum.call("CreatePost", post_service_pb2.CreatePostRequest(...), alice)`."""

    def __init__(self, client: Client, service: Service, clock: MovingClock) -> None:
        self.client = client
        self.service = service
        self.clock = clock
        self._methods = {name: method for stub in STUBS for name, method in vars(stub(client.channel)).items()}
        self._user_ids: dict[str, int] = {}
        self._numbers = count(1)

    async def call(self, method: str, request: Any, caller: Caller | None = None) -> Any:
        return await self.client.call(self._methods[method], request, caller=caller or visitor(), timeout=10.0)

    async def refused(self, method: str, request: Any, reason: str, caller: Caller | None = None) -> RemoteError:
        """Call a method that must fail for this reason, and return the error."""
        with pytest.raises(RemoteError) as caught:
            await self.call(method, request, caller)
        assert caught.value.reason == reason
        return caught.value

    def user(self, username: str, role: str = "user", **more: Any) -> Caller:
        """Return somebody who has signed in; the same name is the same user."""
        user_id = self._user_ids.setdefault(username, len(self._user_ids) + 1)
        return visitor(user_id=user_id, username=username, roles=frozenset({role}), **more)

    def moderator(self, username: str = "mod") -> Caller:
        return self.user(username, "moderator")

    def admin(self, username: str = "root") -> Caller:
        return self.user(username, "admin")

    async def envelopes(self) -> list[Envelope]:
        """Return all events so far, in the order of writing."""
        async with self.service.foundation.database.read() as connection:
            rows = await connection.execute(select(models.outbox.c.envelope).order_by(models.outbox.c.id))
            return [Envelope.FromString(row) for row in rows.scalars()]

    async def events(self, kind: Any) -> list[Any]:
        """Return the payloads of one kind of event, in the order of writing."""
        name = kind.DESCRIPTOR.full_name
        return [kind.FromString(envelope.payload) for envelope in await self.envelopes() if envelope.type == name]

    async def post(self, caller: Caller, **fields: Any) -> int:
        """Write a post, with a text of its own unless one is given, and return its id."""
        number = next(self._numbers)
        values = {"title": f"title {number}", "content": f"content {number}"} | fields
        response = await self.call("CreatePost", post_service_pb2.CreatePostRequest(**values), caller)
        return int(response.post_id)

    async def reply(self, caller: Caller, post_id: int, content: str = "r", *, parent: int = 0) -> Any:
        """Write a reply and return it."""
        request = reply_service_pb2.CreateReplyRequest(post_id=post_id, content=content, parent_reply_id=parent)
        return (await self.call("CreateReply", request, caller)).reply

    async def category(self, **fields: Any) -> int:
        """Make a category as an admin and return its id."""
        number = next(self._numbers)
        values = {"name": f"category {number}", "slug": f"category-{number}"} | fields
        request = category_service_pb2.CreateCategoryRequest(fields=category_service_pb2.CategoryFields(**values))
        return int((await self.call("CreateCategory", request, self.admin())).category.id)


def visitor(**more: Any) -> Caller:
    """Return nobody, calling from one address."""
    return Caller(**({"request_id": "test-request", "address": "192.0.2.1", "user_agent": "pytest"} | more))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> MigratedDatabases:
    return MigratedDatabases(migrations_folder(), tmp_path_factory.mktemp("forum-databases"))


@pytest.fixture(scope="session")
def redis_url(redis_url: str) -> str:
    """A database of its own in the shared Redis: a whole stack that other tests run there has streams of our names."""
    parts = urlsplit(redis_url)
    number = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{(number + 8) % 16}").geturl()


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, databases: MigratedDatabases, tmp_path: Path) -> str:
    """The URL of a migrated database without users and posts: each test runs on both kinds."""
    if request.param == "sqlite":
        return databases.sqlite(tmp_path / "forum.db")
    url = databases.mariadb(request.getfixturevalue("mariadb_server"))
    restore_default_category(url)
    return url


def restore_default_category(url: str) -> None:
    """Give an emptied database the category that the migrations made."""
    engine = create_engine(driver_url(url, synchronous=True))
    categories = models.categories
    with engine.begin() as connection:
        if connection.execute(select(categories.c.id)).first() is None:
            connection.execute(
                insert(categories).values(
                    id=1,
                    name="General",
                    slug="general",
                    description="",
                    read_rank=0,
                    write_rank=1,
                    position=0,
                    post_count=0,
                    change_count=0,
                    created_time=datetime.now(UTC),
                )
            )
    engine.dispose()


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forum-keys")
    (folder / "data.key").write_bytes(base64.b64encode(secrets.token_bytes(32)) + b"\n")
    return folder


@pytest.fixture
def moving_clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def make_settings(database_url: str, make_any_settings: Any) -> Any:
    """Return a function that makes settings for the database of the test."""
    return partial(make_any_settings, database_url=SecretStr(database_url))


@pytest.fixture
def make_any_settings(key_files: Path) -> Any:
    """Return a function that makes settings with which nobody is new and the same text may be written twice."""

    def make(**changes: Any) -> ForumSettings:
        values: dict[str, Any] = {
            "environment": "development",
            "data_key_file": key_files / "data.key",
            "database_pool_size": 5,
            "new_user_age": timedelta(0),
            "duplicate_window": timedelta(0),
        }
        return ForumSettings(**(values | changes))

    return make


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    """What a test wants to be configured differently; override by parametrizing."""
    return {}


@pytest.fixture
async def forum(
    make_settings: Any, settings_changes: dict[str, Any], moving_clock: MovingClock
) -> AsyncIterator[Forum]:
    """A running service and a client that may speak for anybody."""
    service = Service(make_settings(**settings_changes), clock=moving_clock)
    async with serving("forum", service.registrations(), trust=new_trust()) as client:
        yield Forum(client, service, moving_clock)
    await service.close()
