"""An issuer of access tokens, good ones and bad ones."""

import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from plaza.auth.v1.token_pb2 import Jwk


class Issuer:
    """Signs as the auth service would."""

    def __init__(self, kid: str = "k1") -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.generate()

    def jwk(self) -> Jwk:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Jwk(kid=self.kid, x=urlsafe_b64encode(raw).rstrip(b"=").decode())

    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, user_id: int = 1, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "plaza",
            "aud": "plaza",
            "sub": str(user_id),
            "user_id": user_id,
            "username": "alice",
            "roles": ["user"],
            "sid": str(uuid.uuid4()),
            "ver": 1,
            "iat": now,
            "exp": now + 600,
            "jti": uuid.uuid4().hex,
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, user_id: int = 1, *, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token; a claim or header given as None is left out."""
        given = {"typ": "at+jwt", "kid": self.kid, **(headers or {})}
        header = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(self.claims(user_id, **changes), self.key, algorithm="EdDSA", headers=header)


def private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
