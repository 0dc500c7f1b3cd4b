"""Opaque page tokens: where the next page begins, signed, and bound to the list it came from."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import orjson

from plaza_kit.errors import InvalidArgument

_MAC_BYTES = 16


class PageTokenInvalid(InvalidArgument):
    """The token is not one of ours, or is another list's."""

    reason = "PAGE_TOKEN_INVALID"


class PageTokens:
    """Makes and reads tokens with one key, which all replicas of a service share."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"page", hashlib.sha256)

    def encode(self, list_name: str, *position: int | str) -> str:
        """Return the token of a position.

        Args:
            list_name: The list and its filters, e.g. `users:prefix=al`; the token is good for this list only.
            position: The sort key of the last row that was given out.
        """
        body = orjson.dumps(position)
        return base64.urlsafe_b64encode(self._mac(list_name, body) + body).rstrip(b"=").decode()

    def decode(self, list_name: str, token: str) -> Sequence[int | str]:
        """Return the position in a token.

        Raises:
            PageTokenInvalid: See the class.
        """
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, UnicodeEncodeError):
            raise PageTokenInvalid from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(list_name, body)):
            raise PageTokenInvalid
        position: list[int | str] = orjson.loads(body)
        return position

    def _mac(self, list_name: str, body: bytes) -> bytes:
        return hmac.digest(self._key, list_name.encode() + b"\0" + body, hashlib.sha256)[:_MAC_BYTES]
