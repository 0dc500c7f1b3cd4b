"""Limits on attempts, counted in the database, so that they hold across replicas and restarts.

A bucket is what is counted: an account with an address, an account, an address. The table stores only its HMAC, so
that a leaked copy tells no name and no address. Buckets of unknown names count like any other.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.foundation import Foundation
from plaza_kit.errors import ResourceExhausted
from plaza_kit.sealing import Sealer


class Bucket(NamedTuple):
    """What is counted, and how many attempts it may hold in the throttle's window."""

    key: bytes
    limit: int


class SignInLimits(NamedTuple):
    """Failures in one window."""

    account_address: int
    account: int
    address: int


class Throttle:
    """Counts attempts within one window of time.

    Args:
        foundation: Where the attempts are.
        window: How long an attempt counts.
    """

    def __init__(self, foundation: Foundation, window: timedelta) -> None:
        self._database = foundation.database
        self._repository = foundation.repositories.attempts
        self._clock = foundation.clock
        self._window = window

    async def check(self, buckets: Sequence[Bucket]) -> None:
        """Let pass unless a bucket is full.

        Raises:
            ResourceExhausted: One is (RATE_LIMITED, with `retry_after`).
        """
        now = self._clock()
        async with self._database.read() as connection:
            await self._refuse_from(connection, buckets, now, allowance=-1)

    async def record(self, buckets: Sequence[Bucket]) -> None:
        """Record one attempt in each bucket, in a transaction of its own.

        Raises:
            ResourceExhausted: Others filled a bucket since `check` (RATE_LIMITED); the attempt is recorded.
        """
        now = self._clock()

        async def work(connection: AsyncConnection) -> None:
            await self._repository.insert(connection, [bucket.key for bucket in buckets], now)

        await self._database.write(work)
        async with self._database.read() as connection:
            await self._refuse_from(connection, buckets, now, allowance=0)

    async def spend(self, connection: AsyncConnection, buckets: Sequence[Bucket]) -> None:
        """Record one attempt in each bucket as part of a larger transaction.

        Raises:
            ResourceExhausted: A bucket was full (RATE_LIMITED, with `retry_after`).
        """
        now = self._clock()
        await self._repository.insert(connection, [bucket.key for bucket in buckets], now)
        await self._refuse_from(connection, buckets, now, allowance=0)

    async def _refuse_from(
        self, connection: AsyncConnection, buckets: Sequence[Bucket], now: datetime, *, allowance: int
    ) -> None:
        counts = await self._repository.count(connection, [bucket.key for bucket in buckets], now - self._window)
        for bucket in buckets:
            count, first = counts.get(bucket.key, (0, now))
            if count > bucket.limit + allowance:
                retry_after = max(1.0, (first + self._window - now).total_seconds())
                raise ResourceExhausted("too many attempts", retry_after=retry_after)


class SignInThrottle:
    """Counts failed sign-ins, and wrong passwords and codes of those who are signed in."""

    def __init__(self, throttle: Throttle, sealer: Sealer, limits: SignInLimits) -> None:
        self._throttle = throttle
        self._sealer = sealer
        self._limits = limits

    async def check(self, account_key: bytes, address: str) -> None:
        """Let pass unless there were too many failures.

        Args:
            account_key: The normalised name, known or not.
            address: The client's address.

        Raises:
            ResourceExhausted: There were (RATE_LIMITED, with `retry_after`).
        """
        await self._throttle.check(self._buckets(account_key, address))

    async def record(self, account_key: bytes, address: str) -> None:
        """Count a failure.

        Raises:
            ResourceExhausted: Others filled a bucket since `check` (RATE_LIMITED); the failure is counted.
        """
        await self._throttle.record(self._buckets(account_key, address))

    def _buckets(self, account_key: bytes, address: str) -> list[Bucket]:
        network = network_of(address)
        return [
            Bucket(self._key(b"account-address", account_key, network), self._limits.account_address),
            Bucket(self._key(b"account", account_key), self._limits.account),
            Bucket(self._key(b"address", network), self._limits.address),
        ]

    def _key(self, *parts: bytes) -> bytes:
        return self._sealer.fingerprint(b"sign-in", *parts)


def network_of(address: str) -> bytes:
    """Return what counts as one address: an IPv4 address, any other text as it is, and of an IPv6 address the /64.

    A customer has at least a /64, so single IPv6 addresses are no limit at all.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode()
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped).encode()
        return str(ipaddress.ip_network((parsed, 64), strict=False)).encode()
    return str(parsed).encode()
