"""Where requests may go, and where not."""

import asyncio
import threading
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from forum import addresses
from forum.addresses import Address, AddressGuard, AddressRefused, SystemLookup, is_public

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::808:808"]

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


class Lookup:
    """Answers what a test wants, one answer after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = [[ip_address(text) for text in answer] for answer in answers]
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def guard(lookup: Any, *networks: str, allow_http: bool = False) -> AddressGuard:
    return AddressGuard(lookup, allow_http=allow_http, allowed_networks=[ip_network(network) for network in networks])


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_public_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_other_addresses_are_not_however_they_are_wrapped(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", [text for text in NOT_PUBLIC if text != "::ffff:8.8.8.8"])
async def test_a_name_with_such_an_address_is_refused_whatever_else_it_has(text: str) -> None:
    for answer in ([text], [text, "8.8.8.8"], ["8.8.8.8", text]):
        with pytest.raises(AddressRefused):
            await guard(Lookup(answer)).destination("https://hooks.example.org/")


async def test_a_request_goes_to_the_address_that_was_checked_under_its_name() -> None:
    lookup = Lookup(["93.184.215.14", "8.8.8.8"], ["127.0.0.1"])
    destination = await guard(lookup).destination("https://hooks.example.org:8443/plaza?key=1#part")

    assert str(destination.url) == "https://93.184.215.14:8443/plaza?key=1"
    assert (destination.host, destination.host_header) == ("hooks.example.org", "hooks.example.org:8443")
    assert lookup.asked == [("hooks.example.org", 8443)]  # asked once: what it answers next does not matter


async def test_the_usual_ports_are_asked_for_by_default() -> None:
    lookup = Lookup(["2606:4700:4700::1111"])
    destination = await guard(lookup, allow_http=True).destination("http://hooks.example.org/")
    await guard(lookup).destination("https://hooks.example.org/")

    assert str(destination.url) == "http://[2606:4700:4700::1111]/"
    assert [port for _, port in lookup.asked] == [80, 443]


async def test_a_name_without_an_address_cannot_be_reached() -> None:
    with pytest.raises(OSError, match="no address"):
        await guard(Lookup([])).destination("https://hooks.example.org/")


async def test_networks_of_the_deployment_are_allowed_and_no_others() -> None:
    own = guard(Lookup(["127.0.0.1"], ["::ffff:127.0.0.2"], ["10.0.0.1"]), "127.0.0.0/8")
    assert (await own.destination("https://a.example/")).url.host == "127.0.0.1"
    assert (await own.destination("https://a.example/")).url.host == "::ffff:7f00:2"
    with pytest.raises(AddressRefused):
        await own.destination("https://a.example/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "gopher://hooks.example.org/",
        "http://hooks.example.org/",
        "https:///path",
        "https://:443/",
        "https://user@hooks.example.org/",
        "https://user:password@hooks.example.org/",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:65536/",
        "https://hooks.example.org:x/",
        "https://[::1/",
        "https://1.2.3.999/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://017700000001/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://[::ffff:169.254.169.254]/",
        "https://[0:0:0:0:0:ffff:7f00:1]/",
        "https://①②⑦.⓪.⓪.①/",
    ],
)
async def test_a_url_that_cannot_be_right_is_refused_without_asking_anybody(url: str) -> None:
    lookup = Lookup(["8.8.8.8"])
    with pytest.raises(AddressRefused):
        guard(lookup).check_url(url)
    assert lookup.asked == []


@pytest.mark.parametrize("url", ["https://hooks.example.org/a?b", "https://8.8.8.8/", "https://müller.example:8443/"])
async def test_a_url_that_may_be_right_passes(url: str) -> None:
    lookup = Lookup(["127.0.0.1"])
    guard(lookup).check_url(url)
    assert lookup.asked == []


async def test_what_the_system_knows_is_looked_up() -> None:
    lookup = SystemLookup(5.0)
    assert ip_address("127.0.0.1") in await lookup("127.1", 80)
    with pytest.raises(OSError, match="no such name"):
        await lookup("a" * 64 + ".example", 80)
    lookup.close()


async def test_a_silent_name_server_is_left_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(addresses, "_addresses", lambda *_: is_over.wait(10))
    lookup = SystemLookup(0.05)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                await lookup("hooks.example.org", 443)
    finally:
        is_over.set()
        lookup.close()
