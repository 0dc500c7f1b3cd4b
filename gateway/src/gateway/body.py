"""The one JSON decoder for what clients send.

UTF-8 only, whatever the `Content-Type`; one object, nested at most 32 deep; finite numbers of at most 100 digits; no
member twice. Everything else is the problem INVALID_JSON, never an exception further in.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from starlette.types import Receive

from gateway.problems import Problem

JsonObject = dict[str, Any]

DEPTH_LIMIT = 32
DIGITS_LIMIT = 100


class ClientGone(Exception):
    """The client closed the connection before the request was complete."""


class _Refused(ValueError):
    """JSON by the grammar, but not one we take."""


async def read_body(receive: Receive, *, declared: bytes | None, limit: int) -> bytes:
    """Return the request's body.

    Args:
        receive: The ASGI callable.
        declared: The value of `Content-Length`, if there is one: a body known to be too large is not read at all.
        limit: Most bytes.

    Raises:
        Problem: PAYLOAD_TOO_LARGE, with `Connection: close`, because the rest stays unread.
        ClientGone: The connection closed.
    """
    if declared is not None and (len(declared) > 19 or int(declared) > limit):
        refuse_size()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            refuse_size()
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def refuse_size() -> NoReturn:
    """Refuse a body for its size.

    Raises:
        Problem: PAYLOAD_TOO_LARGE, always.
    """
    raise Problem("PAYLOAD_TOO_LARGE", headers=[(b"connection", b"close")])


def parse_object(body: bytes) -> JsonObject:
    """Return the JSON object that `body` holds.

    Raises:
        Problem: INVALID_JSON.
    """
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Problem("INVALID_JSON") from None
    if not isinstance(value, dict):
        raise Problem("INVALID_JSON")
    # Each level costs an opening bracket, so few brackets (in texts too) need no closer look.
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT and _is_too_deep(value):
        raise Problem("INVALID_JSON")
    return value


def _is_too_deep(value: JsonObject) -> bool:
    level: list[JsonObject | list[Any]] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _unique(pairs: Iterable[tuple[str, Any]]) -> JsonObject:
    members = list(pairs)
    value = dict(members)
    if len(value) != len(members):
        raise _Refused("a member twice")
    return value


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_LIMIT:
        raise _Refused("too many digits")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if len(text) > DIGITS_LIMIT or not math.isfinite(value):
        raise _Refused("no usable number")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(name)


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
