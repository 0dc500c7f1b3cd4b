"""The server process: uvicorn from code, with our guard in front of its parser and an orderly end."""

import asyncio
import contextlib
import socket
from functools import partial
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from gateway.accesslog import AccessLog
from gateway.guard import GuardedProtocol
from gateway.problems import Occasion, Problem, ProblemRenderer
from gateway.rail import Rail, Refusal
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.sharing import ShortWay
from plaza_kit.ids import uuid7_hex

log = structlog.get_logger()

_BACKLOG = 2048
_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


def refusals(renderer: ProblemRenderer) -> Refusal:
    """Return what answers a request that was refused before any application code saw it."""

    def refusal(code: str) -> bytes:
        request_id = uuid7_hex()
        rendered = renderer.render(Problem(code), Occasion("en", "", "", request_id))
        head = [b"HTTP/1.1 %d %s" % (rendered.status, _REASONS[rendered.status])]
        fields = [
            *rendered.headers,
            (b"x-request-id", request_id.encode()),
            (b"vary", b"Accept-Language, Origin"),
            (b"content-length", str(len(rendered.body)).encode()),
            (b"connection", b"close"),
        ]
        head.extend(name + b": " + value for name, value in fields)
        return b"\r\n".join((*head, b"", rendered.body))

    return refusal


def open_socket(settings: Settings) -> socket.socket:
    """Return a listening socket on the configured address.

    Raises:
        OSError: The address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)


class Server(uvicorn.Server):
    """uvicorn's server, which goes on accepting for a while after the signal.

    A load balancer learns of the end at the same time as we do and sends on for some seconds; so the first signal only
    makes the process not ready, and listening ends after the delay. A second signal ends it at once.

    Args:
        app: The application.
        runtime: Its parts: limits, times, what is in memory, and the state that tells that the end is near.
    """

    def __init__(self, app: FastAPI, runtime: Runtime) -> None:
        settings = runtime.settings
        short_way = ShortWay(runtime, AccessLog())
        self.rail = Rail(settings, refusals(runtime.renderer), short_way.response)
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=partial(GuardedProtocol, self.rail),  # type: ignore[arg-type]  # called like a class
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(settings.keep_alive.total_seconds()),
            timeout_graceful_shutdown=int(settings.drain_grace.total_seconds()),
        )
        super().__init__(config)
        self._state = runtime.state
        self._drain_seconds = settings.drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        sweeper = asyncio.create_task(self.rail.sweep())
        try:
            await super()._serve(sockets)
        finally:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; called in the main thread, between two of its instructions."""
        loop = self._loop
        if loop is None or self._state.is_draining:
            self.drain_now()
            return
        loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Become not ready, and stop listening after the delay."""
        self._state.is_draining = True
        log.info("gateway.draining", seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self.drain_now)

    def drain_now(self) -> None:
        """Stop listening and finish what is in flight."""
        self.should_exit = True
