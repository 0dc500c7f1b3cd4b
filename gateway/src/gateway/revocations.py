"""The deny list: which access tokens are refused although they have not expired.

The auth service's database has the record. This process holds a copy in memory, loads it in full at the start, and
then follows the service's event streams, so that a revocation counts here within a second. A copy that follows events
can miss some (a reconnect, a trimmed stream, a Redis that lost its data), so each time the connection is made anew,
and every 30 s in any case, the full list is loaded again; while Redis is away it is loaded every half second instead.
An entry is dropped once no token that it is about can be alive.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError
from redis.exceptions import RedisError

from gateway.metrics import REVOCATION_SYNC, REVOCATIONS
from gateway.tail import Tail
from plaza.auth.v1.auth_events_pb2 import TokensRevoked
from plaza.auth.v1.token_pb2 import Revocation
from plaza.events.v1.envelope_pb2 import Envelope
from plaza_kit.errors import RemoteError

log = structlog.get_logger()

TYPE = TokensRevoked.DESCRIPTOR.full_name
_LOAD_SECONDS = 5.0
_PRUNE_SECONDS = 60.0

Listener = Callable[[Sequence[Revocation]], None]


class Bearer(Protocol):
    """The part of an identity that a revocation is about."""

    @property
    def user_id(self) -> int:
        """The user."""

    @property
    def session_id(self) -> str:
        """The sign-in."""

    @property
    def token_version(self) -> int:
        """The version of the user's tokens."""


class Revocations:
    """The list itself."""

    def __init__(self) -> None:
        self._sessions: dict[str, int] = {}
        self._users: dict[int, tuple[int, int]] = {}
        self._listeners: list[Listener] = []
        self.is_loaded = False

    def __len__(self) -> int:
        return len(self._sessions) + len(self._users)

    def is_revoked(self, bearer: Bearer) -> bool:
        """Return whether tokens of this sign-in and version are refused."""
        if bearer.session_id in self._sessions:
            return True
        entry = self._users.get(bearer.user_id)
        return entry is not None and bearer.token_version < entry[0]

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every entry that is new here."""
        self._listeners.append(listener)

    def add(self, entries: Sequence[Revocation]) -> None:
        """Take entries in; those that are known already change nothing."""
        news = [entry for entry in entries if self._is_news(entry)]
        if not news:
            return
        REVOCATIONS.set(len(self))
        for listener in self._listeners:
            listener(news)

    def prune(self, now: float) -> None:
        """Drop the entries whose tokens have all expired."""
        self._sessions = {session: until for session, until in self._sessions.items() if until > now}
        self._users = {user: entry for user, entry in self._users.items() if entry[1] > now}
        REVOCATIONS.set(len(self))

    def _is_news(self, entry: Revocation) -> bool:
        if entry.session_id:
            is_news = entry.session_id not in self._sessions
            self._sessions[entry.session_id] = max(entry.until_unix, self._sessions.get(entry.session_id, 0))
            return is_news
        minimum, until = self._users.get(entry.user_id, (0, 0))
        self._users[entry.user_id] = (max(entry.minimum_version, minimum), max(entry.until_unix, until))
        return entry.minimum_version > minimum


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look.

    Attributes:
        poll: Between two full loads while Redis is away.
        audit: Between two full loads in any case.
    """

    poll: timedelta
    audit: timedelta


class Follower:
    """Keeps a `Revocations` like the record.

    Args:
        revocations: The copy.
        load: Pages through the record, from the auth service.
        tail: The auth service's event streams.
        pace: How often to look.
    """

    def __init__(
        self,
        revocations: Revocations,
        load: Callable[[], AsyncIterator[Sequence[Revocation]]],
        *,
        tail: Tail,
        pace: Pace,
    ) -> None:
        self._revocations = revocations
        self._load = load
        self._tail = tail
        self._poll_seconds = pace.poll.total_seconds()
        self._audit_seconds = pace.audit.total_seconds()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._audit())

    async def _follow(self) -> None:
        is_away = False
        while True:
            try:
                # Before the record is loaded: what comes later is read as events.
                await self._tail.start()
                if not await self._sync("connect"):
                    await asyncio.sleep(self._poll_seconds)
                    continue
                is_away = False
                while True:
                    self._take(await self._tail.read())
            except (RedisError, OSError) as error:
                if not is_away:
                    log.warning("revocations.redis_away", detail=str(error))
                    is_away = True
                await self._sync("redis_away")
                await asyncio.sleep(self._poll_seconds)

    async def _audit(self) -> None:
        next_prune = time.monotonic() + _PRUNE_SECONDS
        while True:
            await asyncio.sleep(self._audit_seconds)
            await self._sync("audit")
            if time.monotonic() >= next_prune:
                self._revocations.prune(time.time())
                next_prune = time.monotonic() + _PRUNE_SECONDS

    def _take(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            if envelope.type == TYPE:
                try:
                    self._revocations.add(TokensRevoked.FromString(envelope.payload).revocations)
                except DecodeError:
                    log.error("revocations.unreadable_event", event_id=envelope.id)

    async def _sync(self, cause: str) -> bool:
        """Load the whole record; returns whether that worked."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                async for page in self._load():
                    self._revocations.add(page)
        except (RemoteError, TimeoutError) as error:
            REVOCATION_SYNC.labels(cause, "failed").inc()
            log.warning("revocations.sync_failed", cause=cause, detail=str(error))
            return False
        REVOCATION_SYNC.labels(cause, "ok").inc()
        self._revocations.is_loaded = True
        return True


LoadPage = Callable[[str], Awaitable[tuple[Sequence[Revocation], str]]]


def paged(load_page: LoadPage) -> Callable[[], AsyncIterator[Sequence[Revocation]]]:
    """Return a function that goes through all pages.

    Args:
        load_page: Takes a page token, returns the entries and the next token, which is empty at the end.
    """

    async def load() -> AsyncIterator[Sequence[Revocation]]:
        token = ""
        while True:
            entries, token = await load_page(token)
            yield entries
            if not token:
                return

    return load
