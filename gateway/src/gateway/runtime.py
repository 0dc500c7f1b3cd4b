"""What all requests of the process share."""

from dataclasses import dataclass, field

from gateway.addresses import Addresses
from gateway.cache import Cache
from gateway.catalogue import Catalogue
from gateway.cors import Cors
from gateway.identity import Identities
from gateway.jwks import KeySet
from gateway.problems import ProblemRenderer
from gateway.ratelimit import RateLimiter
from gateway.revocations import Revocations
from gateway.routing import PathTable
from gateway.rpcs import Services
from gateway.settings import Settings
from plaza_kit.telemetry import Telemetry


@dataclass(slots=True)
class State:
    """What changes while the process runs.

    Attributes:
        in_flight: Requests being served.
        is_draining: The process is about to end: not ready any more, connections are closed after their answer.
    """

    in_flight: int = 0
    is_draining: bool = False


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts, wired up by `app.create_app`."""

    settings: Settings
    catalogue: Catalogue
    renderer: ProblemRenderer
    addresses: Addresses
    cors: Cors
    paths: PathTable
    telemetry: Telemetry
    keys: KeySet
    revocations: Revocations
    identities: Identities
    limiter: RateLimiter
    services: Services
    openapi: bytes
    cache: Cache
    state: State = field(default_factory=State)
