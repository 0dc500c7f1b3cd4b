"""The roles of the process: what runs side by side until the signal to stop."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from forum import models
from forum.main import SERVICE, Service
from forum.own_events import OwnEvents
from forum.settings import ForumSettings
from forum.user_events import SOURCE, UserEvents
from plaza_kit.app import Part, run_parts
from plaza_kit.event_stream import stream_name
from plaza_kit.grpc_server import GrpcServer, ServerLimits
from plaza_kit.internal_token import TokenVerifier, read_trusted_keys
from plaza_kit.metrics import serve_metrics
from plaza_kit.migrations import migrate
from plaza_kit.outbox import Outbox
from plaza_kit.relay import Relay
from plaza_kit.streams import Consumer
from plaza_kit.telemetry import Telemetry

ROLES = ("migrate", "serve", "relay", "consume")

REDIS_TIMEOUT_SECONDS = 5.0


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside an installed package, in the repository beside `src`."""
    inside = Path(__file__).parent / "migrations"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "migrations"


def run_migrations(settings: ForumSettings) -> None:
    """Bring the database to the newest schema.

    Raises:
        TimeoutError: Another process has been migrating for 60 s.
    """
    migrate(settings.database_url.get_secret_value(), migrations_folder())


async def run_roles(settings: ForumSettings, roles: Sequence[str]) -> int:
    """Run `serve`, `relay` and `consume`, as far as they are asked for, until a signal; return the exit code.

    Raises:
        ValueError: A key is not usable.
        OSError: A key file cannot be read.
    """
    serve_metrics(settings.metrics_host, settings.metrics_port)
    telemetry = Telemetry(SERVICE)
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.close)
        service = Service(settings)
        stack.push_async_callback(service.close)
        parts: list[Part] = []
        if "serve" in roles:
            parts += serving_parts(service, telemetry, _redis(settings, stack))
        if "relay" in roles:
            parts.append(_relay(service, _redis(settings, stack)))
        if "consume" in roles:
            parts += consuming_parts(service, _redis(settings, stack))
        return await run_parts(*parts)


def _redis(settings: ForumSettings, stack: AsyncExitStack) -> "Redis":
    redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    stack.push_async_callback(redis.aclose)
    return redis


def _relay(service: Service, redis: "Redis") -> Part:
    return Relay(service.foundation.database, Outbox(models.outbox, source=SERVICE), models.leases, redis).run


def serving_parts(service: Service, telemetry: Telemetry, redis: "Redis") -> list[Part]:
    """Return the gRPC server and the background tasks that the `serve` role owns."""
    settings = service.settings
    server = GrpcServer(
        SERVICE,
        settings.bind,
        verifier=TokenVerifier(read_trusted_keys(settings.trusted_keys_dir), SERVICE),
        registrations=service.registrations(),
        limits=ServerLimits(max_concurrent_rpcs=settings.max_concurrent_rpcs, drain_grace=settings.drain_grace),
        telemetry=telemetry,
    )
    return [server.run, partial(service.indexing.run, redis)]


def consuming_parts(service: Service, redis: "Redis") -> list[Part]:
    """Return what applies events, sends webhooks and cleans up: the `consume` role."""
    own_shards = Outbox(models.outbox, source=SERVICE).shards
    return [
        *_consumers(service, redis, _stream_names(SERVICE, own_shards), events=service.own_events),
        *_consumers(service, redis, _stream_names(SOURCE, service.settings.auth_shards), events=service.user_events),
        service.webhook_sender.run,
        service.housekeeping.run,
        service.erasure.run,
    ]


def _stream_names(source: str, shards: int) -> list[str]:
    """Return the names of all event streams of a service."""
    return [stream_name(source, shard) for shard in range(shards)]


def _consumers(
    service: Service, redis: "Redis", streams: Sequence[str], *, events: OwnEvents | UserEvents
) -> list[Part]:
    return [
        Consumer(
            service.foundation.database,
            redis,
            stream=stream,
            group=SERVICE,
            tables=(models.inbox, models.dead_letters, models.leases),
            handler=events.apply,
            types=events.types,
        ).run
        for stream in streams
    ]
