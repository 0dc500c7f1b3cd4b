import pytest

from gateway.cookies import cookie_token, session_cookie
from gateway.cors import Cors

CORS = Cors(["https://app.example.com"])
OWN = {b"sec-fetch-site": b"same-origin", b"host": b"plaza.example.com"}


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        (b"plaza_session=t", "t"),
        (b"a=b; plaza_session=t; c=d", "t"),
        (b"a=plaza_session=t", ""),
        (b"xplaza_session=t", ""),
        (b"plaza_session=", ""),
        (b"", ""),
    ],
)
def test_the_token_is_found_among_cookies(cookie: bytes, token: str) -> None:
    assert cookie_token({**OWN, b"cookie": cookie}, "https", CORS) == token


@pytest.mark.parametrize(
    ("scheme", "origin", "counts"),
    [
        ("https", b"https://plaza.example.com", True),
        ("https", b"http://plaza.example.com", False),
        ("http", b"http://plaza.example.com", True),
        ("https", b"https://plaza.example.com:8443", False),
        ("https", b"https://app.example.com", True),
        ("https", b"https://app.example.com.evil.example", False),
    ],
)
def test_own_and_listed_origins_count(scheme: str, origin: bytes, counts: bool) -> None:
    headers = {b"origin": origin, b"host": b"plaza.example.com", b"cookie": b"plaza_session=t"}
    assert bool(cookie_token(headers, scheme, CORS)) == counts


@pytest.mark.parametrize(
    ("host", "is_secure"),
    [
        (b"localhost", False), (b"localhost:8000", False), (b"127.0.0.1:8000", False), (b"[::1]", False),
        (b"[::1]:8000", False), (b"plaza.example.com", True), (b"localhost.example.com", True), (b"", True),
    ],
)  # fmt: skip
def test_cookie_is_secure_except_on_loopback(host: bytes, is_secure: bool) -> None:
    name, value = session_cookie("t", 900, host)
    assert name == b"set-cookie"
    assert value.startswith(b"plaza_session=t; Path=/; Max-Age=900; HttpOnly; SameSite=Lax")
    assert value.endswith(b"; Secure") == is_secure
