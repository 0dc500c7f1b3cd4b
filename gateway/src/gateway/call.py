"""One request on its way through the gateway, and what comes of it."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.addresses import Addresses
from gateway.body import JsonObject
from gateway.conditional import is_not_modified, unmodified_headers
from gateway.identity import Identity
from gateway.language import Language, negotiate
from gateway.problems import Header, Occasion
from gateway.routing import Path, Route
from gateway.rpcs import Rpc, Services
from gateway.runtime import Runtime
from plaza_kit.caller import Caller
from plaza_kit.errors import DeadlineExceeded, RemoteError
from plaza_kit.ids import uuid7_hex

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{8,64}")
_CHINESE_PREFIXES = ("/users", "/posts", "/webrtc")
"""Where clients of the legacy forum live: errors for unknown paths there are in its language."""

# What every answer carries. The documentation page replaces the policy, cacheable answers the cache control.
_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE: Header = (b"cache-control", b"no-store")
_COMMON: tuple[Header, ...] = ((b"vary", b"Accept-Language, Origin"), (b"x-content-type-options", b"nosniff"))
TRANSPORT: Header = (b"strict-transport-security", b"max-age=31536000")
_CLOSE: Header = (b"connection", b"close")
_JSON: Header = (b"content-type", b"application/json")

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """An answer that is more than a status and an object.

    Attributes:
        body: An object to encode, or finished bytes.
        status: None takes the route's.
        headers: Further ones; they win over those that every answer has.
    """

    body: "msgspec.Struct | bytes | None"
    headers: Sequence[Header] = ()
    status: int | None = None


class Call:
    """A request.

    Attributes:
        headers: By lower-case name; of a repeated header the last one.
        request_id: Correlation id.
        address: The client's.
        path: The entry in the table of paths; None while unknown.
        route: The operation; None while unknown.
        params: The values in the path.
        body: The parsed body; empty for routes that read none.
        caller: On whose behalf services are called.
        status: Of the answer, once it has begun; 0 before.
    """

    __slots__ = (
        "_deadline",
        "_language",
        "_query",
        "_speaks",
        "address",
        "body",
        "caller",
        "headers",
        "identity",
        "params",
        "path",
        "receive",
        "request_id",
        "route",
        "runtime",
        "scope",
        "send",
        "started",
        "status",
        "traceparent",
    )

    def __init__(self, scope: Scope, runtime: Runtime, *, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.runtime = runtime
        self.started = time.perf_counter()
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.request_id = request_id_of(self.headers)
        self.address = runtime.addresses.client(self.peer, scope["headers"])
        self.path: Path | None = None
        self.route: Route | None = None
        self.params: Mapping[str, str] = {}
        self.body: JsonObject = {}
        self.identity: Identity | None = None
        self.caller = _NOBODY
        self.traceparent = ""
        self.status = 0
        self._deadline = 0.0
        self._language: Language | None = None
        self._query: Mapping[str, str] | None = None
        self._speaks = False

    @property
    def peer(self) -> str:
        """The address at the other end of the connection: the client's, or a proxy's."""
        client = self.scope["client"]
        return client[0] if client else ""

    @property
    def services(self) -> Services:
        """The services behind the gateway."""
        return self.runtime.services

    @property
    def template(self) -> str:
        """The route as metrics and logs show it."""
        return self.path.template if self.path else "unknown"

    @property
    def instance(self) -> str:
        """The path as received, without the query."""
        raw: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        return raw.decode("latin-1")

    @property
    def scheme(self) -> str:
        """`http` or `https`, as the client sees it."""
        return scheme_of(self.scope, self.headers, self.runtime.addresses)

    @property
    def language(self) -> Language:
        """The language of texts in the answer, which then also says so in `Content-Language`."""
        self._speaks = True
        if self._language is None:
            wanted = self.headers.get(b"accept-language", b"").decode("latin-1")
            self._language = negotiate(wanted, self._default_language())
        return self._language

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of a repeated one the last."""
        if self._query is None:
            self._query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return self._query

    @property
    def has_spoken(self) -> bool:
        """The answer holds text in the client's language."""
        return self._speaks

    def text(self, message: str) -> str:
        """Return the text of a success in the client's language."""
        return self.runtime.catalogue.messages[message][self.language]

    def occasion(self) -> Occasion:
        """Return what a problem document says about this request."""
        template = self.path.template if self.path else self.scope["path"]
        return Occasion(self.language, f"{self.scope['method']} {template}", self.instance, self.request_id)

    def begin(self, route: Route) -> None:
        """Start the route's budget of time."""
        self._deadline = time.perf_counter() + route.budget

    async def ask(self, rpc: Rpc[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """Call a service on behalf of the caller, within what is left of the route's time.

        Raises:
            RemoteError: See `plaza_kit.grpc_client.Client.call`.
        """
        left = self._deadline - time.perf_counter()
        if left <= 0:
            raise RemoteError(DeadlineExceeded.status, DeadlineExceeded.reason)
        return await rpc.call(request, caller=self.caller, timeout=left)

    async def respond(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Send the whole answer."""
        self.status = status
        await self.send({"type": "http.response.start", "status": status, "headers": self._complete(headers, body)})
        await self.send({"type": "http.response.body", "body": body})

    async def answer(self, status: int, body: "msgspec.Struct | bytes | None", headers: Sequence[Header] = ()) -> None:
        """Send an object as JSON, or finished bytes with the headers that belong to them.

        A client that has the answer already, as its conditions say, gets only that (304).
        """
        if body is None:
            body = b""
        elif not isinstance(body, bytes):
            headers = (_JSON, *headers)
            body = _encode(body)
        if status == 200 and self._is_conditional and is_not_modified(self.headers, headers):
            status, headers, body = 304, unmodified_headers(headers), b""
        await self.respond(status, headers, body)

    @property
    def _is_conditional(self) -> bool:
        headers = self.headers
        is_asked = b"if-none-match" in headers or b"if-modified-since" in headers
        return is_asked and self.scope["method"] in ("GET", "HEAD")

    def _complete(self, headers: Sequence[Header], body: bytes) -> list[Header]:
        complete = fixed_headers(headers)
        complete.append((b"x-request-id", self.request_id.encode()))
        names = {name for name, _ in headers}
        if self.status not in (204, 304):
            complete.append((b"content-length", str(len(body)).encode()))
        if self._speaks and b"content-language" not in names:
            complete.append((b"content-language", self.language.encode()))
        origin = self.headers.get(b"origin")
        if origin is not None:
            complete.extend(self.runtime.cors.simple(origin))
        if self.scheme == "https":
            complete.append(TRANSPORT)
        if self.runtime.state.is_draining and b"connection" not in names:
            complete.append(_CLOSE)
        return complete

    def _default_language(self) -> Language:
        if self.path is not None:
            return self.path.language
        return "zh" if self.scope["path"].startswith(_CHINESE_PREFIXES) else "en"


def as_answer(result: "msgspec.Struct | Answer | None") -> Answer:
    """Return what a handler returned as an answer."""
    return result if isinstance(result, Answer) else Answer(result)


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the correlation id that the client sends, or a new one if it sends none that is fit."""
    given = headers.get(b"x-request-id")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else uuid7_hex()


def scheme_of(scope: Scope, headers: Mapping[bytes, bytes], addresses: Addresses) -> str:
    """Return `http` or `https`: the connection's, or what a proxy that we trust says of its own."""
    forwarded = headers.get(b"x-forwarded-proto")
    if forwarded is not None and scope["client"] and addresses.is_trusted(scope["client"][0]):
        return "https" if forwarded.strip().lower() == b"https" else "http"
    scheme: str = scope["scheme"]
    return scheme


def fixed_headers(headers: Sequence[Header]) -> list[Header]:
    """Return an answer's own headers, and of those that every answer has the ones that do not depend on the request."""
    names = {name for name, _ in headers}
    complete = list(headers)
    complete.extend(header for header in _COMMON if header[0] not in names)
    if b"cache-control" not in names:
        complete.append(_NO_STORE)
    if b"content-security-policy" not in names:
        complete.append(_POLICY)
    return complete


def caller_of(call: Call, identity: Identity | None, idempotency_key: str) -> Caller:
    """Return on whose behalf services are called."""
    agent = call.headers.get(b"user-agent", b"")[:200].decode("latin-1")
    if identity is None:
        return Caller(
            request_id=call.request_id,
            idempotency_key=idempotency_key,
            address=call.address,
            user_agent=agent,
            traceparent=call.traceparent,
        )
    return Caller(
        user_id=identity.user_id,
        username=identity.username,
        roles=identity.roles,
        session_id=identity.session_id,
        token_version=identity.token_version,
        request_id=call.request_id,
        idempotency_key=idempotency_key,
        address=call.address,
        user_agent=agent,
        traceparent=call.traceparent,
    )


_NOBODY = Caller()
