from ipaddress import ip_network

import pytest

from gateway.addresses import Addresses, subscriber, within
from gateway.rail import Hosts

PROXIES = Addresses([ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")])


def client(peer: str, *lines: bytes) -> str:
    return PROXIES.client(peer, [(b"x-forwarded-for", line) for line in lines])


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("203.0.113.5", (b"1.2.3.4",), "203.0.113.5"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", (b"203.0.113.5",), "203.0.113.5"),
        ("10.0.0.1", (b"1.2.3.4, 203.0.113.5",), "203.0.113.5"),
        ("10.0.0.1", (b"203.0.113.5, 10.9.9.9",), "203.0.113.5"),
        ("10.0.0.1", (b"1.2.3.4", b"203.0.113.5, 10.2.2.2"), "203.0.113.5"),
        ("10.0.0.1", (b"unknown, 10.2.2.2",), "10.2.2.2"),
        ("10.0.0.1", (b"10.3.3.3, 10.2.2.2",), "10.3.3.3"),
        ("2001:db8:ffff::1", (b"2001:db8:1::7",), "2001:db8:1::7"),
        ("not-an-address", (b"203.0.113.5",), "not-an-address"),
    ],
)
def test_the_first_stranger_from_the_right_is_the_client(peer: str, lines: tuple[bytes, ...], expected: str) -> None:
    assert client(peer, *lines) == expected


def test_without_proxies_nobody_is_believed() -> None:
    assert Addresses([]).client("127.0.0.1", [(b"x-forwarded-for", b"1.2.3.4")]) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.5"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_has_a_whole_network(address: str, expected: str) -> None:
    assert subscriber(address) == expected


def test_networks() -> None:
    assert within("127.0.0.1", [ip_network("127.0.0.0/8")])
    assert not within("128.0.0.1", [ip_network("127.0.0.0/8")])
    assert not within("127.0.0.1", [])


@pytest.mark.parametrize(
    "host", [b"x", b"x:80", b"a-b.example.com:65535", b"127.0.0.1", b"[::1]", b"[2001:db8::1]:8000", b"a_b"]
)
def test_well_formed_hosts(host: bytes) -> None:
    assert Hosts([]).is_good(host)


@pytest.mark.parametrize(
    "host", [b"", b":80", b"x:", b"x:y", b"x/y", b"a@x", b"x y", b"[::1", b"::1", b"x:123456", b"x,y", "é".encode()]
)
def test_malformed_hosts(host: bytes) -> None:
    assert not Hosts([]).is_good(host)


def test_listed_hosts() -> None:
    hosts = Hosts(["Plaza.example.com", "[::1]"])
    assert hosts.is_good(b"plaza.EXAMPLE.com:443")
    assert hosts.is_good(b"[::1]:8000")
    assert not hosts.is_good(b"plaza.example.com.evil.example")
    assert not hosts.is_good(b"[::2]")
