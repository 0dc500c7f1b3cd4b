"""What `make run` promises to the person at the terminal."""

import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.conftest import StartStack
from tests.e2e.running_stack import ROOT, RunningStack, is_running, stack_command, stack_environment

from plaza_kit.testing import processes
from plaza_kit.testing.polling import eventually, wait_until

CREDENTIALS = {"username": "ada", "password": "correct horse battery"}


def run_to_the_end(*command: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        command, env=stack_environment(environment), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_it_says_where_everything_is(stack: RunningStack) -> None:
    lines = stack.output.splitlines()
    assert re.fullmatch(r"Plaza is ready after [\d.]+ s\. Ctrl-C stops it\.", lines[0])
    assert lines[1:] == [
        f"  address   {stack.url}",
        f"  API docs  {stack.url}/docs",
        f"  data      {stack.data}",
        f"  logs      {stack.data}/logs/{{redis,auth,forum,forum-consume,gateway}}.log",
    ]
    assert httpx.get(f"{stack.url}/docs").status_code == 200


def test_every_process_is_one_of_its_own(stack: RunningStack) -> None:
    pids = stack.pids()
    assert set(pids) == {"redis", "auth", "forum", "forum-consume", "gateway"}
    assert len({*pids.values(), stack.pid}) == 6
    assert all(is_running(pid) for pid in pids.values())


def test_data_is_private(stack: RunningStack) -> None:
    assert stack.data.stat().st_mode & 0o077 == 0
    keys = [path for path in (stack.data / "keys").rglob("*") if path.is_file()]
    assert keys
    assert {path.stat().st_mode & 0o077 for path in keys} == {0}


def test_ctrl_c_leaves_no_process_behind_and_the_data_is_kept(
    start_stack: StartStack, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    first = start_stack(tmp_path)
    pids = first.pids()
    assert httpx.post(f"{first.url}/users/register/", json=CREDENTIALS).is_success
    assert first.stop(signal.SIGINT) == 0
    assert not any(is_running(pid) for pid in pids.values())

    second = start_stack(tmp_path)
    record_property("second_start_seconds", second.seconds_to_ready)
    assert second.seconds_to_ready < 15
    assert httpx.post(f"{second.url}/users/login/", json=CREDENTIALS).is_success
    assert second.stop(signal.SIGTERM) == 0


def test_nothing_survives_a_killed_supervisor(own_stack: RunningStack) -> None:
    pids = own_stack.pids()
    own_stack.stop(signal.SIGKILL)
    assert not any(is_running(pid) for pid in pids.values())


@pytest.mark.parametrize("name", ["redis", "auth", "gateway"])
async def test_a_process_that_dies_is_started_again(own_stack: RunningStack, name: str) -> None:
    before = own_stack.info()
    os.kill(before["pids"][name], signal.SIGKILL)
    await eventually(lambda: own_stack.pids()[name] != before["pids"][name], timeout=30)
    assert own_stack.info()["ports"] == before["ports"]
    assert (
        f"{name} was ended by SIGKILL: it is started again (log: {own_stack.data}/logs/{name}.log)." in own_stack.output
    )
    async with httpx.AsyncClient(base_url=own_stack.url) as http:

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await eventually(is_ready, timeout=30)


def test_a_taken_port_is_one_clear_line(taken_port: int, tmp_path: Path) -> None:
    code, output = run_to_the_end(*stack_command(tmp_path, f"--port={taken_port}"))
    assert code == 1
    assert output == (
        f"Port {taken_port} is in use: stop the program that holds it, or use another: make run PORT={taken_port + 1}.\n"
    )


def test_a_taken_data_folder_is_one_clear_line(stack: RunningStack) -> None:
    code, output = run_to_the_end(*stack_command(stack.data))
    assert code == 1
    assert output == (
        f"{stack.data} is in use by another run (process {stack.pid}): "
        "stop that one, or use another: make run DATA=another/folder.\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("DATABASE", "mysql://root:secret@127.0.0.1:1/", "No database server answers at 127.0.0.1:1: "),
        ("REDIS_URL", "redis://:secret@127.0.0.1:1/0", "No Redis server answers at REDIS_URL: "),
    ],
)
def test_a_server_that_does_not_answer_is_one_clear_line(variable: str, value: str, line: str, tmp_path: Path) -> None:
    code, output = run_to_the_end(*stack_command(tmp_path), **{variable: value})
    assert code == 1
    assert output == f"{line}start it, or leave {variable} out.\n"


def test_wrong_settings_end_it_with_the_reason(tmp_path: Path) -> None:
    code, output = run_to_the_end(*stack_command(tmp_path), PLAZA_AUTH_SESSIONS_MAX="none")
    assert code == 1
    assert output.startswith("auth cannot start, its settings are wrong.")
    assert "PLAZA_AUTH_SESSIONS_MAX: Input should be a valid integer" in output


def test_an_old_python_is_one_clear_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.9.2 ;; *) exit 1 ;; esac\n')
    old.chmod(0o755)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "venv.sh").write_text((ROOT / "tools" / "venv.sh").read_text())
    code, output = run_to_the_end("sh", str(tmp_path / "tools" / "venv.sh"), "run", PYTHON=str(old))
    assert code == 1
    assert output == f"PYTHON={old} is Python 3.9.2: name one of version 3.11 or newer.\n"


def test_make_run_serves_until_ctrl_c(tmp_path: Path) -> None:
    """The command itself, as a person types it."""
    port = processes.free_port()
    output = tmp_path / "output"
    command = ["make", "run", f"PORT={port}", f"DATA={tmp_path / 'data'}"]
    with output.open("wb") as file:
        made = subprocess.Popen(
            command, cwd=ROOT, env=stack_environment({}), stdout=file, stderr=file, start_new_session=True
        )
    try:
        wait_until(lambda: "Plaza is ready" in output.read_text() or made.poll() is not None, 60)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, output.read_text()
    finally:
        os.killpg(made.pid, signal.SIGINT)  # what a terminal does
        made.wait(40)
    assert "Stopping" in output.read_text()
    wait_until(lambda: not group_is_running(made.pid))


def group_is_running(group: int) -> bool:
    """Tell whether a process group still has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_first_admin_is_made_by_a_command(stack: RunningStack) -> None:
    with httpx.Client(base_url=stack.url, timeout=10) as http:
        credentials = {"username": f"root_{uuid.uuid4().hex[:8]}", "password": "correct horse battery"}
        command = [sys.executable, str(ROOT / "tools" / "command.py"), "--data", str(stack.data)]
        command += ["auth", "create-admin", credentials["username"], "--password-stdin"]
        made = subprocess.run(
            command, input=credentials["password"] + "\n", capture_output=True, text=True, timeout=60, check=False
        )
        assert (made.returncode, made.stdout.endswith("admin\n")) == (0, True), made.stdout + made.stderr
        token = http.post("/users/login/", json=credentials).raise_for_status().json()["token"]
        account = http.get("/users/me", headers={"Authorization": f"Bearer {token}"}).json()
        assert account["role"] == "admin"


def test_a_command_needs_the_data_of_a_run(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "command.py"), "--data", str(tmp_path), "auth", "keys", "list"]
    status, output = run_to_the_end(*command)
    assert (status, output) == (1, f"{tmp_path} holds no data yet: start Plaza once with `make run`.\n")
