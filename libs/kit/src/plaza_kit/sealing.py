"""Secrets at rest: AES-256-GCM with one data key per service.

A sealed value is `version (1) | nonce (12) | ciphertext | tag (16)`. The context, e.g. `totp:42`, is authenticated
too, so that a value copied to another row does not open.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """The value was not sealed here, for this context, or was changed since."""


class Sealer:
    """Seals, opens and fingerprints with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a data key has 32 bytes")
        self._aead = AESGCM(hmac.digest(key, b"seal", hashlib.sha256))
        self._mac_key = hmac.digest(key, b"fingerprint", hashlib.sha256)

    @classmethod
    def from_file(cls, path: Path) -> "Sealer":
        """Read the key: 32 bytes as one line of base64.

        Raises:
            ValueError: The file holds something else.
        """
        return cls(base64.b64decode(path.read_bytes().strip(), validate=True))

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` sealed for `context`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealBroken: See the class.
        """
        if sealed[:1] != _VERSION:
            raise SealBroken
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, ciphertext, context.encode())
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def fingerprint(self, *parts: bytes) -> bytes:
        """Return 32 bytes that are the same for the same parts, and mean nothing without the key."""
        mac = hmac.new(self._mac_key, digestmod=hashlib.sha256)
        for part in parts:
            mac.update(len(part).to_bytes(8, "big"))
            mac.update(part)
        return mac.digest()
