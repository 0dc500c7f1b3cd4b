"""What is measured, running: Plaza on a private MariaDB, and the baselines beside it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from plaza_kit.testing.processes import free_port

ROOT = Path(__file__).resolve().parent.parent
ROOMY = {
    f"PLAZA_GATEWAY_RATE_{kind}_PER_MINUTE": "10000000" for kind in ("READ", "WRITE", "CREDENTIALS", "TEXT", "SEARCH")
}
"""Limits that do not bite."""


@contextmanager
def baseline(kind: str, *, body: bytes = b"") -> Iterator[tuple[str, dict[str, int]]]:
    """Run one of the baselines; yields its address and process.

    Args:
        kind: See `baselines.py`.
        body: What `bytes` answers.
    """
    port = free_port()
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = [sys.executable, "-m", "bench.baselines", kind, str(port), file.name]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            url = f"http://127.0.0.1:{port}/"
            httpx.HTTPTransport(retries=20).handle_request(httpx.Request("GET", url)).close()
            yield url, {kind: process.pid}
        finally:
            process.terminate()
            process.wait(10)


class Stack:
    """A running Plaza.

    Attributes:
        url: Its address.
        pids: Its processes by name, Redis left out.
        databases: URLs by service.
        redis_url: The bus.
    """

    def __init__(self, state: dict[str, object]) -> None:
        self.url = str(state["url"])
        pids, databases = state["pids"], state["database_urls"]
        assert isinstance(pids, dict)
        assert isinstance(databases, dict)
        self.pids: dict[str, int] = {name: pid for name, pid in pids.items() if name != "redis"}
        self.databases: dict[str, str] = databases
        self.redis_url = str(state["redis_url"])


@contextmanager
def stack(folder: Path, database_url: str, **settings: str) -> Iterator[Stack]:
    """Run Plaza with limits that do not bite and logs as in production.

    Args:
        folder: Where its data lies; another run with the same one finds it again.
        database_url: The server its databases are on.
        settings: Environment variables.
    """
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    logs = {f"PLAZA_{name}_LOG_FORMAT": "json" for name in ("GATEWAY", "AUTH", "FORUM")}
    own: Mapping[str, str] = {**ROOMY, **logs, "DATABASE": database_url, **settings}
    command = [sys.executable, "tools/stack.py", "--port", "0", "--data", str(folder / "data")]
    process = subprocess.Popen(
        [*command, "--ready-file", str(ready)], cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL
    )
    try:
        while not ready.exists():
            try:
                sys.exit(f"bench: the stack ended with {process.wait(0.1)}")
            except subprocess.TimeoutExpired:
                continue
        yield Stack(json.loads(ready.read_text()))
    finally:
        process.terminate()
        process.wait(60)
