"""Whole stacks for the tests of this folder.

`stack`: embedded Redis and SQLite, shared by the tests of a pytest process. `server_stack`: one on a real MariaDB and
Redis, without limits of rate. `each_stack`: one after the other, so that a test runs on both; `stack_url`: the
address. `roomy_stack`: embedded servers without limits of rate. `own_stack`: one for a single test that breaks it.
`new_url`: the address of one for a single module. `start_stack`: starts as many as a test wants, with settings.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.stack import MariaDb, MissingServerError, start_mariadb

StartStack = Callable[..., RunningStack]

ROOMY = {
    **{f"PLAZA_GATEWAY_RATE_{kind}_PER_MINUTE": "0" for kind in ("READ", "WRITE", "CREDENTIALS", "TEXT", "SEARCH")},
    "PLAZA_AUTH_LOGIN_FAILURE_FLOOR": "0",
    "PLAZA_FORUM_NEW_USER_AGE": "0",
}
"""Settings of a stack on which everybody may ask and write as often as they like."""


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="plaza-e2e-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(stack_folder: Path) -> Iterator[RunningStack]:
    (stack_folder / "embedded").mkdir()
    running = RunningStack(stack_folder / "embedded")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def server_stack(stack_folder: Path, mariadb_server: MariaDb, redis_url: str) -> Iterator[RunningStack]:
    (stack_folder / "servers").mkdir()
    settings = {"DATABASE": mariadb_server.url, "REDIS_URL": redis_url, **ROOMY}
    running = RunningStack(stack_folder / "servers", settings)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session", params=["embedded", "servers"])
def each_stack(request: pytest.FixtureRequest) -> RunningStack:
    running = request.getfixturevalue({"embedded": "stack", "servers": "server_stack"}[request.param])
    assert isinstance(running, RunningStack)
    return running


@pytest.fixture(scope="session")
def stack_url(each_stack: RunningStack) -> str:
    return each_stack.url


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    started: list[RunningStack] = []

    def start(folder: Path = tmp_path, **settings: str) -> RunningStack:
        started.append(RunningStack(folder, settings))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def own_stack(start_stack: StartStack) -> RunningStack:
    return start_stack()


@pytest.fixture(scope="session")
def roomy_stack(stack_folder: Path) -> Iterator[RunningStack]:
    """One on the embedded servers without limits of rate; its webhooks may go to this machine."""
    (stack_folder / "roomy").mkdir()
    running = RunningStack(stack_folder / "roomy", {**ROOMY, "PLAZA_FORUM_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"})
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def roomy_url(roomy_stack: RunningStack) -> str:
    """Its address."""
    return roomy_stack.url


@pytest.fixture(scope="module", params=["embedded", "servers"])
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a stack in which nobody has written anything."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    settings: dict[str, str] = {}
    mariadb = None
    if request.param == "servers":
        try:
            mariadb = start_mariadb(folder / "mariadb")
        except MissingServerError as missing:
            leave_out(missing)
        settings["DATABASE"] = mariadb.url
    running = RunningStack(folder, settings)
    yield running.url
    assert running.stop() == 0
    if mariadb is not None:
        mariadb.stop()
