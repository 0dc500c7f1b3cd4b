"""Run Plaza on this machine: embedded Redis, every service and the gateway. `make run` is this program."""

import asyncio
import contextlib
import errno
import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from plaza_kit.testing.processes import free_port
from plaza_stack.child import Child
from plaza_stack.data_directory import DataDirectory
from plaza_stack.deployables import Wiring, address, choose_ports, find_deployables, reachable
from plaza_stack.embedded_redis import EmbeddedRedis
from plaza_stack.keys import Keys
from plaza_stack.logs import LogFile, shown
from plaza_stack.options import Options, read_options
from plaza_stack.problem import StackError
from plaza_stack.program import Program
from plaza_stack.servers import DatabaseServer, check_redis
from plaza_stack.supervisor import Supervisor


class Stack:
    """One run: decides what is to run where, and tells the person and the ready file about it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._started = time.monotonic()
        self._data = DataDirectory(options.data)
        self._announced = False
        self._port = self._choose_port()
        self._url = f"http://{address(reachable(options.host), self._port)}"
        self._wiring, self._groups = self._plan()

    async def run(self) -> None:
        """Run until a signal asks to stop."""
        if self._options.ready_file:
            self._options.ready_file.unlink(missing_ok=True)
        supervisor = Supervisor(self._groups, open_log=self._open_log, report=report, announce=self._announce)
        try:
            await supervisor.run()
        finally:
            if self._options.ready_file:
                self._options.ready_file.unlink(missing_ok=True)
            self._data.close()

    def _choose_port(self) -> int:
        host, port = self._options.host, self._options.port
        if port == 0:
            return free_port(host)
        check_port(host, port)
        return port

    def _plan(self) -> tuple[Wiring, list[list[Program]]]:
        gateway, services = find_deployables()
        redis: list[Program] = []
        if self._options.redis_url:
            check_redis(self._options.redis_url)
            redis_url = self._options.redis_url
        else:
            embedded = EmbeddedRedis(self._data.redis)
            redis_url = embedded.url
            redis.append(embedded.program)
        databases = {service.name: self._database_url(service.name) for service in services}
        ports, keys = choose_ports(services), Keys(self._data.keys)
        wiring = Wiring(redis_url, databases, ports, self._data.databases, keys)
        front = gateway.gateway(wiring, self._options.host, self._port)
        behind = [program for service in services if (program := service.background(wiring))]
        return wiring, [redis, [service.service(wiring) for service in services], [*behind, front]]

    def _database_url(self, service: str) -> str:
        if self._options.database:
            return DatabaseServer(self._options.database).database(service)
        return f"sqlite:///{self._data.databases / service}.db"

    def _open_log(self, name: str) -> LogFile:
        return LogFile(self._data.logs / f"{name}.log")

    def _announce(self, children: Sequence[Child]) -> None:
        if self._options.ready_file:
            self._write_ready_file(self._options.ready_file, children)
        if self._announced:
            return
        self._announced = True
        names = ",".join(child.name for child in children)
        report(f"Plaza is ready after {time.monotonic() - self._started:.1f} s. Ctrl-C stops it.")
        report(f"  address   {self._url}")
        report(f"  API docs  {self._url}/docs")
        report(f"  data      {shown(self._data.path)}")
        report(f"  logs      {shown(self._data.logs)}/{{{names}}}.log")

    def _write_ready_file(self, path: Path, children: Sequence[Child]) -> None:
        content = {
            "url": self._url,
            "docs_url": f"{self._url}/docs",
            "pid": os.getpid(),
            "pids": {child.name: child.pid for child in children},
            "ports": {child.name: child.port for child in children},
            "redis_url": self._wiring.redis_url,
            "database_urls": dict(self._wiring.databases),
            "data": str(self._data.path),
        }
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=2)
        draft.replace(path)


def report(line: str) -> None:
    """Print one line for the person; a terminal that has gone away is no reason to stop."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def check_port(host: str, port: int) -> None:
    """Fail with one line unless a server can listen there.

    Raises:
        StackError: It cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StackError(
                    f"Port {port} is in use: stop the program that holds it, or use another: make run PORT={port + 1}."
                ) from None
            raise StackError(f"Nothing can listen on {host}, port {port} ({error.strerror}).") from None


def main() -> int:
    """Run the stack; return the exit status: 0 after a stop that was asked for, else 1."""
    try:
        asyncio.run(Stack(read_options(sys.argv[1:], os.environ)).run())
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
