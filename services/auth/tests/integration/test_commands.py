"""The command line, as a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr
from redis.asyncio import Redis

from auth.main import Service
from plaza.auth.v1 import auth_service_pb2, auth_service_pb2_grpc
from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.caller import Caller
from plaza_kit.grpc_client import Client
from plaza_kit.testing.grpc import Trust, new_trust
from plaza_kit.testing.polling import eventually
from plaza_kit.testing.processes import free_port


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    trust = new_trust()
    (tmp_path / "trusted").mkdir()
    pem = trust.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "trusted" / "gateway.pem").write_bytes(pem)
    return trust


@pytest.fixture
def environment(tmp_path: Path, key_files: Path) -> dict[str, str]:
    names = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'auth.db'}",
        "SIGNING_KEYS_DIR": str(tmp_path / "signing"),
        "DATA_KEY_FILE": str(key_files / "data.key"),
        "TRUSTED_KEYS_DIR": str(tmp_path / "trusted"),
    }
    plaza = {f"PLAZA_AUTH_{name}": value for name, value in names.items()}
    return {name: value for name, value in os.environ.items() if not name.startswith("PLAZA_")} | plaza


def run(environment: dict[str, str], *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "auth", *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_keys_are_managed(environment: dict[str, str]) -> None:
    first = run(environment, "keys", "add").stdout.strip()
    second = run(environment, "keys", "add").stdout.strip()
    assert run(environment, "keys", "list").stdout.splitlines() == [
        f"{kid} active" if kid == first else kid for kid in sorted([first, second])
    ]
    assert run(environment, "keys", "activate", second).returncode == 0
    assert run(environment, "keys", "remove", first).returncode == 0

    assert run(environment, "keys", "list").stdout == f"{second} active\n"
    refused = run(environment, "keys", "remove", second)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


async def test_an_admin_is_created_or_made(environment: dict[str, str], make_any_settings: Any, tmp_path: Path) -> None:
    run(environment, "keys", "add")
    assert run(environment, "migrate").returncode == 0
    created = run(environment, "create-admin", "Root", "--password-stdin", stdin="correct horse\n")
    again = run(environment, "create-admin", "root", "--password-stdin", stdin="x\n")
    short = run(environment, "create-admin", "other", "--password-stdin", stdin="x\n")

    assert (created.returncode, created.stdout) == (0, "user 1 was created as admin\n")
    assert (again.returncode, again.stdout) == (0, "user 1 is admin\n")
    assert (short.returncode, short.stderr) == (1, "PASSWORD_TOO_SHORT: password TOO_SHORT 8\n")
    service = Service(make_any_settings(database_url=SecretStr(f"sqlite:///{tmp_path / 'auth.db'}")))
    async with service.foundation.database.read() as connection:
        user = await service.foundation.repositories.users.find(connection, 1)
    await service.close()
    assert user is not None
    assert (user.username, user.role) == ("Root", "admin")


def test_check_config_masks_secrets(environment: dict[str, str]) -> None:
    shown = run(environment | {"PLAZA_AUTH_SMTP_PASSWORD": "hunter2hunter2"}, "check-config")

    assert shown.returncode == 0
    assert "PLAZA_AUTH_LOGIN_ACCESS_TTL=PT15M" in shown.stdout
    assert "hunter2" not in shown.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOGIN_ACCESS_TTL", "59"), ("LOGIN_ACCESS_TTL", "604801"), ("PASSWORD_MIN_LENGTH", "0"), ("NO_SUCH", "1")],
)
def test_a_broken_setting_is_one_line_and_exit_code_2(environment: dict[str, str], name: str, value: str) -> None:
    refused = run(environment | {f"PLAZA_AUTH_{name}": value}, "check-config")

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"PLAZA_AUTH_{name}: ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.usefixtures("trust")
@pytest.mark.parametrize("broken", ["SIGNING_KEYS_DIR", "DATA_KEY_FILE", "TRUSTED_KEYS_DIR"])
def test_a_missing_key_is_one_line_and_exit_code_2(environment: dict[str, str], tmp_path: Path, broken: str) -> None:
    run(environment, "keys", "add")
    refused = run(environment | {f"PLAZA_AUTH_{broken}": str(tmp_path / "nowhere")}, "serve")

    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


def test_a_wrong_command_line_is_exit_code_2(environment: dict[str, str]) -> None:
    assert run(environment, "sing").returncode == 2
    assert run(environment).returncode == 2
    assert run(environment, "keys").returncode == 2


class Process:
    """`python -m auth migrate serve relay`."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.port = port
        self._process = subprocess.Popen(
            [sys.executable, "-m", "auth", "migrate", "serve", "relay"],
            env=environment | {"PLAZA_AUTH_BIND": f"127.0.0.1:{port}"},
            stdout=subprocess.DEVNULL,
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        return self._process.wait(30)


@pytest.fixture
def process(environment: dict[str, str], trust: Trust, redis_url: str) -> Iterator[Process]:
    run(environment, "keys", "add")
    process = Process(environment | {"PLAZA_AUTH_REDIS_URL": redis_url}, free_port("127.0.0.1"))
    yield process
    process.stop(signal.SIGKILL)


async def test_one_process_migrates_serves_and_relays(process: Process, trust: Trust, redis_url: str) -> None:
    client = Client(f"127.0.0.1:{process.port}", audience="auth", minter=trust.minter())
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    await asyncio.wait_for(client.channel.channel_ready(), 20)
    request = auth_service_pb2.RegisterRequest(username="relayed", password="password123")
    user_id = (await client.call(stub.Register, request, caller=Caller(request_id="test-request"), timeout=10)).user_id
    redis = Redis.from_url(redis_url)

    async def published() -> bool:
        entries: Any = await redis.xrange("plaza:events:auth:0")
        subjects = [Envelope.FromString(fields[b"e"]).subject for _, fields in entries]
        return f"user:{user_id}" in subjects

    assert await eventually(published, 10)
    await redis.aclose()
    await client.close()
    assert await asyncio.to_thread(process.stop) == 0
