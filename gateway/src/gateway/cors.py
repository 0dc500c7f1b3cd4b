"""Cross-origin requests: which pages of other sites may call, and the preflight that asks."""

from collections.abc import Sequence

from gateway.problems import Header

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = (
    b"Authorization, Content-Type, Accept, Accept-Language, Idempotency-Key, If-Match, If-None-Match, "
    b"If-Modified-Since, X-Request-Id, X-Requested-With"
)
EXPOSED = b"X-Request-Id, Retry-After, Content-Language, ETag, Last-Modified"
MAX_AGE = b"600"


class Cors:
    """The list of origins.

    Args:
        origins: Each as browsers write it (`https://example.com`), or `*`. Credentials are allowed for origins that
            are named, never by `*`.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._named = frozenset(origin.encode() for origin in origins if origin != "*")
        self._is_open = "*" in origins

    def is_named(self, origin: bytes) -> bool:
        """Return whether the origin is allow-listed by its name."""
        return origin in self._named

    def simple(self, origin: bytes) -> Sequence[Header]:
        """Return the headers of an answer to a page of `origin`; none if it may not read it."""
        if origin in self._named:
            return (
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED),
            )
        if self._is_open:
            return ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED))
        return ()

    def preflight(self, origin: bytes) -> Sequence[Header]:
        """Return the further headers of the answer to a preflight from `origin`."""
        if origin not in self._named and not self._is_open:
            return ()
        return (
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", MAX_AGE),
        )
