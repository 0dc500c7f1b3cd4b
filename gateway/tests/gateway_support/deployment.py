"""A gateway on a real port, in front of fake services behind a real gRPC server.

Everything runs on one uvloop in a thread of its own, as in production; tests talk to it over sockets.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.app import Gateway, create_app
from gateway.server import Server, open_socket
from gateway.settings import Settings
from gateway_support.fakes import Fakes
from gateway_support.forum_fakes import forum_registrations
from gateway_support.issuing import Issuer, private_pem
from plaza_kit.grpc_server import GrpcServer, Registration, ServerLimits
from plaza_kit.internal_token import TokenVerifier
from plaza_kit.telemetry import Telemetry

ResultT = TypeVar("ResultT")
DEADLINE = 20.0


class LoopThread:
    """A uvloop in a thread."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="gateway-under-test", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run something there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE)
        self.loop.close()


class FakeBackend:
    """The gRPC server of a fake service; it can go away and come back on the same port."""

    def __init__(
        self, name: str, thread: LoopThread, *, registrations: Sequence[Registration], key: Ed25519PrivateKey
    ) -> None:
        self._name = name
        self._thread = thread
        self._registrations = registrations
        self._key = key
        self.port = 0
        self._server: GrpcServer | None = None
        self._telemetry = Telemetry(name)

    def start(self) -> None:
        async def begin() -> GrpcServer:
            server = GrpcServer(
                self._name,
                f"127.0.0.1:{self.port}",
                verifier=TokenVerifier({"gateway": self._key.public_key()}, self._name),
                registrations=self._registrations,
                limits=ServerLimits(drain_grace=timedelta(0)),
                telemetry=self._telemetry,
            )
            await server.start()
            return server

        self._server = self._thread.run(begin())
        self.port = self._server.port

    def stop(self) -> None:
        if self._server is not None:
            self._thread.run(self._server.stop())
            self._server = None

    def close(self) -> None:
        self.stop()
        self._telemetry.close()


@dataclass
class Deployment:
    """A running gateway and all that belongs to it."""

    url: str
    port: int
    app: Gateway
    server: Server
    fakes: Fakes
    issuer: Issuer
    backend: FakeBackend
    forum: FakeBackend
    thread: LoopThread
    task: "asyncio.Future[None]" = field(repr=False)

    def admin(self) -> httpx.Client:
        """Return a client with an admin's token."""
        return self.client(self.issuer.token(roles=["admin"]))

    def client(self, token: str | None = "", **headers: str) -> httpx.Client:
        """Return a client; by default with a good token of user 1, with None without any."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.issuer.token()}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)

    def is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz").status_code == 200
        return False

    def stop(self) -> None:
        async def end() -> None:
            self.server.should_exit = True
            await self.task

        self.thread.run(end())
        self.backend.close()
        self.forum.close()


def deploy(thread: LoopThread, directory: Path, redis_url: str, **changes: Any) -> Deployment:
    """Start a gateway; `changes` are settings."""
    key = Ed25519PrivateKey.generate()
    key_file = directory / "gateway.pem"
    key_file.write_bytes(private_pem(key))
    issuer = Issuer()
    fakes = Fakes(issuer)
    backend = FakeBackend("auth", thread, registrations=fakes.registrations(), key=key)
    forum = FakeBackend("forum", thread, registrations=forum_registrations(fakes), key=key)
    backend.start()
    forum.start()
    values: dict[str, Any] = {
        "environment": "development",
        "bind": "127.0.0.1:0",
        "redis_url": redis_url,
        "internal_key_file": key_file,
        "auth_target": f"127.0.0.1:{backend.port}",
        "forum_target": f"127.0.0.1:{forum.port}",
        "rate_read_per_minute": 0,
        "rate_write_per_minute": 0,
        "rate_credentials_per_minute": 0,
        "rate_text_per_minute": 0,
        "rate_search_per_minute": 0,
        "drain_grace": timedelta(seconds=1),
    }
    settings = Settings(**(values | changes))
    listener = open_socket(settings)
    port = listener.getsockname()[1]
    app, server, task = thread.run(_start(settings, listener))
    return Deployment(f"http://127.0.0.1:{port}", port, app, server, fakes, issuer, backend, forum, thread, task)


async def _start(settings: Settings, listener: socket.socket) -> tuple[Gateway, Server, "asyncio.Task[None]"]:
    app = create_app(settings)
    server = Server(app, app.runtime)
    return app, server, asyncio.create_task(server._serve([listener]))


Deploy = Callable[..., Deployment]
