"""What holds for all connections together: the limits, and what is counted across them."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from starlette.types import Scope

from gateway.addresses import Addresses, subscriber
from gateway.metrics import CONNECTIONS
from gateway.problems import Header
from gateway.settings import Settings

_HOST = re.compile(rb"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?")
_HOSTS_REMEMBERED = 1024
_SWEEPS_PER_DEADLINE = 8
_SLOWEST_SWEEP = 0.5

Refusal = Callable[[str], bytes]
"""Returns the whole response, head and body, for a code of the catalogue; the connection is closed after it."""


ShortResponse = Callable[[Scope, Iterable[Header]], bytes | None]
"""Returns the whole response to a request without a body, or None if it takes the application to answer it."""


class Connection(Protocol):
    """One client's connection.

    Attributes:
        client: Its address and port.
    """

    client: tuple[str, int] | None

    def enforce(self, now: float) -> None:
        """Close it if a deadline has passed."""


class Hosts:
    """The rule for `Host`: well-formed, and on the list if there is one.

    Args:
        allowed: Names without port, lower case; empty allows any.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(name.lower().encode() for name in allowed)
        self._good: set[bytes] = set()

    def is_good(self, host: bytes) -> bool:
        """Return whether a request may name this host."""
        if host in self._good:
            return True
        if not _HOST.fullmatch(host) or (self._allowed and _without_port(host).lower() not in self._allowed):
            return False
        if len(self._good) < _HOSTS_REMEMBERED:
            self._good.add(host)
        return True


class Rail:
    """The limits and what is counted across connections.

    Args:
        settings: The limits.
        refusal: Makes the answer to a request that is not served.
        short_way: Answers what it has in memory.
    """

    def __init__(self, settings: Settings, refusal: Refusal, short_way: ShortResponse) -> None:
        self.refusal = refusal
        self.short_way = short_way
        self.hosts = Hosts(settings.allowed_hosts)
        self.head_seconds = settings.head_deadline.total_seconds()
        self.body_seconds = settings.body_deadline.total_seconds()
        self.write_seconds = settings.write_deadline.total_seconds()
        self.head_bytes = settings.head_limit_bytes
        self.head_fields = settings.head_limit_fields
        self.connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._most_per_address = settings.max_connections_per_address
        self._proxies = Addresses(settings.trusted_proxies)

    def enter(self, connection: Connection, peer: str) -> bool:
        """Count a connection in; returns whether its address may have one more."""
        self.connections.add(connection)
        CONNECTIONS.set(len(self.connections))
        self._per_address[subscriber(peer)] += 1
        return self._per_address[subscriber(peer)] <= self._most_per_address or self._proxies.is_trusted(peer)

    def leave(self, connection: Connection, peer: str) -> None:
        """Count a connection out."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        CONNECTIONS.set(len(self.connections))
        key = subscriber(peer)
        self._per_address[key] -= 1
        if self._per_address[key] <= 0:
            del self._per_address[key]

    async def sweep(self) -> None:
        """Enforce the deadlines of all connections, until cancelled."""
        shortest = min(self.head_seconds, self.body_seconds, self.write_seconds)
        pause = min(shortest / _SWEEPS_PER_DEADLINE, _SLOWEST_SWEEP)
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            for connection in tuple(self.connections):
                connection.enforce(now)


def _without_port(host: bytes) -> bytes:
    if host.startswith(b"["):
        return host.partition(b"]")[0] + b"]"
    return host.partition(b":")[0]
