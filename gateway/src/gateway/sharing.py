"""Where shared answers are looked up and made: in the pipeline, and on a short way in front of it.

The short way is for what a public page is asked most: a GET by nobody in particular whose answer is here. It needs no
task and no application, and does what those would: rate limit, request id, log, metrics, conditional answers.
"""

import time
from collections.abc import Hashable, Iterable, Mapping

import msgspec
from starlette.types import Scope

from gateway.accesslog import AccessLog
from gateway.addresses import subscriber
from gateway.cache import Cache, SharedAnswer
from gateway.call import TRANSPORT, Call, as_answer, fixed_headers, request_id_of, scheme_of
from gateway.conditional import is_not_modified, unmodified_headers
from gateway.identity import Identity
from gateway.problems import Header
from gateway.routing import Rate, Route
from gateway.runtime import Runtime

_RANKS = {"user": 1, "moderator": 2, "admin": 3}
# With one of these the answer depends on more than the address, or there is more to read: the whole way knows how.
_NOT_SHORT = frozenset(
    {b"authorization", b"cookie", b"origin", b"content-length", b"transfer-encoding", b"expect", b"upgrade"}
)
_OK = b"HTTP/1.1 200 OK\r\n"
_NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n"

_encode = msgspec.json.Encoder().encode
_JSON: Header = (b"content-type", b"application/json")


def tags_of(templates: tuple[str, ...], params: Mapping[str, str]) -> tuple[str, ...]:
    """Return tags with the path's parameters filled in; leading zeros of an id do not count."""
    values = {name: value.lstrip("0") for name, value in params.items()}
    return tuple(template.format_map(values) if "{" in template else template for template in templates)


def is_shared(route: Route, identity: Identity | None) -> bool:
    """Return whether the answer to this caller may be somebody else's too."""
    shared = route.operation.shared
    return shared is not None and (identity is None or shared.by_rank)


async def shared_answer(cache: Cache, call: Call, route: Route) -> SharedAnswer:
    """Return the answer that the caller shares with others, from the cache or from the route's handler.

    Raises:
        Exception: Whatever the handler raises.
    """
    shared = route.operation.shared
    assert shared is not None  # noqa: S101  the pipeline asks only then

    async def make() -> SharedAnswer:
        answer = as_answer(await route.handler(call))
        if call.has_spoken:
            raise RuntimeError(f"{route.path} shares an answer in the language of one client")
        body = answer.body if isinstance(answer.body, bytes) else _encode(answer.body)
        headers = answer.headers if isinstance(answer.body, bytes) else (_JSON, *answer.headers)
        fixed = tuple(fixed_headers(headers))
        head = _on_wire((*fixed, (b"content-length", str(len(body)).encode())))
        return SharedAnswer(body, fixed, route.path, head, _on_wire(unmodified_headers(fixed)))

    return await cache.fetch(_key(call.scope, _rank(call.identity)), tags_of(shared.tags, call.params), make)


class ShortWay:
    """Answers from the cache, in front of everything else; the guard asks it before it wakes the application.

    Args:
        runtime: The shared parts.
        log: Where requests are recorded.
    """

    def __init__(self, runtime: Runtime, log: AccessLog) -> None:
        self._runtime = runtime
        self._log = log

    def response(self, scope: Scope, default_headers: Iterable[Header]) -> bytes | None:
        """Return the whole response to a request that can go the short way, as it stands on the wire.

        Args:
            scope: The request; its head is complete, and it has no body.
            default_headers: The server's own.
        """
        started = time.perf_counter()
        found = self._find(scope)
        if found is None:
            return None
        answer, headers = found
        request_id = request_id_of(headers)
        parts = [_OK, answer.head, b"x-request-id: ", request_id.encode()]
        body, status = answer.body, 200
        if is_not_modified(headers, answer.headers):
            parts[:2] = _NOT_MODIFIED, answer.unmodified_head
            body, status = b"", 304
        parts.append(b"\r\n")
        parts.extend(b"%s: %s\r\n" % header for header in default_headers)
        if scheme_of(scope, headers, self._runtime.addresses) == "https":
            parts.append(b"%s: %s\r\n" % TRANSPORT)
        parts += b"\r\n", body
        self._log.write(started, "GET", answer.template, status=status, fields={"request_id": request_id})
        return b"".join(parts)

    def _find(self, scope: Scope) -> tuple[SharedAnswer, Mapping[bytes, bytes]] | None:
        """Return the answer to a request that can go the short way, and the request's headers."""
        runtime = self._runtime
        if scope["method"] != "GET" or runtime.telemetry.is_on or runtime.state.is_draining:
            return None
        answer = runtime.cache.find(_key(scope, 0))
        if answer is None:
            return None
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if not _NOT_SHORT.isdisjoint(headers):
            return None
        client = scope["client"]
        address = runtime.addresses.client(client[0] if client else "", scope["headers"])
        if not runtime.limiter.admit_now(Rate.READ, subscriber(address)):
            return None
        return answer, headers


def _on_wire(headers: Iterable[Header]) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)


def _rank(identity: Identity | None) -> int:
    if identity is None:
        return 0
    return max((_RANKS.get(role, 1) for role in identity.roles), default=1)


def _key(scope: Scope, rank: int) -> Hashable:
    return scope["path"], scope["query_string"], rank
