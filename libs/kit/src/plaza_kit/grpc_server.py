"""One gRPC server: policy on every method, health, limits, and an orderly end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from plaza_kit.interceptors import Guard, method_of
from plaza_kit.internal_token import TokenVerifier
from plaza_kit.telemetry import Telemetry

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""gRPC's own default for receiving, set on both ends and in both directions."""

log = structlog.get_logger()

Registration = Callable[[grpc.aio.Server], None]
"""Registers one servicer, e.g. `partial(add_AuthServiceServicer_to_server, servicer)`."""


@dataclass(frozen=True)
class ServerLimits:
    """How much a server takes on.

    Attributes:
        max_concurrent_rpcs: More calls at once are refused with RESOURCE_EXHAUSTED.
        connection_age: Connections are renewed after this time, so that clients find new replicas.
        drain_grace: Time that calls in flight get at shutdown.
    """

    max_concurrent_rpcs: int = 500
    connection_age: timedelta = timedelta(minutes=5)
    drain_grace: timedelta = timedelta(seconds=25)


class GrpcServer:
    """A server that is closed by default.

    Args:
        service: Who this is, e.g. `auth`; also the audience of internal tokens.
        bind: `host:port`; port 0 takes a free one.
        verifier: Checks the internal token of every call but health's.
        registrations: The servicers.
        limits: How much to take on.
        telemetry: Makes the spans.

    Raises:
        PolicyMissing: A method has no auth level.
    """

    def __init__(
        self,
        service: str,
        bind: str,
        *,
        verifier: TokenVerifier,
        registrations: Sequence[Registration],
        limits: ServerLimits,
        telemetry: Telemetry,
    ) -> None:
        self._service = service
        self._limits = limits
        age = int(limits.connection_age.total_seconds() * 1000)
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # two processes on one port would split the calls unseen
                ("grpc.max_connection_age_ms", age),
                ("grpc.max_connection_age_grace_ms", 120_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.http2.bdp_probe", 0),  # a ping per burst to size windows that our messages never fill
            ],
            maximum_concurrent_rpcs=limits.max_concurrent_rpcs,
        )
        guarded = _GuardedServer(self._server, Guard(verifier, telemetry, f"{service}.plaza"))
        for register in registrations:
            register(guarded)  # type: ignore[arg-type]  # it takes what a server takes from generated code
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port(bind)

    async def start(self) -> None:
        """Serve; healthy from the first moment."""
        await self._server.start()
        for name in ("", "liveness", "readiness"):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        log.info("grpc.serving", port=self.port)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then refuse new calls, finish those in flight, and return."""
        await self.start()
        await stop.wait()
        await self.stop()

    async def stop(self) -> None:
        """End in order: not healthy, no new calls, the grace for those in flight."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._limits.drain_grace.total_seconds())
        log.info("grpc.stopped")


class _GuardedServer:
    """Stands for the server while generated code registers its handlers, and wraps each of them."""

    def __init__(self, server: grpc.aio.Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Drop the unguarded form: generated code registers every method a second time, below."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Register the methods of a service, guarded."""
        guarded = {name: self._wrap(service, name, handler) for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, guarded)

    def _wrap(self, service: str, name: str, handler: Any) -> Any:
        method = method_of(service, name)
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._guard.unary(method, handler.unary_unary), *codec)
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(self._guard.unary(method, handler.stream_unary), *codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._guard.streaming(method, handler.unary_stream), *codec)
        return grpc.stream_stream_rpc_method_handler(self._guard.streaming(method, handler.stream_stream), *codec)
