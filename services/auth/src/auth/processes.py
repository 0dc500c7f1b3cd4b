"""The roles of the process: what runs side by side until the signal to stop."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from redis.asyncio import Redis

from auth import models
from auth.main import SERVICE, Service
from auth.settings import AuthSettings
from plaza_kit.app import Part, run_parts
from plaza_kit.db import Database
from plaza_kit.grpc_server import GrpcServer, ServerLimits
from plaza_kit.internal_token import TokenVerifier, read_trusted_keys
from plaza_kit.metrics import serve_metrics
from plaza_kit.migrations import migrate
from plaza_kit.outbox import Outbox
from plaza_kit.relay import Relay
from plaza_kit.telemetry import Telemetry

ROLES = ("migrate", "serve", "relay")

REDIS_TIMEOUT_SECONDS = 5.0
RELAY_POOL_SIZE = 2


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside an installed package, in the repository beside `src`."""
    inside = Path(__file__).parent / "migrations"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "migrations"


def run_migrations(settings: AuthSettings) -> None:
    """Bring the database to the newest schema.

    Raises:
        TimeoutError: Another process has been migrating for 60 s.
    """
    migrate(settings.database_url.get_secret_value(), migrations_folder())


async def run_roles(settings: AuthSettings, roles: Sequence[str]) -> int:
    """Run `serve` and `relay`, as far as they are asked for, until a signal; return the exit code.

    Raises:
        ValueError: A key is not usable.
        KeyDirectoryError: The signing keys are not usable.
        OSError: A key file cannot be read.
    """
    serve_metrics(settings.metrics_host, settings.metrics_port)
    telemetry = Telemetry(SERVICE)
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.close)
        parts: list[Part] = []
        database: Database | None = None
        if "serve" in roles:
            service = Service(settings)
            stack.push_async_callback(service.close)
            parts += serving_parts(service, telemetry)
            database = service.foundation.database  # shared, so that a commit wakes the relay at once
        if "relay" in roles:
            parts.append(_relay(settings, database, stack))
        return await run_parts(*parts)


def _relay(settings: AuthSettings, shared: Database | None, stack: AsyncExitStack) -> Part:
    database = shared
    if database is None:
        database = Database(settings.database_url.get_secret_value(), pool_size=RELAY_POOL_SIZE)
        stack.push_async_callback(database.close)
    redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    stack.push_async_callback(redis.aclose)
    return Relay(database, Outbox(models.outbox, source=SERVICE), models.leases, redis).run


def serving_parts(service: Service, telemetry: Telemetry) -> list[Part]:
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
    return [server.run, service.keys.run, service.mail_sender.run, service.housekeeping.run]
