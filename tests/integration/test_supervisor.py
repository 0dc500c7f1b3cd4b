"""The supervisor behind `make run`, on small programs instead of Plaza's."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from plaza_kit.testing.polling import eventually
from plaza_stack.child import CannotStartError, Child
from plaza_stack.logs import LogFile
from plaza_stack.program import Program
from plaza_stack.supervisor import Supervisor

WORKS = """
import os, signal, sys, pathlib
name, folder = sys.argv[1:]
def stop(*_):
    with open(f"{folder}/stopped", "a") as file: file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(folder, name).write_text(str(os.getpid()))
while True: signal.pause()
"""
STUBBORN = WORKS.replace("signal.signal(signal.SIGTERM, stop)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
BROKEN = "import sys; print('no such table'); sys.exit(3)"
MISCONFIGURED = "import sys; print('PLAZA_X_BIND: bad'); sys.exit(2)"


class Run:
    """One supervisor at work, and what it said."""

    def __init__(self, folder: Path, groups: Sequence[Sequence[Program]]) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.announcements: list[dict[str, int]] = []
        self.supervisor = Supervisor(
            groups,
            open_log=lambda name: LogFile(folder / f"{name}.log"),
            report=self.lines.append,
            announce=self.announce,
        )
        self.task = asyncio.create_task(self.supervisor.run())

    def announce(self, children: Sequence[Child]) -> None:
        self.announcements.append({child.name: child.pid for child in children})

    async def pids(self, *, after: int = 0) -> dict[str, int]:
        await eventually(lambda: len(self.announcements) > after, timeout=10)
        return self.announcements[-1]

    async def stop(self) -> None:
        self.supervisor.ask_to_stop()
        await self.task


StartRun = Callable[..., Run]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartRun]:
    runs: list[Run] = []

    def start_run(*groups: Sequence[Program]) -> Run:
        runs.append(Run(tmp_path, groups))
        return runs[-1]

    yield start_run
    for run in runs:
        if not run.task.done():
            await run.stop()


def program(folder: Path, name: str, code: str = WORKS, *, stop_seconds: float = 10.0) -> Program:
    async def is_ready() -> bool:
        return (folder / name).exists()

    argv = (sys.executable, "-c", code, name, str(folder))
    return Program(name, argv, 1, is_ready, dict(os.environ), stop_seconds=stop_seconds)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_groups_stop_in_reverse_order_and_nothing_is_left(start: StartRun, tmp_path: Path) -> None:
    run = start([program(tmp_path, "redis")], [program(tmp_path, "auth")], [program(tmp_path, "gateway")])
    pids = await run.pids()
    await run.stop()
    assert (tmp_path / "stopped").read_text().split() == ["gateway", "auth", "redis"]
    assert not any(is_alive(pid) for pid in pids.values())


async def test_a_killed_process_is_started_again(start: StartRun, tmp_path: Path) -> None:
    run = start([], [program(tmp_path, "auth"), program(tmp_path, "gateway")])
    before = await run.pids()
    (tmp_path / "auth").unlink()
    os.kill(before["auth"], signal.SIGKILL)
    after = await run.pids(after=1)
    assert after["auth"] != before["auth"]
    assert after["gateway"] == before["gateway"]
    assert run.lines == [
        f"auth was ended by SIGKILL: it is started again (log: {tmp_path}/auth.log).",
        f"auth is ready again (process {after['auth']}).",
    ]


async def test_a_process_that_cannot_start_ends_the_run_with_its_log(start: StartRun, tmp_path: Path) -> None:
    run = start([], [program(tmp_path, "auth", BROKEN), program(tmp_path, "gateway")])
    with pytest.raises(
        CannotStartError, match=r"(?s)auth cannot start, it ended with exit status 3 3 times.*no such table"
    ):
        await run.task
    assert len(run.lines) == 2
    assert not is_alive(int((tmp_path / "gateway").read_text()))


async def test_wrong_settings_end_the_run_at_once(start: StartRun, tmp_path: Path) -> None:
    run = start([], [program(tmp_path, "auth", MISCONFIGURED)])
    with pytest.raises(CannotStartError, match=r"(?s)auth cannot start, its settings are wrong.*PLAZA_X_BIND: bad"):
        await run.task
    assert run.lines == []


async def test_a_program_that_is_not_there_is_named_in_its_log(start: StartRun, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    run = start([Program("redis", ("/no/such/server",), 1, never, {})])
    with pytest.raises(CannotStartError, match="/no/such/server: No such file or directory"):
        await run.task


async def test_a_process_that_does_not_stop_is_killed(start: StartRun, tmp_path: Path) -> None:
    run = start([], [program(tmp_path, "auth", STUBBORN, stop_seconds=0.1)])
    pids = await run.pids()
    await run.stop()
    assert "auth did not stop within 0.1 s: killed." in run.lines
    assert not is_alive(pids["auth"])


async def test_a_second_signal_kills(start: StartRun, tmp_path: Path) -> None:
    run = start([], [program(tmp_path, "auth", STUBBORN, stop_seconds=60)])
    pids = await run.pids()
    os.kill(os.getpid(), signal.SIGINT)
    await eventually(lambda: run.lines)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(run.task, timeout=10)
    assert not is_alive(pids["auth"])


async def test_a_stop_during_the_start_is_heeded(start: StartRun, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    argv = (sys.executable, "-c", WORKS, "auth", str(tmp_path))
    run = start([Program("auth", argv, 1, never, dict(os.environ))])
    pid = int(await eventually(lambda: (tmp_path / "auth").exists() and (tmp_path / "auth").read_text()))
    await run.stop()
    assert run.announcements == []
    assert not is_alive(pid)
