"""Who the caller is: access tokens, verified once and remembered, checked for revocation each time.

Verifying a signature costs about 120 microseconds, so verified tokens are kept under their SHA-256 until they expire.
Whether a token was revoked is looked up on every request, in memory.
"""

import hashlib
import re
import time
from collections import OrderedDict
from typing import Any, NamedTuple, TypeGuard

import jwt

from gateway.jwks import KeySet
from gateway.problems import Problem
from gateway.revocations import Revocations

ISSUER = "plaza"
AUDIENCE = "plaza"
ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105  the media type of RFC 9068
LEEWAY_SECONDS = 10
"""How far the issuer's clock may be ahead of ours; a token's end is taken strictly."""
LONGEST_TOKEN = 8 * 1024
REMEMBERED_TOKENS = 20_000
_REQUIRED = ["exp", "iat", "sub", "aud", "iss", "jti"]
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class Identity(NamedTuple):
    """What a verified token says.

    Attributes:
        user_id: Of the user.
        username: In the spelling of registration.
        roles: The user's.
        session_id: Of the sign-in.
        token_version: Of the user's tokens.
        expires: UNIX seconds.
        user_hash: Stands for the user in logs.
    """

    user_id: int
    username: str
    roles: frozenset[str]
    session_id: str
    token_version: int
    expires: float
    user_hash: str


class TokenInvalid(Exception):
    """The token proves nothing."""


class Identities:
    """Verifies access tokens.

    Args:
        keys: The auth service's.
        revocations: What is refused although it has not expired.
    """

    def __init__(self, keys: KeySet, revocations: Revocations) -> None:
        self._keys = keys
        self._revocations = revocations
        self._known: OrderedDict[bytes, Identity] = OrderedDict()
        keys.on_change(self._known.clear)

    @property
    def is_ready(self) -> bool:
        """Tokens can be judged."""
        return self._keys.is_loaded and self._revocations.is_loaded

    def remembered(self, token: str) -> Identity | None:
        """Return the identity in a token that was verified before and is still good, without waiting."""
        digest = _digest(token)
        identity = self._known.get(digest)
        if identity is None:
            return None
        if identity.expires <= time.time() or self._revocations.is_revoked(identity):
            del self._known[digest]
            return None
        return identity

    async def identify(self, token: str) -> Identity:
        """Return the identity in a token.

        Raises:
            Problem: TOKEN_INVALID; UNAVAILABLE while no keys or revocations have been loaded yet.
        """
        identity = self.remembered(token)
        if identity is not None:
            return identity
        if not self.is_ready:
            raise Problem("UNAVAILABLE")
        try:
            identity = await self._verify(token)
        except (TokenInvalid, jwt.InvalidTokenError):
            raise Problem("TOKEN_INVALID") from None
        if identity.expires <= time.time() or self._revocations.is_revoked(identity):
            raise Problem("TOKEN_INVALID")
        self._known[_digest(token)] = identity
        if len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return identity

    async def _verify(self, token: str) -> Identity:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or header.get("typ") != TOKEN_TYPE:
            raise TokenInvalid
        if not isinstance(kid, str) or not _KID.fullmatch(kid):
            raise TokenInvalid
        key = await self._keys.find(kid)
        if key is None:
            raise TokenInvalid
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED, "strict_aud": True},
        )
        return _identity(claims)


def _identity(claims: dict[str, Any]) -> Identity:
    """Return what the claims say, each of its own type; a signature does not make them so."""
    user_id, subject, roles = claims.get("user_id"), claims["sub"], claims.get("roles")
    if not isinstance(subject, str) or not _USER_ID.fullmatch(subject) or user_id != int(subject):
        raise TokenInvalid
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenInvalid
    username, session, version, expires = (claims.get(name) for name in ("username", "sid", "ver", "exp"))
    if not isinstance(username, str) or not isinstance(session, str) or not session:
        raise TokenInvalid
    if not _is_integer(user_id) or not _is_integer(version) or not _is_integer(expires):
        raise TokenInvalid
    digest = hashlib.sha256(b"plaza-user:" + subject.encode()).hexdigest()[:12]
    return Identity(user_id, username, frozenset(roles), session, version, float(expires), digest)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
