"""The session cookie of browsers (decision D12): the access token, for pages of this origin and allow-listed ones."""

from collections.abc import Mapping

from gateway.cors import Cors
from gateway.problems import Header

NAME = "plaza_session"
_MARK = NAME.encode() + b"="
_LOOPBACK = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})

HeaderMap = Mapping[bytes, bytes]


def session_cookie(token: str, max_age_seconds: int, host: bytes) -> Header:
    """Return the header that hands the cookie to a browser; an empty token takes it away.

    Args:
        token: The access token.
        max_age_seconds: Its remaining life; 0 takes the cookie away.
        host: The request's `Host`: on loopback browsers have no TLS, so there `Secure` is left out.
    """
    value = f"{NAME}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax"
    if host.rpartition(b":")[0].lower() not in _LOOPBACK and host.lower() not in _LOOPBACK:
        value += "; Secure"
    return (b"set-cookie", value.encode())


def cookie_token(headers: HeaderMap, scheme: str, cors: Cors) -> str:
    """Return the token in the cookie, or an empty text where there is none or where it must not count.

    It counts only for a request that a page of this origin, or of an allow-listed one, has made.

    Args:
        headers: The request's.
        scheme: `http` or `https`, as the client sees it.
        cors: The allow-list.
    """
    cookies = headers.get(b"cookie", b"")
    if _MARK not in cookies or not _is_own(headers, scheme, cors):
        return ""
    for pair in cookies.split(b";"):
        stripped = pair.strip()
        if stripped.startswith(_MARK):
            return stripped[len(_MARK) :].decode("latin-1")
    return ""


def _is_own(headers: HeaderMap, scheme: str, cors: Cors) -> bool:
    if headers.get(b"sec-fetch-site") == b"same-origin":
        return True
    origin = headers.get(b"origin", b"")
    if not origin:
        return False
    return cors.is_named(origin) or origin == scheme.encode() + b"://" + headers.get(b"host", b"").lower()
