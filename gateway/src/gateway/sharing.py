"""Where shared answers are looked up and made: in the pipeline, and on a short way in front of it.

The short way is for what a public page is asked most: a GET by nobody in particular whose answer is here. It costs a
third of the whole way, and does what that would: limits, request id, log, metrics, conditional answers.
"""

from collections.abc import Hashable, Mapping

import msgspec
from starlette.types import Scope, Send

from gateway.addresses import subscriber
from gateway.cache import Cache, SharedAnswer
from gateway.call import TRANSPORT, Call, as_answer, fixed_headers, request_id_of, scheme_of
from gateway.conditional import is_not_modified, unmodified_headers
from gateway.identity import Identity
from gateway.problems import Header
from gateway.routing import Rate, Route
from gateway.runtime import Runtime

_RANKS = {"user": 1, "moderator": 2, "admin": 3}
# With one of these the answer depends on more than the address: the whole way knows how.
_NOT_SHORT = (b"authorization", b"cookie", b"origin")

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
        return SharedAnswer(body, tuple(fixed_headers(headers)), route.path)

    return await cache.fetch(_key(call.scope, _rank(call.identity)), tags_of(shared.tags, call.params), make)


class ShortWay:
    """Answers from the cache, in front of everything else."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def find(self, scope: Scope) -> tuple[SharedAnswer, Mapping[bytes, bytes]] | None:
        """Return the answer to a request that can go the short way, and the request's headers."""
        runtime = self._runtime
        if scope["method"] != "GET" or runtime.telemetry.is_on or runtime.state.is_draining:
            return None
        answer = runtime.cache.find(_key(scope, 0))
        if answer is None:
            return None
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if any(name in headers for name in _NOT_SHORT):
            return None
        client = scope["client"]
        address = runtime.addresses.client(client[0] if client else "", scope["headers"])
        if not runtime.limiter.admit_now(Rate.READ, subscriber(address)):
            return None
        return answer, headers

    async def send(
        self, answer: SharedAnswer, scope: Scope, headers: Mapping[bytes, bytes], send: Send
    ) -> tuple[int, str]:
        """Send the answer, or that the client has it; return the status and the request's id."""
        request_id = request_id_of(headers)
        complete = [*answer.headers, (b"x-request-id", request_id.encode())]
        status, body = 200, answer.body
        if is_not_modified(headers, answer.headers):
            status, body = 304, b""
            complete = unmodified_headers(complete)
        else:
            complete.append((b"content-length", str(len(body)).encode()))
        if scheme_of(scope, headers, self._runtime.addresses) == "https":
            complete.append(TRANSPORT)
        await send({"type": "http.response.start", "status": status, "headers": complete})
        await send({"type": "http.response.body", "body": body})
        return status, request_id


def _rank(identity: Identity | None) -> int:
    if identity is None:
        return 0
    return max((_RANKS.get(role, 1) for role in identity.roles), default=1)


def _key(scope: Scope, rank: int) -> Hashable:
    return scope["path"], scope["query_string"], rank
