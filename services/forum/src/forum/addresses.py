"""Where requests of ours may go: to addresses of the public internet, and to networks that the deployment allows.

A name is resolved once for each request, every address it has must be allowed, and the request goes to one of these
very addresses: what the name resolves to later does not matter. What a URL looks like is never trusted, only what it
resolves to; `check_url` refuses early what is certain to be refused later.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Lookup = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Returns all addresses of a host; raises OSError if there are none."""

LOOKUP_THREADS = 16

_PORTS = {"http": 80, "https": 443}

# What Python 3.11 counts among the public addresses although nothing of ours belongs there.
_SPECIAL_V4 = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments; some clouds answer for their machines here
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.IPv4Network("168.63.129.16/32"),  # every machine of one large cloud reaches its host under it
)
# RFC 4291: what is assigned of IPv6. This leaves out loopback, mapped and compatible, unique local, link-local,
# site-local and multicast addresses.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = (
    ipaddress.IPv6Network("2002::/16"),  # 6to4, which RFC 7526 ended; a relay would lead to the IPv4 address inside
    ipaddress.IPv6Network("3fff::/20"),  # RFC 9637: documentation
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are where it leads


class AddressRefused(Exception):
    """Nothing may be sent there; the message says why, and names no secret part of the URL."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes.

    Attributes:
        url: The URL with the address in place of the name.
        host: The name: what a certificate must be for.
        host_header: The name, and the port if it is not the usual one.
    """

    url: httpx.URL
    host: str
    host_header: str


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to somebody on the public internet, also if it is one wrapped in another."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in each for each in _SPECIAL_V4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_V6 and address.is_global and not any(address in each for each in _SPECIAL_V6)


class AddressGuard:
    """Decides where requests may go.

    Args:
        lookup: Resolves names.
        allow_http: Requests without TLS are allowed.
        allowed_networks: Networks that are allowed although they are not public.
    """

    def __init__(self, lookup: Lookup, *, allow_http: bool, allowed_networks: Sequence[Network]) -> None:
        self._lookup = lookup
        self._schemes = ("https", "http") if allow_http else ("https",)
        self._allowed = tuple(allowed_networks)

    def check_url(self, text: str) -> None:
        """Let a URL pass that does not show by itself that it will be refused; names are not resolved here.

        Raises:
            AddressRefused: It does.
        """
        url = self._parse(text)
        host = _host(url)
        if host == "localhost" or host.endswith(".localhost"):
            self._check([ipaddress.IPv4Address("127.0.0.1")])
        self._check(_literal(host))

    async def destination(self, text: str) -> Destination:
        """Return where a request for a URL goes: to an address that was checked.

        Raises:
            AddressRefused: The URL or one of its host's addresses is not allowed.
            OSError: The host has no address.
        """
        url = self._parse(text)
        host = _host(url)
        addresses = await self._lookup(host, url.port or _PORTS[url.scheme])
        self._check(addresses)
        if not addresses:
            raise OSError("the host has no address")
        pinned = url.copy_with(host=str(addresses[0]), fragment=None)
        return Destination(pinned, host, url.netloc.decode("ascii"))

    def _parse(self, text: str) -> httpx.URL:
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise AddressRefused("not a URL") from None
        if url.scheme not in self._schemes:
            raise AddressRefused(f"only {' and '.join(self._schemes)}")
        if url.userinfo:
            raise AddressRefused("no name and password in the URL")
        if url.port is not None and not 1 <= url.port <= 65_535:
            raise AddressRefused("no such port")
        if not _host(url):
            raise AddressRefused("no host")
        return url

    def _check(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            plain = getattr(address, "ipv4_mapped", None) or address
            if not is_public(plain) and not any(plain in network for network in self._allowed):
                raise AddressRefused("the host has an address that is not public")


class SystemLookup:
    """Asks the operating system, in threads of its own, so that slow name servers hold up nothing else.

    Args:
        deadline_seconds: Longest wait for an answer.
    """

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return all addresses of a host, the one to prefer first.

        Raises:
            OSError: There are none, or no answer in time (TimeoutError).
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._deadline_seconds):
            try:
                return await loop.run_in_executor(self._threads, _addresses, host, port)
            except UnicodeError:
                raise OSError("no such name") from None

    def close(self) -> None:
        """Let the threads end; one that still waits for a name server ends after it has its answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(ipaddress.ip_address(address[0]) for *_, address in found))


def _literal(host: str) -> list[Address]:
    """Return the address that a host is in itself, in every spelling that the system knows: `127.1`, `0x7f000001`."""
    try:
        return _addresses(host, 0, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").rstrip(".").lower()
