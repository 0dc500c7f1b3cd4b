"""Private real servers for tests: MariaDB and Redis in a temporary folder, on a free port, ended by their id.

Starting one takes half a second, so every pytest process (each xdist worker) simply has its own: nothing is shared,
nothing is locked, and a server never outlives the process that uses it. `PLAZA_TEST_MARIADB_URL` and
`PLAZA_TEST_REDIS_URL` name servers to use instead.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import pymysql
import redis

from plaza_kit.testing import processes

START_SECONDS = 30.0
MARIADB_URL = "PLAZA_TEST_MARIADB_URL"
REDIS_URL = "PLAZA_TEST_REDIS_URL"

# A test's data need not survive a power cut: no flush to disk, no double write, small logs and buffers.
CHEAP_MARIADB = (
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--skip-innodb-doublewrite",
    "--skip-log-bin",
    "--performance-schema=OFF",
)
DURABLE_MARIADB = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M", "--skip-log-bin")


class MissingServerError(Exception):
    """The server's program is not installed on this machine."""


class ServerStartError(Exception):
    """The server's program is there but does not come up; the text carries the end of its log."""


class Server(Protocol):
    """A server for tests: started once, used by its URL, stopped once."""

    url: str

    def stop(self) -> None:
        """End it and remove what it stored."""


def find_program(name: str) -> str:
    """Return the absolute path of a server's program; Debian keeps some of them out of ordinary users' PATH.

    Raises:
        MissingServerError: It is not installed.
    """
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which(name, path=os.pathsep.join([path, "/usr/sbin", "/usr/local/sbin"]))
    if found is None:
        raise MissingServerError(name)
    return found


class PrivateServer:
    """One server program with a folder of its own."""

    def __init__(self, argv: list[str], *, directory: Path, port: int, url: str) -> None:
        self.url = url
        self._directory = directory
        self._program = Path(argv[0]).name
        self._log = directory / "server.log"
        self._argv, self._port = argv, port
        self._process = processes.start(argv, log=self._log)
        self._wait_for(port)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        processes.stop(self._process)
        text = self._log.read_text(errors="replace")[-2000:]
        raise ServerStartError(f"{self._program} did not start:\n{text}")

    def kill(self) -> None:
        """Kill it as a crash would; what it stored stays."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Start it on what it stored, on the same port."""
        self._process = processes.start(self._argv, log=self._log)
        self._wait_for(self._port)

    def stop(self) -> None:
        """End the server and remove its folder."""
        processes.stop(self._process)
        shutil.rmtree(self._directory, ignore_errors=True)


class GivenServer:
    """A server that somebody else runs; stopping it is not our business."""

    def __init__(self, url: str) -> None:
        self.url = url

    def stop(self) -> None:
        """Leave it running."""


def start_mariadb(directory: Path, *, is_durable: bool = False, options: Sequence[str] = ()) -> PrivateServer:
    """Install a database in `directory` (new, ours) and serve it on 127.0.0.1 for user `root` without a password.

    Args:
        directory: Where everything goes.
        is_durable: Commits reach the disk before they are acknowledged, as in production.
        options: Further ones of `mariadbd`; they win.

    Raises:
        MissingServerError: MariaDB is not installed.
        ServerStartError: It does not come up.
    """
    install, serve = find_program("mariadb-install-db"), find_program("mariadbd")
    directory.mkdir(parents=True)
    data, port = directory / "data", processes.free_port()
    temporary = directory / "tmp"  # in a shared one, two servers delete each other's tables
    temporary.mkdir()
    cost = DURABLE_MARIADB if is_durable else CHEAP_MARIADB
    shared = ["--no-defaults", f"--datadir={data}", f"--tmpdir={temporary}", *cost, *options]
    if os.geteuid() == 0:
        shared.append("--user=root")  # else it refuses to run as root
    done = subprocess.run(
        [install, *shared, "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode:
        raise ServerStartError(f"mariadb-install-db failed:\n{(done.stdout + done.stderr).decode(errors='replace')}")
    listen = [f"--socket={directory / 's'}", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
    argv = [serve, *shared, *listen, "--max-connections=300"]
    return PrivateServer(argv, directory=directory, port=port, url=f"mysql://root@127.0.0.1:{port}/")


def start_redis(directory: Path) -> PrivateServer:
    """Serve an empty Redis that stores nothing, on 127.0.0.1.

    Raises:
        MissingServerError: Redis is not installed.
        ServerStartError: It does not come up.
    """
    serve = find_program("redis-server")
    directory.mkdir(parents=True)
    port = processes.free_port()
    argv = [serve, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
    return PrivateServer(argv, directory=directory, port=port, url=f"redis://127.0.0.1:{port}/0")


class MariaDb:
    """Hands out empty databases of one MariaDB server and drops them again."""

    def __init__(self, server: Server, *, worker: str) -> None:
        self.url = server.url
        """The server itself, as its administrator."""
        self._server = server
        self._prefix = f"plaza_test_{os.getpid()}_{worker}"
        self._names: list[str] = []

    def create_database(self) -> str:
        """Create an empty database and return its URL, `mysql://user:password@host:port/name`."""
        name = f"{self._prefix}_{len(self._names)}"
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        self._names.append(name)
        return f"{self._server.url.rstrip('/')}/{name}"

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator of the server."""
        at = urlsplit(self._server.url)
        connection = pymysql.connect(
            host=at.hostname or "127.0.0.1",
            port=at.port or 3306,
            user=unquote(at.username or getpass.getuser()),
            password=unquote(at.password or ""),
            connect_timeout=5,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def close(self) -> None:
        """Drop the databases and stop the server, if it is ours."""
        if isinstance(self._server, GivenServer):
            for name in self._names:
                self.execute(f"DROP DATABASE IF EXISTS `{name}`")
        self._server.stop()


def open_mariadb(directory: Path, *, worker: str, environment: Mapping[str, str]) -> MariaDb:
    """Return the MariaDB server for one pytest process: the given one, or a private one in `directory`."""
    given = environment.get(MARIADB_URL)
    return MariaDb(GivenServer(given) if given else start_mariadb(directory), worker=worker)


def open_redis(directory: Path, *, worker: str, environment: Mapping[str, str]) -> Server:
    """Return the Redis server for one pytest process; a given one is divided by database number (16 of them)."""
    given = environment.get(REDIS_URL)
    if not given:
        return start_redis(directory)
    number = int(worker.removeprefix("gw") or 0) % 16 if worker.startswith("gw") else 0
    server = GivenServer(urlsplit(given)._replace(path=f"/{number}").geturl())
    with redis.Redis.from_url(server.url, socket_timeout=5) as client:
        client.ping()
    return server
