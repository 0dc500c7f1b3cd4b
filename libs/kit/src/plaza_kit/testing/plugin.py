"""The pytest plugin of the workspace: real servers as fixtures, and markers from folders.

Loaded by `addopts` in the root pyproject. Fixtures, all per pytest process (xdist worker):

`mariadb_server`: a `MariaDb`; its `create_database()` returns the URL of a new empty database.
`mariadb_url`: the URL of one such database, shared by all tests of the process.
`redis_url`: the URL of an empty Redis at the start of the process; tests use keys of their own in it.

A test in a folder `unit`, `contract`, `integration` or `e2e` carries that marker. Where a server is not installed, the
tests that ask for it are left out and the summary says so in one line; with `CI=true` they fail.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from plaza_kit.testing import stack

LEVELS = ("unit", "contract", "integration", "e2e")
LEFT_OUT = "left out, not installed: "


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder names known as markers."""
    for level in LEVELS:
        config.addinivalue_line("markers", f"{level}: a test from a folder of this name")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by the folder it lies in."""
    for level in LEVELS:
        if level in item.path.parts:
            item.add_marker(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line per missing server how many tests were left out for it."""
    reasons = Counter(
        report.longrepr[2].partition(LEFT_OUT)[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and LEFT_OUT in report.longrepr[2]
    )
    for name, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} tests were left out because {name} is not installed.", yellow=True)


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """A short-named folder for the servers of this process: a Unix socket's path must stay under 108 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="plaza-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server(servers_directory: Path, worker_name: str) -> Iterator[stack.MariaDb]:
    """A real MariaDB, private to this process unless PLAZA_TEST_MARIADB_URL names one."""
    try:
        server = stack.open_mariadb(servers_directory / "mariadb", worker=worker_name, environment=os.environ)
    except stack.MissingServerError as missing:
        leave_out(missing)
    yield server
    server.close()


@pytest.fixture(scope="session")
def mariadb_url(mariadb_server: stack.MariaDb) -> str:
    """The URL of an empty MariaDB database for all tests of this process."""
    return mariadb_server.create_database()


@pytest.fixture(scope="session")
def redis_url(servers_directory: Path, worker_name: str) -> Iterator[str]:
    """The URL of a real Redis, private to this process unless PLAZA_TEST_REDIS_URL names one."""
    try:
        server = stack.open_redis(servers_directory / "redis", worker=worker_name, environment=os.environ)
    except stack.MissingServerError as missing:
        leave_out(missing)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def worker_name() -> str:
    """`gw0`, `gw1`, ... under xdist, `main` without it."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def leave_out(missing: stack.MissingServerError) -> NoReturn:
    """Leave the test out for want of a server; fail it where nothing may be left out (CI=true)."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{missing} is not installed, and with CI=true no test is left out", pytrace=False)
    pytest.skip(f"{LEFT_OUT}{missing}")
