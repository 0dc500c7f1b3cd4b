"""What counts as one address."""

import pytest

from auth.throttle import network_of


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2"),
        ("2001:DB8::1", "2001:db8:0:0:1::"),
    ],
)
def test_these_are_one(left: str, right: str) -> None:
    assert network_of(left) == network_of(right)


@pytest.mark.parametrize(
    ("left", "right"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1"), ("", "unknown")]
)
def test_these_are_two(left: str, right: str) -> None:
    assert network_of(left) != network_of(right)
