"""What every request passes before its handler, in the contract's order (2.3).

Path, preflight, token, method, load, rate, size, JSON; then the handler, and with it the service. FastAPI's dependency
machinery would cost a request more than all of this together, so the gateway's routes do without it.
"""

import random

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.addresses import subscriber
from gateway.body import parse_object, read_body
from gateway.call import Call, as_answer, caller_of
from gateway.cookies import cookie_token
from gateway.identity import Identity
from gateway.metrics import SHED
from gateway.problems import Problem
from gateway.routing import Access, Path, Route
from gateway.runtime import Runtime
from gateway.sharing import is_shared, shared_answer, tags_of
from plaza_kit.errors import Violation

CALL = "plaza.call"
"""The scope's key of the `Call`."""

_IDEMPOTENCY_KEY_LIMIT = 255
_LONGEST_RETRY_SECONDS = 3.0


class RouteTable(BaseRoute):
    """All of the gateway's own routes, as one route of the application.

    Args:
        runtime: The shared parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take every HTTP request: what is not in the table does not exist."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            Problem: Any answer other than success.
            RemoteError: A service's.
        """
        call: Call = scope[CALL]
        path, call.params = self._runtime.paths.find(scope["path"])
        if path is None:
            raise Problem("ROUTE_NOT_FOUND")
        call.path = path
        method: str = scope["method"]
        if method == "OPTIONS":
            await self._answer_options(call, path)
            return
        call.route = path.routes.get(method)
        if call.route is not None and call.route.access is Access.PROBE:
            await self._answer(call, call.route)
            return
        if self._runtime.state.in_flight > self._runtime.settings.max_in_flight:
            SHED.labels("in_flight").inc()
            raise Problem("UNAVAILABLE", retry_after=random.uniform(1, _LONGEST_RETRY_SECONDS))  # noqa: S311  spreads the retries
        await self._authenticate(call, path)
        route = call.route
        if route is None:
            metadata = {"methods": path.methods, "allowed": path.methods.replace("或", ", ")}
            raise Problem("METHOD_NOT_ALLOWED", metadata=metadata, headers=[(b"allow", path.allow)])
        if self._runtime.telemetry.is_on:
            await self._serve_traced(call, route)
        else:
            await self._serve(call, route)

    async def _serve_traced(self, call: Call, route: Route) -> None:
        name = f"{route.method} {route.path}"
        attributes = {"http__request__method": route.method, "http__route": route.path}
        with self._runtime.telemetry.span(name, kind="server", **attributes) as span:
            call.traceparent = span.traceparent
            await self._serve(call, route)

    async def _serve(self, call: Call, route: Route) -> None:
        identity = call.identity
        subject = identity.user_hash if identity is not None else subscriber(call.address)
        if not self._runtime.limiter.admit_now(route.rate, subject):
            await self._runtime.limiter.admit(route.rate, subject)
        if route.body is not None:
            await self._read(call, route.body.is_optional)
        call.caller = caller_of(call, identity, _idempotency_key(call) if route.is_write else "")
        await self._answer(call, route)

    async def _answer(self, call: Call, route: Route) -> None:
        call.begin(route)
        if is_shared(route, call.identity):
            answer = await shared_answer(self._runtime.cache, call, route)
            await call.answer(200, answer.body, answer.headers)
            return
        result = as_answer(await route.handler(call))
        if route.operation.changes:
            self._runtime.cache.invalidate(tags_of(route.operation.changes, call.params))
        await call.answer(result.status or route.operation.status, result.body, result.headers)

    async def _answer_options(self, call: Call, path: Path) -> None:
        headers = [(b"allow", path.allow)]
        origin = call.headers.get(b"origin")
        if origin is not None and b"access-control-request-method" in call.headers:
            headers.extend(self._runtime.cors.preflight(origin))
        await call.respond(204, headers, b"")

    async def _authenticate(self, call: Call, path: Path) -> None:
        """Set the call's identity; where no operation is for everybody, refuse without one.

        Raises:
            Problem: TOKEN_MISSING, TOKEN_INVALID.
        """
        is_needed = call.route.access is Access.USER if call.route is not None else path.is_protected
        token = self._token(call)
        if not token:
            if is_needed:
                raise Problem("TOKEN_MISSING")
            return
        identities = self._runtime.identities
        identity: Identity | None = identities.remembered(token)
        if identity is None:
            try:
                identity = await identities.identify(token)
            except Problem:
                if is_needed:
                    raise
        call.identity = identity

    def _token(self, call: Call) -> str:
        authorization = call.headers.get(b"authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(b" ")
            # Whatever is sent here wins over the cookie, also when it is no good.
            return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""
        if b"cookie" in call.headers:
            return cookie_token(call.headers, call.scheme, self._runtime.cors)
        return ""

    async def _read(self, call: Call, is_optional: bool) -> None:
        headers = call.headers
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Problem("CONTENT_ENCODING_UNSUPPORTED", headers=[(b"accept-encoding", b"identity")])
        limit = self._runtime.settings.body_limit_bytes
        body = await read_body(call.receive, declared=headers.get(b"content-length"), limit=limit)
        if body or not is_optional:
            call.body = parse_object(body)


def _idempotency_key(call: Call) -> str:
    """Return the client's key for this write, or an empty text.

    Raises:
        Problem: INVALID_REQUEST: not 1 to 255 visible ASCII characters.
    """
    key = call.headers.get(b"idempotency-key")
    if key is None:
        return ""
    if not 1 <= len(key) <= _IDEMPOTENCY_KEY_LIMIT:
        raise Problem("INVALID_REQUEST", violations=[Violation("Idempotency-Key", "TOO_LONG" if key else "BLANK", 255)])
    if not all(0x21 <= byte <= 0x7E for byte in key):
        raise Problem("INVALID_REQUEST", violations=[Violation("Idempotency-Key", "BAD_FORMAT")])
    return key.decode("ascii")
