"""The process: its commands, a port that is taken, and its end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deploy, Deployment

from gateway.settings import Settings
from plaza_kit.settings import load
from plaza_kit.testing.polling import eventually
from plaza_kit.testing.processes import free_port


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLAZA_GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_unknown_commands_print_the_usage() -> None:
    done = run("dance")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage:")


def test_check_config_masks_secrets() -> None:
    done = run("check-config", PLAZA_GATEWAY_REDIS_URL="redis://:hunter2@example.com/0")
    assert done.returncode == 0
    assert "PLAZA_GATEWAY_BIND=127.0.0.1:8000" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLAZA_GATEWAY_BIND", "nowhere"),
        ("PLAZA_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("PLAZA_GATEWAY_RATE_READ_PER_MINUTE", "-1"),
        ("PLAZA_GATEWAY_NO_SUCH_SETTING", "1"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_code_2(name: str, value: str) -> None:
    done = run("check-config", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: ")
    assert done.stderr.count("\n") == 1


def test_missing_key_is_one_line(tmp_path: Path) -> None:
    done = run("serve", PLAZA_GATEWAY_BIND="127.0.0.1:0", PLAZA_GATEWAY_INTERNAL_KEY_FILE=str(tmp_path / "nowhere.pem"))
    assert done.returncode == 2
    assert done.stderr.startswith("PLAZA_GATEWAY_INTERNAL_KEY_FILE: ")
    assert done.stderr.count("\n") == 1


def test_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", PLAZA_GATEWAY_BIND=f"127.0.0.1:{port}")
    assert done.returncode == 2
    assert done.stderr == f"PLAZA_GATEWAY_BIND: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAZA_GATEWAY_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("PLAZA_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8")
    settings = load(Settings)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8"]


def start(edge: Deployment, port: int, **environment: str) -> "subprocess.Popen[str]":
    settings = edge.app.runtime.settings
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        env={
            **os.environ,
            "PLAZA_GATEWAY_BIND": f"127.0.0.1:{port}",
            "PLAZA_GATEWAY_REDIS_URL": settings.redis_url.get_secret_value(),
            "PLAZA_GATEWAY_INTERNAL_KEY_FILE": str(settings.internal_key_file),
            "PLAZA_GATEWAY_AUTH_TARGET": settings.auth_target,
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ready(port: int) -> int:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code
    except httpx.TransportError:
        return 0


async def test_drain_accepts_for_a_while_finishes_and_exits_0(deploying: Deploy) -> None:
    edge = deploying()
    port = free_port()
    with start(edge, port, PLAZA_GATEWAY_DRAIN_DELAY="1") as process, killing(process):
        await eventually(lambda: ready(port) == 200, timeout=15)
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: ready(port) == 503)
        with edge.client() as client:
            late = client.get(f"http://127.0.0.1:{port}/users/profile/")
        assert late.status_code == 200
        assert late.headers["connection"] == "close"
        output, _ = process.communicate(timeout=15)
        assert process.returncode == 0
    assert "gateway.draining" in output
    assert edge.issuer.token()[:20] not in output


async def test_second_signal_ends_it_at_once(deploying: Deploy) -> None:
    edge = deploying()
    port = free_port()
    with start(edge, port, PLAZA_GATEWAY_DRAIN_DELAY="60") as process, killing(process):
        await eventually(lambda: ready(port) == 200, timeout=15)
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: ready(port) == 503)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
        assert process.returncode == 0


@contextmanager
def killing(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Leave no process behind, whatever a test finds."""
    try:
        yield
    finally:
        process.kill()


async def test_requests_in_flight_are_finished_when_the_server_stops(deploying: Deploy) -> None:
    edge = deploying()
    gate = Gate()
    edge.fakes.delay = gate.wait
    with edge.client() as client, ThreadPoolExecutor() as pool:
        asked = pool.submit(client.get, "/users/profile/")
        await eventually(lambda: gate.is_reached)
        edge.server.should_exit = True
        await eventually(lambda: ready(edge.port) == 0)
        gate.open(edge)
        assert asked.result(10).status_code == 200


class Gate:
    """Holds the calls of a service until it is opened."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self.is_reached = False

    async def wait(self, name: str) -> None:
        if name == "GetProfile":
            self.is_reached = True
            await self._opened.wait()

    def open(self, edge: Deployment) -> None:
        edge.thread.loop.call_soon_threadsafe(self._opened.set)


def test_log_has_no_secrets(edge: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    with edge.client() as client:
        client.post("/users/login/", json={"username": "alice", "password": "canary-password"})
        assert_problem(client.get("/nowhere?token=canary-query"), 404, "ROUTE_NOT_FOUND")
    output = "".join(capfd.readouterr())
    assert "http.finished" in output
    assert "canary" not in output
