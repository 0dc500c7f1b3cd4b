"""The public keys that verify access tokens, kept fresh in the background.

The last good set stays in force while the auth service is away, so that people who are signed in stay so. A token
with an unknown key id makes all who wait for it share one look at the service, and not more than one per cooldown:
random key ids cause no storm.
"""

import asyncio
import random
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.metrics import JWKS_REFRESH
from plaza.auth.v1.token_pb2 import Jwk
from plaza_kit.errors import RemoteError

log = structlog.get_logger()

Fetch = Callable[[], Awaitable[Iterable[Jwk]]]

_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 5.0
_JITTER = 0.2


class KeySet:
    """The keys by their id.

    Args:
        fetch: Asks the auth service.
        refresh: Time between two looks; the real one is up to a fifth shorter or longer.
        cooldown: Least time between two looks for unknown keys.
    """

    def __init__(self, fetch: Fetch, *, refresh: timedelta, cooldown: timedelta) -> None:
        self._fetch = fetch
        self._refresh_seconds = refresh.total_seconds()
        self._cooldown_seconds = cooldown.total_seconds()
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._documents: list[Jwk] = []
        self._looking: asyncio.Task[bool] | None = None
        self._next_look = 0.0
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_loaded(self) -> bool:
        """There is a set of keys."""
        return bool(self._keys)

    @property
    def documents(self) -> list[Jwk]:
        """The keys as the auth service described them."""
        return self._documents

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the set has changed."""
        self._listeners.append(listener)

    def get(self, kid: str) -> Ed25519PublicKey | None:
        """Return a key that is loaded."""
        return self._keys.get(kid)

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return a key, after a look at the auth service if it is not loaded and the cooldown permits."""
        if kid not in self._keys:
            await self._look_shared()
        return self._keys.get(kid)

    async def run(self) -> None:
        """Keep the set fresh until cancelled."""
        pause = _FIRST_SECONDS
        while True:
            if await self._look():
                pause = _FIRST_SECONDS
                wait = self._refresh_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  spreads the load
            else:
                wait = min(_LONGEST_SECONDS, self._refresh_seconds) if self._keys else pause
                pause = min(pause * 2, _LONGEST_SECONDS)
            await asyncio.sleep(wait)

    async def _look_shared(self) -> None:
        if self._looking is None or self._looking.done():
            now = time.monotonic()
            if now < self._next_look:
                return
            self._next_look = now + self._cooldown_seconds
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> bool:
        try:
            documents = list(await self._fetch())
            keys = {document.kid: _public_key(document.x) for document in documents}
        except (RemoteError, ValueError) as error:
            JWKS_REFRESH.labels("failed").inc()
            log.warning("jwks.refresh_failed", detail=str(error), keys=len(self._keys))
            return False
        if not keys:
            JWKS_REFRESH.labels("empty").inc()
            log.warning("jwks.empty", keys=len(self._keys))
            return False
        JWKS_REFRESH.labels("ok").inc()
        if keys.keys() != self._keys.keys():
            log.info("jwks.changed", kids=sorted(keys))
            self._keys, self._documents = keys, documents
            for listener in self._listeners:
                listener()
        return True


def _public_key(x: str) -> Ed25519PublicKey:
    """Return the key in RFC 8037's `x`.

    Raises:
        ValueError: Not 32 bytes in base64url.
    """
    return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(x + "=" * (-len(x) % 4)))
