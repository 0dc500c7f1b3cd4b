"""The composition root: the only module that builds the parts and ties them together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

import structlog
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.types import ASGIApp

from gateway.addresses import Addresses
from gateway.cache import Cache
from gateway.catalogue import load_catalogue
from gateway.cors import Cors
from gateway.edge import Edge
from gateway.freshness import Freshness
from gateway.identity import Identities
from gateway.jwks import KeySet
from gateway.metrics import IN_FLIGHT
from gateway.openapi import document_json
from gateway.pipeline import RouteTable
from gateway.problems import ProblemRenderer
from gateway.ratelimit import RateLimiter
from gateway.revocations import Follower, Pace, Revocations, paged
from gateway.routes import ROUTES
from gateway.routing import PathTable, Rate
from gateway.rpcs import AUTH_CONTRACTS, FORUM_CONTRACTS, AuthRpcs, Services
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.tail import BLOCK_SECONDS, Tail
from plaza.auth.v1 import auth_service_pb2
from plaza.auth.v1.token_pb2 import Jwk, Revocation
from plaza_kit.caller import Caller
from plaza_kit.event_stream import stream_name
from plaza_kit.grpc_client import Client
from plaza_kit.ids import uuid7_hex
from plaza_kit.internal_token import TokenMinter, read_private_key
from plaza_kit.telemetry import Telemetry

log = structlog.get_logger()

ISSUER = "gateway"
_BACKGROUND_SECONDS = 2.0
"""Deadline of a call that no request waits for."""
_HANG_SECONDS = 0.35
"""Added to the time that a read of events blocks: after it, Redis counts as away."""
_RESTART_SECONDS = 1.0


class Gateway(FastAPI):
    """FastAPI, with one layer of ours around the routes in place of its stack.

    Args:
        runtime: The shared parts.
        lifespan: Starts and stops the background tasks.
    """

    def __init__(self, runtime: Runtime, background: "Background") -> None:
        super().__init__(
            title="Plaza",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            lifespan=lambda _: background.run(),
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        )
        self.runtime = runtime
        self.router.routes.append(RouteTable(runtime))

    def build_middleware_stack(self) -> ASGIApp:
        """Return the edge around the router: it does what FastAPI's layers would, in our form of errors."""
        return Edge(self.router, self.runtime)


class Background:
    """What runs beside the requests, from start to end of the process.

    Args:
        runtime: The shared parts.
        tasks: What follows events, by name.
        stores: Redis clients to close at the end.
    """

    def __init__(
        self, runtime: Runtime, tasks: Mapping[str, Callable[[], Awaitable[None]]], stores: Sequence["Redis"]
    ) -> None:
        self._runtime = runtime
        self._tasks = {"jwks": runtime.keys.run, **tasks}
        self._stores = stores

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Start everything, and stop it in order."""
        tasks = [asyncio.create_task(_kept_alive(name, work)) for name, work in self._tasks.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._runtime.services.close()
            for store in self._stores:
                await store.aclose()
            self._runtime.telemetry.close()


def create_app(settings: Settings) -> Gateway:
    """Return the application; to be called on the event loop that will serve it.

    Raises:
        OSError: The key file cannot be read.
        ValueError: It holds no Ed25519 private key.
    """
    minter = TokenMinter(read_private_key(settings.internal_key_file), ISSUER)
    services = Services(
        auth=Client(settings.auth_target, audience="auth", minter=minter, services=AUTH_CONTRACTS),
        forum=Client(settings.forum_target, audience="forum", minter=minter, services=FORUM_CONTRACTS),
    )
    questions = _Questions(services.auth)
    limits_store = _open_redis(settings, settings.rate_deadline.total_seconds())
    events_store = _open_redis(settings, BLOCK_SECONDS + _HANG_SECONDS)
    catalogue = load_catalogue()
    keys = KeySet(questions.jwks, refresh=settings.jwks_refresh, cooldown=settings.jwks_cooldown)
    revocations = Revocations()
    runtime = Runtime(
        settings=settings,
        catalogue=catalogue,
        renderer=ProblemRenderer(catalogue),
        addresses=Addresses(settings.trusted_proxies),
        cors=Cors(settings.cors_origins),
        paths=PathTable(ROUTES),
        telemetry=Telemetry("gateway"),
        keys=keys,
        revocations=revocations,
        identities=Identities(keys, revocations),
        limiter=RateLimiter(limits_store, _limits(settings)),
        services=services,
        openapi=document_json(ROUTES, catalogue),
        cache=Cache(settings.cache_bytes),
    )
    news_store = _open_redis(settings, BLOCK_SECONDS + _HANG_SECONDS)
    freshness = Freshness(runtime.cache, Tail(news_store, _streams("forum", settings.forum_shards)))
    follower = Follower(
        revocations,
        paged(questions.revocations),
        tail=Tail(events_store, _streams("auth", settings.auth_shards)),
        pace=Pace(poll=settings.revocation_poll, audit=settings.revocation_audit),
    )
    IN_FLIGHT.set_function(lambda: runtime.state.in_flight)
    tasks = {"revocations": follower.run, "freshness": freshness.run}
    return Gateway(runtime, Background(runtime, tasks, [limits_store, events_store, news_store]))


def _streams(service: str, shards: int) -> list[str]:
    return [stream_name(service, shard) for shard in range(shards)]


class _Questions:
    """What the gateway asks the auth service for itself."""

    def __init__(self, auth: AuthRpcs) -> None:
        self._auth = auth

    async def jwks(self) -> Iterable[Jwk]:
        """Return the signing keys."""
        request = auth_service_pb2.GetJwksRequest()
        return (await self._auth.get_jwks.call(request, caller=_ourselves(), timeout=_BACKGROUND_SECONDS)).keys

    async def revocations(self, page_token: str) -> tuple[Sequence[Revocation], str]:
        """Return one page of the revocations and the token of the next."""
        request = auth_service_pb2.ListRevocationsRequest(page_token=page_token)
        page = await self._auth.list_revocations.call(request, caller=_ourselves(), timeout=_BACKGROUND_SECONDS)
        return page.revocations, page.next_page_token


def _ourselves() -> Caller:
    return Caller(request_id=uuid7_hex())


def _open_redis(settings: Settings, timeout_seconds: float) -> "Redis":
    """Return a client that gives up at once: those who use it have something better to do than to wait.

    There is a connection for every request in flight, so that many clients at once cannot make the store seem away.
    """
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        protocol=2,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        max_connections=settings.max_in_flight + 1,
    )


def _limits(settings: Settings) -> dict[Rate, int]:
    return {
        Rate.READ: settings.rate_read_per_minute,
        Rate.WRITE: settings.rate_write_per_minute,
        Rate.CREDENTIALS: settings.rate_credentials_per_minute,
        Rate.TEXT: settings.rate_text_per_minute,
        Rate.SEARCH: settings.rate_search_per_minute,
    }


async def _kept_alive(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until cancelled; a defect in it is logged, and it begins anew."""
    while True:
        try:
            await work()
        except Exception as error:
            log.error("background.crashed", task=name, exc_info=error)
        await asyncio.sleep(_RESTART_SECONDS)
