"""A whole Plaza as a subprocess, started as `make run` starts it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plaza_kit.testing import processes
from plaza_kit.testing.polling import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 40.0


def stack_command(data: Path, *options: str) -> list[str]:
    """Return the command that runs a stack with its data in `data`, on a free port unless `options` say otherwise."""
    return [sys.executable, str(ROOT / "tools" / "stack.py"), "--port=0", f"--data={data}", *options]


def stack_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a stack: this one without Plaza's own settings, and `settings`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLAZA_")}
    return {name: value for name, value in inherited.items() if name not in ("DATABASE", "REDIS_URL")} | dict(settings)


class RunningStack:
    """Starts a stack and waits until it is ready; `stop()` ends it and sees to it that nothing is left.

    Args:
        folder: Where data, output and the ready file go; another start with the same one finds the data again.
        settings: Environment variables, such as DATABASE and PLAZA_GATEWAY_RATE_WRITE_PER_MINUTE.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = folder / "data"
        self._settings = dict(settings or {})
        self._ready_file = folder / "ready.json"
        self._output = folder / "output.txt"
        self._output.unlink(missing_ok=True)
        command = stack_command(self.data, f"--ready-file={self._ready_file}")
        self._process = processes.start(command, log=self._output, env=stack_environment(self._settings))
        self._all_pids: set[int] = set()
        try:
            wait_until(lambda: self._ready_file.exists() or self._process.poll() is not None, START_SECONDS)
        finally:
            if not self._ready_file.exists():
                processes.stop(self._process)
        assert self._process.poll() is None, self.output
        self.url: str = self.info()["url"]

    @property
    def output(self) -> str:
        """What the stack has printed."""
        return self._output.read_text()

    @property
    def seconds_to_ready(self) -> float:
        """The figure the stack printed when it became ready."""
        found = re.search(r"Plaza is ready after ([\d.]+) s", self.output)
        assert found, self.output
        return float(found[1])

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        return self._process.pid

    def info(self) -> dict[str, Any]:
        """The content of the ready file: url, pids and ports by process, redis_url, database_urls, data."""
        content: dict[str, Any] = json.loads(self._ready_file.read_text())
        self._all_pids.update(content["pids"].values())
        return content

    def pids(self) -> dict[str, int]:
        """The process ids by name, as of the last time that everything was ready."""
        pids: dict[str, int] = self.info()["pids"]
        return pids

    def log(self, name: str) -> str:
        """What one process has logged in this run."""
        return (self.data / "logs" / f"{name}.log").read_text(errors="replace")

    def make_admin(self, username: str) -> None:
        """Make a user an admin, as the first one is made; tokens that they have are refused from then on."""
        command = [sys.executable, str(ROOT / "tools" / "command.py"), "--data", str(self.data)]
        command += ["auth", "create-admin", username, "--password-stdin"]
        environment = stack_environment(self._settings)
        done = subprocess.run(
            command, env=environment, input="\n", capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def freeze(self, name: str) -> None:
        """Stop a process where it is: it keeps its connections and answers nothing."""
        os.kill(self.pids()[name], signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        os.kill(self.pids()[name], signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, wait for the end and return the exit status; fail if a process was left behind."""
        if self._process.poll() is None:
            self.info()  # notes the ids of the processes that must be gone
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError(f"the stack did not stop within {STOP_SECONDS} s:\n{self.output}") from None
        wait_until(lambda: not any(is_running(pid) for pid in self._all_pids))
        return self._process.returncode


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that is dead but not yet reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
