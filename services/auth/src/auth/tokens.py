"""Tokens: signed access tokens of minutes, and opaque ones that are stored hashed."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

import jwt

from auth.keys import KeyRing

ISSUER = "plaza"
AUDIENCE = "plaza"
ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, not a secret

REFRESH_PREFIX = "rt_"
VERIFY_EMAIL_PREFIX = "ev_"
RESET_PASSWORD_PREFIX = "pr_"  # noqa: S105 - as above


class Subject(NamedTuple):
    """Whom an access token speaks for."""

    user_id: int
    username: str
    role: str
    token_version: int
    session_id: str


class AccessTokens:
    """Issues access tokens.

    Args:
        keys: Where the signing key comes from; it may change at any time.
        ttl: Life of a token.
    """

    def __init__(self, keys: KeyRing, ttl: timedelta) -> None:
        self._keys = keys
        self._ttl_seconds = int(ttl.total_seconds())

    @property
    def ttl_seconds(self) -> int:
        """Life of a token in whole seconds."""
        return self._ttl_seconds

    def issue(self, subject: Subject, now: datetime) -> str:
        """Return a signed JWT for `subject`.

        `user_id`, `username` and `exp` are part of the legacy contract (2.6): old clients decode them.
        """
        issued = int(now.timestamp())
        key = self._keys.active
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(subject.user_id),
            "user_id": subject.user_id,
            "username": subject.username,
            "roles": [subject.role],
            "sid": subject.session_id,
            "ver": subject.token_version,
            "iat": issued,
            "exp": issued + self._ttl_seconds,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": key.kid})


def new_opaque_token(prefix: str) -> str:
    """Return `prefix` and 43 base64url characters that carry 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of an opaque token. With 256 random bits inside, a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).digest()
