"""Ask a process whether it is ready to serve. A probe answers yes or no within two seconds and never raises."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

Probe = Callable[[], Awaitable[bool]]

SECONDS = 2.0


async def no_probe() -> bool:
    """Ready as soon as it runs: nobody calls it."""
    return True


def redis_probe(host: str, port: int) -> Probe:
    """Ready when the server answers PING; while it loads its data it answers with an error."""
    return _bounded(lambda: _answers(host, port, b"PING\r\n", re.compile(rb"\+PONG")))


def http_probe(host: str, port: int, path: str) -> Probe:
    """Ready when GET `path` answers 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    return _bounded(lambda: _answers(host, port, request, re.compile(rb"HTTP/1\.[01] 200 ")))


def grpc_probe(host: str, port: int) -> Probe:
    """Ready when the health service says so under the name `readiness`."""

    async def ask() -> bool:
        # A plain connection first: a channel that fails to connect backs off for a second.
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        async with grpc.aio.insecure_channel(f"{host}:{port}", options=(("grpc.enable_http_proxy", 0),)) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
            answer = await check(HealthCheckRequest(service="readiness"), timeout=SECONDS)
        return bool(answer.status == HealthCheckResponse.SERVING)

    return _bounded(ask)


def _bounded(ask: Probe) -> Probe:
    async def probe() -> bool:
        try:
            async with asyncio.timeout(SECONDS):
                return await ask()
        except (OSError, TimeoutError, grpc.aio.AioRpcError):
            return False

    return probe


async def _answers(host: str, port: int, request: bytes, pattern: re.Pattern[bytes]) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        return pattern.match(await reader.readline()) is not None
    finally:
        writer.close()
