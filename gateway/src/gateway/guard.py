"""The HTTP parser's guard: what must hold before a request reaches any application code.

uvicorn's httptools protocol lets clients take for ever over a request, send megabytes of headers, name two hosts or
none, and never read an answer. This subclass sees the bytes first. A connection is in one of three phases:

  head  from the connection's first moment, and again from the first byte after an answer: an absolute deadline, a
        limit on bytes and on fields;
  body  from the end of the head to the end of the message: an absolute deadline;
  idle  waiting for the answer, or for the next request (uvicorn's keep-alive time).

Deadlines are moments stored on the connection; one task looks at all connections several times a second, so a request
pays for no timer. Bytes that come late, one by one, move no deadline.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httptools
import structlog
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.metrics import SHED
from gateway.rail import Rail

log = structlog.get_logger()

_NEVER = float("inf")
_LINGER_SECONDS = 2.0
_UNREAD_BYTES = 64 * 1024
"""With more under way to a client, no answer is sent without waiting."""


class Refused(Exception):
    """The request is not served; the argument is the code to answer with."""


class _AnswerTransport:
    """The transport as uvicorn's request cycles see it.

    A cycle writes the head of an answer and its body one after the other. They leave here as one, which spares a
    system call and wakes the client once. Closing is the connection's business.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, close: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._held = b""
        self._is_cut = False
        self.close = close

    def is_closing(self) -> bool:
        """Return whether nothing can be sent any more."""
        return self._is_cut or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send with what is held, or hold until the event loop's next turn; drop what nobody will read."""
        if self.is_closing():
            self._held = b""
        elif self._held:
            self._transport.write(self._held + data)
            self._held = b""
        else:
            self._held = data
            self._call_soon(self.flush)

    def write_whole(self, data: bytes) -> None:
        """Send a whole answer at once."""
        self.flush()
        if not self.is_closing():
            self._transport.write(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            if not self.is_closing():
                self._transport.write(self._held)
            self._held = b""

    def cut(self) -> None:
        """Send what is held, and nothing after it."""
        self.flush()
        self._is_cut = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, rail: Rail, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rail = rail
        self._wire: asyncio.Transport | None = None
        self._deadline = _NEVER
        self._in_head = False
        self._in_body = False
        self._head_raw = 0
        self._head_parsed = 0
        self._head_fields = 0
        self._host: bytes | None = None
        self._is_deaf = False
        self._unsent = 0
        self._unsent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock: a client that connects has something to say."""
        super().connection_made(transport)
        self._wire = transport
        self._answers = _AnswerTransport(transport, self.loop, self.close)
        self.transport = self._answers  # type: ignore[assignment]  # stands in for it
        self._deadline = time.monotonic() + self._rail.head_seconds
        if not self._rail.enter(self, self._peer):
            SHED.labels("connections_per_address").inc()
            self._is_deaf = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._is_deaf = True
        self._in_head = self._in_body = False
        self._deadline = _NEVER
        self._rail.leave(self, self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first one after an answer starts the clock of the next head."""
        if self._is_deaf:
            return
        if self._deadline == _NEVER and not self._is_answering:
            self._deadline = time.monotonic() + self._rail.head_seconds
        self._unset_keepalive_if_required()
        was_in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # no protocol is offered: the request is answered as if it had not asked
        except httptools.HttpParserError as error:
            cause = error.__context__
            self.refuse(str(cause) if isinstance(cause, Refused) else "MALFORMED_REQUEST")
            return
        if self._in_head and was_in_head:
            # Fields are counted when they are complete; one that never ends, by its bytes.
            self._head_raw += len(data)
            if self._head_raw > self._rail.head_bytes:
                self.refuse("HEADERS_TOO_LARGE")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_raw = self._head_parsed = self._head_fields = 0
        self._host = None
        if self._deadline == _NEVER:  # the next request of a pipeline, in bytes that came with the one before
            self._deadline = time.monotonic() + self._rail.head_seconds

    def on_url(self, url: bytes) -> None:
        """A part of the request target.

        Raises:
            Refused: It is too long.
        """
        super().on_url(url)
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field is complete.

        Raises:
            Refused: There are too many of them, or two hosts.
        """
        self._head_fields += 1
        if self._head_fields > self._rail.head_fields:
            raise Refused("HEADERS_TOO_LARGE")
        self._grow(len(name) + len(value) + 4)
        super().on_header(name, value)
        if self.headers[-1][0] == b"host":
            if self._host is not None:
                raise Refused("MALFORMED_REQUEST")
            self._host = value

    def on_headers_complete(self) -> None:
        """The head is complete.

        Raises:
            Refused: The host is missing, malformed, not ours, or another one than the target's; or a length is given
                in a way that proxies of HTTP/1.0 do not understand.
        """
        self._check_host()
        if self.parser.get_http_version() == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            raise Refused("MALFORMED_REQUEST")
        self._in_head = False
        self._in_body = True
        self._deadline = time.monotonic() + self._rail.body_seconds
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is complete: from here on it is our turn."""
        self._in_body = False
        self._deadline = _NEVER
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Answer from memory what can be; else wake the application, as uvicorn does.

        What is queued behind another request, and whoever reads too slowly, goes the application's way, which waits.
        """
        wire = self._wire
        response = None
        if cycle.keep_alive and not self.pipeline and wire and wire.get_write_buffer_size() < _UNREAD_BYTES:
            response = self._rail.short_way(cycle.scope, self.server_state.default_headers)  # type: ignore[arg-type]  # a typed dict
        if response is None:
            super()._start_asgi_task(cycle, app)
            return
        cycle.response_started = cycle.response_complete = True
        self._answers.write_whole(response)
        self.on_response_complete()

    def enforce(self, now: float) -> None:
        """Close the connection if a deadline has passed."""
        wire = self._wire
        if wire is None:
            return
        if now >= self._deadline:
            if self._is_deaf:
                wire.abort()  # it was told, and has had its time to listen
            else:
                self.refuse("REQUEST_TIMEOUT")
            return
        unsent = wire.get_write_buffer_size()
        if unsent == 0 or self._unsent == 0 or unsent < self._unsent:
            self._unsent_since = now
        elif now - self._unsent_since > self._rail.write_seconds:
            log.info("guard.reader_stalled", unsent=unsent)
            self._is_deaf = True
            wire.abort()
        self._unsent = unsent

    def refuse(self, code: str) -> None:
        """Answer with a problem and close; what is being answered already is answered to its end first."""
        self._is_deaf = True
        log.info("guard.refused", code=code, phase="body" if self._in_body else "head")
        cycle = self.cycle
        if self._in_body and (cycle.response_started or self.pipeline):
            self.close()
        elif not self._in_body and self._is_answering:
            self._deadline = _NEVER
            cycle.keep_alive = False  # the newest: those before it are answered in their order
        else:
            self.transport.write(self._rail.refusal(code))
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
            self.close()

    def close(self) -> None:
        """Close the connection; while the client may still be sending, first our direction only.

        Closing a socket with unread bytes resets the connection, and the client may lose the answer that it was sent.
        """
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        self._answers.cut()
        if not (self._in_head or self._in_body) or not wire.can_write_eof():
            wire.close()
            return
        self._in_head = self._in_body = False
        self._is_deaf = True
        self._deadline = time.monotonic() + _LINGER_SECONDS
        wire.write_eof()
        self.flow.resume_reading()

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _grow(self, size: int) -> None:
        self._head_parsed += size
        if self._head_parsed > self._rail.head_bytes:
            raise Refused("HEADERS_TOO_LARGE")

    def _check_host(self) -> None:
        host = self._host
        if host is None:
            if self.parser.get_http_version() == "1.0":
                return
            raise Refused("MALFORMED_REQUEST")
        if not self._rail.hosts.is_good(host):
            raise Refused("MALFORMED_REQUEST")
        if not self.url.startswith(b"/"):
            target = httptools.parse_url(self.url)
            authority = target.host or b""
            if target.port:
                authority += b":%d" % target.port
            if target.schema not in (b"http", b"https") or authority.lower() != host.lower():
                raise Refused("MALFORMED_REQUEST")
