"""The service as its callers see it: a real server, its interceptors, and a real database under it."""

import base64
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from auth import keys, models
from auth.main import Service
from auth.processes import migrations_folder
from auth.settings import AuthSettings
from plaza.auth.v1 import (
    account_service_pb2_grpc,
    auth_service_pb2_grpc,
    profile_service_pb2_grpc,
    resume_service_pb2_grpc,
    session_service_pb2_grpc,
    user_service_pb2_grpc,
)
from plaza.auth.v1 import auth_service_pb2 as auth_pb
from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError
from plaza_kit.grpc_client import Client
from plaza_kit.testing.database import MigratedDatabases
from plaza_kit.testing.grpc import new_trust, serving

PASSWORD = "password123"


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


class Auth:
    """A client of the service: `await auth.call("Login", auth_pb.LoginRequest(...))`."""

    def __init__(self, client: Client, service: Service, clock: MovingClock, transport: "ListTransport") -> None:
        self.client = client
        self.service = service
        self.clock = clock
        self.transport = transport
        self.sent_mails = transport.mails
        stubs = (
            auth_service_pb2_grpc.AuthServiceStub(client.channel),
            session_service_pb2_grpc.SessionServiceStub(client.channel),
            account_service_pb2_grpc.AccountServiceStub(client.channel),
            user_service_pb2_grpc.UserServiceStub(client.channel),
            profile_service_pb2_grpc.ProfileServiceStub(client.channel),
            resume_service_pb2_grpc.ResumeServiceStub(client.channel),
        )
        self._methods = {name: method for stub in stubs for name, method in vars(stub).items()}

    async def call(self, method: str, request: Any, caller: Caller | None = None) -> Any:
        return await self.client.call(self._methods[method], request, caller=caller or visitor(), timeout=10.0)

    async def refused(self, method: str, request: Any, reason: str, caller: Caller | None = None) -> RemoteError:
        """Call a method that must fail for this reason, and return the error."""
        with pytest.raises(RemoteError) as caught:
            await self.call(method, request, caller)
        assert caught.value.reason == reason
        return caught.value

    async def envelopes(self) -> list[Envelope]:
        """Return all events so far, in the order of writing."""
        async with self.service.foundation.database.read() as connection:
            rows = await connection.execute(select(models.outbox.c.envelope).order_by(models.outbox.c.id))
            return [Envelope.FromString(row) for row in rows.scalars()]

    async def events(self, kind: Any) -> list[Any]:
        """Return the payloads of one kind of event, in the order of writing."""
        name = kind.DESCRIPTOR.full_name
        return [kind.FromString(envelope.payload) for envelope in await self.envelopes() if envelope.type == name]

    async def register(self, username: str = "alice", password: str = PASSWORD) -> int:
        response = await self.call("Register", auth_pb.RegisterRequest(username=username, password=password))
        return int(response.user_id)

    async def login(self, username: str = "alice", password: str = PASSWORD, **more: Any) -> auth_pb.LoginResponse:
        caller = more.pop("caller", None)
        request = auth_pb.LoginRequest(username=username, password=password, **more)
        response: auth_pb.LoginResponse = await self.call("Login", request, caller)
        return response

    async def signed_in(self, username: str = "alice", *roles: str) -> Caller:
        """Register and sign in; return the caller that the edge would make of the token."""
        await self.register(username)
        return await self.session(username, *roles)

    async def session(self, username: str = "alice", *roles: str, password: str = PASSWORD) -> Caller:
        """Sign in once more."""
        response = await self.login(username, password)
        return self.caller_of(response.tokens.access_token, *roles)

    def caller_of(self, access_token: str, *roles: str, **more: str) -> Caller:
        claims = decode(access_token)
        return Caller(
            user_id=claims["user_id"],
            username=claims["username"],
            roles=frozenset(roles or claims["roles"]),
            session_id=claims["sid"],
            token_version=claims["ver"],
            request_id="test-request",
            address=more.get("address", "192.0.2.1"),
            user_agent="pytest",
            idempotency_key=more.get("idempotency_key", ""),
        )


def decode(access_token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return claims


def visitor(**more: Any) -> Caller:
    """Return nobody, calling from one address."""
    return Caller(**({"request_id": "test-request", "address": "192.0.2.1", "user_agent": "pytest"} | more))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> MigratedDatabases:
    return MigratedDatabases(migrations_folder(), tmp_path_factory.mktemp("auth-databases"))


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, databases: MigratedDatabases, tmp_path: Path) -> str:
    """The URL of an empty, migrated database: each test runs on both kinds."""
    if request.param == "sqlite":
        return databases.sqlite(tmp_path / "auth.db")
    return databases.mariadb(request.getfixturevalue("mariadb_server"))


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("auth-keys")
    keys.add_key(folder / "signing")
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
    """Return a function that makes settings, without a delay of failures."""

    def make(**changes: Any) -> AuthSettings:
        values: dict[str, Any] = {
            "environment": "development",
            "signing_keys_dir": key_files / "signing",
            "data_key_file": key_files / "data.key",
            "login_failure_floor": timedelta(seconds=0),
            "password_workers": 2,
            "database_pool_size": 5,
        }
        return AuthSettings(**(values | changes))

    return make


class ListTransport:
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.failure: Exception | None = None

    async def send(self, mail: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.mails.append(mail)


@pytest.fixture
def settings_changes() -> dict[str, Any]:
    """What a test wants to be configured differently; override by parametrizing."""
    return {}


@pytest.fixture
async def auth(make_settings: Any, settings_changes: dict[str, Any], moving_clock: MovingClock) -> AsyncIterator[Auth]:
    """A running service and a client that may speak for anybody."""
    transport = ListTransport()
    service = Service(make_settings(**settings_changes), clock=moving_clock, transport=transport)
    async with serving("auth", service.registrations(), trust=new_trust()) as client:
        yield Auth(client, service, moving_clock, transport)
    await service.close()
