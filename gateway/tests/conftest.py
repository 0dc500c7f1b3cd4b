import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# pytest takes the folder above for the package `gateway`, since the two share a name; forget that before anybody asks.
if getattr(sys.modules.get("gateway"), "__file__", None) is None:
    sys.modules.pop("gateway", None)

from gateway_support.deployment import Deploy, Deployment, LoopThread, deploy
from gateway_support.redis_server import RedisServer


def until_ready(deployment: Deployment) -> None:
    """Wait for a gateway; the fixture of a synchronous test has no event loop to poll on."""
    deadline = time.monotonic() + 10
    while not deployment.is_ready():
        assert time.monotonic() < deadline, "the gateway did not become ready"


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def edge(loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Deployment]:
    """A gateway with default limits but no rate limits, shared by the tests that leave it as it is."""
    deployment = deploy(loop_thread, tmp_path_factory.mktemp("edge"), redis_url)
    until_ready(deployment)
    yield deployment
    deployment.stop()


@pytest.fixture
def deploying(loop_thread: LoopThread, tmp_path: Path, redis_url: str) -> Iterator[Deploy]:
    """Start gateways with settings of one's own; they end with the test."""
    running: list[Deployment] = []

    def start(*, wait: bool = True, **changes: object) -> Deployment:
        directory = tmp_path / str(len(running))
        directory.mkdir()
        deployment = deploy(loop_thread, directory, str(changes.pop("redis_url", redis_url)), **changes)
        running.append(deployment)
        if wait:
            until_ready(deployment)
        return deployment

    yield start
    for deployment in running:
        deployment.stop()


@pytest.fixture(autouse=True)
def clean_fakes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put the shared fakes back as they were, and forget what they answered."""
    yield
    if "edge" in request.fixturenames:
        edge = request.getfixturevalue("edge")
        edge.app.runtime.cache.clear()
        fakes = edge.fakes
        fakes.fail, fakes.delay, fakes.has_resume = (lambda _: None), None, True
        fakes.answers.clear()


@pytest.fixture
def own_redis(tmp_path: Path, redis_url: str) -> Iterator[RedisServer]:
    """A Redis for one test; `redis_url` is asked for so that the test is left out where Redis is missing."""
    directory = tmp_path / "redis"
    directory.mkdir()
    server = RedisServer(directory)
    server.start()
    yield server
    server.send_signal(signal.SIGCONT)
    server.stop()
