"""A Redis that a test may stop and start again on the same port."""

import socket
import subprocess
import time
from pathlib import Path

from plaza_kit.testing import processes
from plaza_kit.testing.stack import find_program


class RedisServer:
    """Stores nothing on disk: after a restart it is empty, and its run id is another."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._program = find_program("redis-server")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = processes.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        argv = [
            self._program,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self._directory),
            "--save",
            "",
        ]
        self._process = processes.start(argv, log=self._directory / "redis.log")
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, "Redis did not start"
            else:
                return

    def send_signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            processes.stop(self._process)
            self._process = None
