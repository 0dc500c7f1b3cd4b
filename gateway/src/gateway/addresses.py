"""Whose connection it is: the client's address, also behind proxies that we trust."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from gateway.settings import Network

HeaderList = Sequence[tuple[bytes, bytes]]


class Addresses:
    """Reads client addresses.

    Args:
        trusted: Networks of the proxies whose `X-Forwarded-*` headers are believed.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=4096)(self._look_up)

    def is_trusted(self, peer: str) -> bool:
        """Return whether `peer` is one of our proxies."""
        return bool(self._trusted) and self._is_trusted(peer)

    def client(self, peer: str, headers: HeaderList) -> str:
        """Return the client's address.

        From the right, the first entry of `X-Forwarded-For` that is no proxy of ours: what stands left of it was
        written by somebody we do not know.
        """
        if not self.is_trusted(peer):
            return peer
        line = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        address = peer
        for entry in reversed(line.split(",")):
            candidate = entry.strip()
            if not _is_address(candidate):
                break
            address = candidate
            if not self._is_trusted(candidate):
                break
        return address

    def _look_up(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def within(peer: str, networks: Sequence[Network]) -> bool:
    """Return whether an address belongs to one of the networks."""
    return Addresses(networks).is_trusted(peer)


@lru_cache(maxsize=8192)
def subscriber(address: str) -> str:
    """Return what stands for one subscriber: the address, or the /64 of an IPv6 address (RFC 6177)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
