"""Who calls, proven from one process to the next.

The caller's identity travels as a JWT (EdDSA, 60 s) that names one audience, so that a token seen by one service is
worth nothing to another. Signing costs about 40 microseconds and verifying about 120, so both ends keep what they
have for as long as it holds: a minter hands out one token per caller and audience for half its life, a verifier
remembers the tokens it has checked. What differs from call to call (request id, idempotency key, client address) is
not identity and travels beside the token, packed in one binary header.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from plaza_kit.caller import Caller
from plaza_kit.errors import Unauthenticated

TOKEN_KEY = "plaza-identity"  # noqa: S105 - a name, not a secret
"""Metadata key of the token."""
CALL_KEY = "plaza-call-bin"
"""Metadata key of what belongs to one call only."""

_LIFETIME_SECONDS = 60
_CACHE_ENTRIES = 10_000
_ISSUER = re.compile(r"[a-z][a-z0-9-]{0,30}")


class IdentityInvalid(Unauthenticated):
    """The internal token is missing, broken, expired, or for somebody else."""

    reason = "INTERNAL_IDENTITY_INVALID"


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 private key in PEM form.

    Raises:
        ValueError: The file holds something else.
    """
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 private key")
    return key


def read_trusted_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Read the public keys of the processes that may call: `<issuer>.pem` each.

    Raises:
        ValueError: The folder is missing or empty, or a file holds something else.
    """
    keys: dict[str, Ed25519PublicKey] = {}
    for path in sorted(folder.glob("*.pem")):
        key = load_pem_public_key(path.read_bytes())
        if not isinstance(key, Ed25519PublicKey) or not _ISSUER.fullmatch(path.stem):
            raise ValueError(f"{path.name} is not an Ed25519 public key named after its issuer")
        keys[path.stem] = key
    if not keys:
        raise ValueError(f"no trusted keys in {folder}")
    return keys


class TokenMinter:
    """Vouches for callers in the name of one process."""

    def __init__(self, key: Ed25519PrivateKey, issuer: str) -> None:
        self._key = key
        self._issuer = issuer
        self._tokens: OrderedDict[tuple[object, ...], tuple[float, str]] = OrderedDict()

    def mint(self, audience: str, caller: Caller) -> str:
        """Return a token for `audience` that has at least half of its life left."""
        identity = (audience, caller.user_id, caller.session_id, caller.token_version, caller.username, caller.roles)
        now = time.time()
        kept = self._tokens.get(identity)
        if kept and kept[0] > now:
            return kept[1]
        token = jwt.encode(
            {
                "iss": self._issuer,
                "aud": audience,
                "sub": str(caller.user_id),
                "name": caller.username,
                "roles": sorted(caller.roles),
                "sid": caller.session_id,
                "ver": caller.token_version,
                "exp": int(now) + _LIFETIME_SECONDS,
            },
            self._key,
            algorithm="EdDSA",
        )
        self._tokens[identity] = (now + _LIFETIME_SECONDS / 2, token)
        self._tokens.move_to_end(identity)
        if len(self._tokens) > _CACHE_ENTRIES:
            self._tokens.popitem(last=False)
        return token


class TokenVerifier:
    """Checks tokens that are addressed to one process."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey], audience: str) -> None:
        self._keys = dict(keys)
        self._audience = audience
        self._checked: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    def verify(self, token: str) -> Caller:
        """Return the identity in a token; the fields of the single call are empty.

        Raises:
            IdentityInvalid: See the class.
        """
        now = time.time()
        kept = self._checked.get(token)
        if kept and kept[0] > now:
            return kept[1]
        claims = self._decode(token)
        caller = Caller(
            user_id=int(claims["sub"]),
            username=claims["name"],
            roles=frozenset(claims["roles"]),
            session_id=claims["sid"],
            token_version=claims["ver"],
            issuer=claims["iss"],
        )
        self._checked[token] = (float(claims["exp"]), caller)
        if len(self._checked) > _CACHE_ENTRIES:
            self._checked.popitem(last=False)
        return caller

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            key = self._keys.get(issuer) if isinstance(issuer, str) else None
            if key is None:
                raise IdentityInvalid(f"unknown issuer {issuer!r}")
            return jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=issuer,
                options={"require": ["iss", "aud", "sub", "exp", "name", "roles", "sid", "ver"], "strict_aud": True},
            )
        except jwt.InvalidTokenError as error:
            raise IdentityInvalid(str(error)) from None


def pack_call(caller: Caller) -> bytes:
    """Return what belongs to one call, for the metadata."""
    return orjson.dumps(caller[6:])


def unpack_call(identity: Caller, packed: bytes) -> Caller:
    """Return `identity` with what belongs to this call.

    Raises:
        IdentityInvalid: The bytes are not what `pack_call` makes.
    """
    try:
        request_id, idempotency_key, address, user_agent, traceparent = map(str, orjson.loads(packed))
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise IdentityInvalid("unreadable call header") from None
    return Caller(*identity[:6], request_id, idempotency_key, address, user_agent, traceparent)
