"""Mails: written with the transaction that wants them, sent afterwards, so that no request waits for a mail server.

A message waits in a table, sealed, because it carries a token. The `serve` role sends what is due. A message is
claimed before each attempt by moving its next attempt ahead, so two replicas do not send the same one, and a crash
leaves it for later. A mail may thus arrive twice; it never gets lost before its attempts are used up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Protocol

import aiosmtplib
import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import MailNotConfigured
from auth.foundation import Foundation
from auth.metrics import MAILS
from auth.repository.mails import QueuedMail
from auth.throttle import Bucket, Throttle, network_of
from auth.waiting import is_set_within
from plaza_kit.errors import Unavailable

POLL_SECONDS = 1.0
BATCH = 20
FIRST_RETRY = timedelta(seconds=30)
"""Wait after the first failed attempt; doubled each time, up to `LAST_RETRY`."""
LAST_RETRY = timedelta(hours=1)

ADDRESS_FACTOR = 4
"""One client address may ask for mails of so many accounts."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain text message."""

    recipient: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class MailTransport(Protocol):
    """How a message leaves."""

    async def send(self, mail: Mail) -> None:
        """Hand a message over; raises whatever went wrong."""


class MailUnsent(Exception):
    """The mail server did not take the message."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and how to speak to it."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    sender: str
    timeout_seconds: float


class SmtpTransport:
    """Hands messages to a mail server."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, mail: Mail) -> None:
        """Deliver a message within the deadline.

        Raises:
            MailUnsent: The server is away, too slow, or refused.
        """
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message.set_content(mail.text)
        try:
            async with asyncio.timeout(self._server.timeout_seconds):
                await aiosmtplib.send(
                    message,
                    hostname=self._server.host,
                    port=self._server.port,
                    username=self._server.username or None,
                    password=self._server.password or None,
                    use_tls=self._server.security == "tls",
                    start_tls=self._server.security == "starttls",
                    timeout=self._server.timeout_seconds,
                )
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise MailUnsent(f"{type(error).__name__}: {error}") from error


class LogTransport:
    """Writes messages to the log, for development without a mail server."""

    async def send(self, mail: Mail) -> None:
        """Log a message, its token included."""
        log.info("mail.logged", recipient=mail.recipient, subject=mail.subject, text=mail.text)


@dataclass(frozen=True, slots=True)
class MailRules:
    """Whether this installation sends mail at all, how many one account may ask for, and where links lead."""

    is_open: bool
    limit: int
    public_url: str


class Mailbox:
    """Where the domain puts messages."""

    def __init__(self, foundation: Foundation, throttle: Throttle, rules: MailRules) -> None:
        self._mails = foundation.repositories.mails
        self._sealer = foundation.sealer
        self._clock = foundation.clock
        self._throttle = throttle
        self._rules = rules

    def check_open(self) -> None:
        """Let pass if messages can be sent.

        Raises:
            MailNotConfigured: They cannot (MAIL_NOT_CONFIGURED).
        """
        if not self._rules.is_open:
            raise MailNotConfigured

    def link(self, action: str, token: str) -> str:
        """Return a link that carries a token in its fragment, which no server sees or logs."""
        return f"{self._rules.public_url.rstrip('/')}/#{action}={token}"

    async def count(self, connection: AsyncConnection, kind: str, account: bytes, *, address: str) -> None:
        """Count a message that somebody asks for, as part of a transaction.

        Args:
            connection: The transaction.
            kind: What the message is for.
            account: Whose; for an unknown account what was typed, so that it counts alike.
            address: The client's address.

        Raises:
            ResourceExhausted: Too many were asked for (RATE_LIMITED).
        """
        limit = self._rules.limit
        network = network_of(address)
        buckets = [
            Bucket(self._sealer.fingerprint(b"mail", kind.encode(), b"account", account), limit),
            Bucket(self._sealer.fingerprint(b"mail", kind.encode(), b"address", network), limit * ADDRESS_FACTOR),
        ]
        await self._throttle.spend(connection, buckets)

    async def put(self, connection: AsyncConnection, user_id: int, mail: Mail) -> None:
        """Queue a message for a user as part of a transaction."""
        plain = orjson.dumps([mail.recipient, mail.subject, mail.text])
        sealed = self._sealer.seal(plain, _context(user_id))
        await self._mails.queue(connection, user_id=user_id, sealed_message=sealed, now=self._clock())


class MailSender:
    """Sends what is due, until told to stop."""

    def __init__(self, foundation: Foundation, transport: MailTransport, *, attempts: int) -> None:
        self._database = foundation.database
        self._mails = foundation.repositories.mails
        self._sealer = foundation.sealer
        self._clock = foundation.clock
        self._transport = transport
        self._attempts = attempts

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; a database that is away is waited out."""
        while not stop.is_set():
            try:
                has_more = await self.send_due() == BATCH
            except Unavailable:
                has_more = False
            if not has_more:
                await is_set_within(stop, POLL_SECONDS)

    async def send_due(self) -> int:
        """Try every message that is due, at most 20; return how many were looked at."""
        async with self._database.read() as connection:
            due = await self._mails.list_due(connection, self._clock(), BATCH)
        for mail in due:
            if await self._database.write(self._claiming(mail)):
                await self._attempt(mail)
        return len(due)

    def _claiming(self, mail: QueuedMail) -> Callable[[AsyncConnection], Awaitable[bool]]:
        next_attempt_time = self._clock() + min(FIRST_RETRY * 2**mail.attempts, LAST_RETRY)

        async def work(connection: AsyncConnection) -> bool:
            return await self._mails.claim(connection, mail, next_attempt_time)

        return work

    async def _attempt(self, mail: QueuedMail) -> None:
        recipient, subject, text = orjson.loads(self._sealer.open(mail.sealed_message, _context(mail.user_id)))
        try:
            await self._transport.send(Mail(recipient, subject, text))
        except MailUnsent as error:
            is_last = mail.attempts + 1 >= self._attempts
            outcome = "given_up" if is_last else "failed"
            MAILS.labels(outcome).inc()
            log.warning("mail.unsent", mail_id=mail.id, attempt=mail.attempts + 1, outcome=outcome, detail=str(error))
            if not is_last:
                return
        else:
            MAILS.labels("sent").inc()
            log.info("mail.sent", mail_id=mail.id, user_id=mail.user_id)

        async def remove(connection: AsyncConnection) -> None:
            await self._mails.remove(connection, mail.id)

        await self._database.write(remove)


def _context(user_id: int) -> str:
    return f"mail:{user_id}"
