"""Raw sockets: malformed, slow, oversized and greedy clients."""

import asyncio
import json
import socket
import time

import pytest
from gateway_support.deployment import Deploy, Deployment

from plaza_kit.testing.polling import eventually

LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
PROFILE = "/users/profile/update/"


def connect(edge: Deployment) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", edge.port))
    connection.settimeout(10)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side has closed."""
    received = b""
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk


def exchange(edge: Deployment, sent: bytes) -> bytes:
    with connect(edge) as connection:
        connection.sendall(sent)
        return read_all(connection)


def status_of(received: bytes) -> int:
    return int(received[9:12])


def assert_refused(received: bytes, status: int, code: str) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    assert status_of(received) == status, received[:200]
    assert b"connection: close" in head
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    assert b"x-request-id: " + document["request_id"].encode() in head


MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "unknown method": b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /livez\r\n\r\n",
    "length and chunked": LIVE + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": LIVE + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "list of lengths": LIVE + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": LIVE + b"Content-Length: +3\r\n\r\nabc",
    "negative length": LIVE + b"Content-Length: -3\r\n\r\nabc",
    "folded header": LIVE + b"X-A: a\r\n b\r\n\r\n",
    "blank before the colon": LIVE + b"X-A : a\r\n\r\n",
    "NUL in a value": LIVE + b"X-A: a\x00b\r\n\r\n",
    "CR in a value": LIVE + b"X-A: a\rb\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": LIVE + b"Host: y\r\n\r\n",
    "empty host": b"GET /livez HTTP/1.1\r\nHost: \r\n\r\n",
    "host with a path": b"GET /livez HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "host with a user": b"GET /livez HTTP/1.1\r\nHost: a@x\r\n\r\n",
    "target of another host": b"GET http://y/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "target of another scheme": b"GET ftp://x/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunked on 1.0": b"GET /livez HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "tunnel": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad chunk": b"POST /users/login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_400(edge: Deployment, sent: bytes) -> None:
    assert_refused(exchange(edge, sent), 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET http://x/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://X:80/livez HTTP/1.1\r\nHost: x:80\r\nConnection: close\r\n\r\n",
        b"GET /livez HTTP/1.0\r\n\r\n",
        b"\r\n\r\nGET /livez HTTP/1.1\r\nHost: [::1]:8000\r\nConnection: close\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
    ],
    ids=["absolute target", "absolute with port", "1.0 without host", "leading blank lines", "h2c", "websocket"],
)
def test_unusual_but_valid_requests_are_served(edge: Deployment, sent: bytes) -> None:
    received = exchange(edge, sent)
    assert status_of(received) == 200
    assert received.count(b"HTTP/1.1 ") == 1


def test_upgrade_that_is_not_offered_leaves_the_connection_usable(edge: Deployment) -> None:
    with connect(edge) as connection:
        for _ in range(2):
            connection.sendall(LIVE + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
            assert status_of(connection.recv(65536)) == 200


@pytest.mark.parametrize(
    "head",
    [
        LIVE + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
        LIVE + b"X-A: " + b"a" * 2_000_000,
        LIVE + b"".join(b"X-%d: a\r\n" % number for number in range(101)) + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        LIVE + b"a" * 2_000_000,
    ],
    ids=["large field", "endless value", "many fields", "long target", "endless name"],
)
def test_large_heads_are_431(edge: Deployment, head: bytes) -> None:
    assert_refused(exchange(edge, head), 431, "HEADERS_TOO_LARGE")


def test_a_head_just_within_the_limits_is_served_in_pieces(edge: Deployment) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 120) for number in range(98))
    head = LIVE + fields + b"Connection: close\r\n\r\n"
    with connect(edge) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(head), 700):
            connection.sendall(head[start : start + 700])
        assert status_of(read_all(connection)) == 200


def test_hosts_off_the_list_are_refused(deploying: Deploy) -> None:
    edge = deploying(allowed_hosts=["plaza.example.com", "127.0.0.1"])
    for host, status in [(b"plaza.example.com", 200), (b"PLAZA.example.com:8443", 200), (b"evil.example", 400)]:
        received = exchange(edge, b"GET /livez HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert status_of(received) == status


@pytest.fixture
def hasty(deploying: Deploy) -> Deployment:
    return deploying(head_deadline=0.4, body_deadline=0.4, keep_alive=30)


async def drip(edge: Deployment, start: bytes, rest: bytes) -> tuple[bytes, float]:
    """Send `rest` byte by byte until the other side has had enough; returns its answer and the time that took."""
    with connect(edge) as connection:
        connection.sendall(start)
        began = time.monotonic()
        connection.settimeout(0.02)
        received = b""
        pieces = iter(rest)

        def closed() -> bool:
            nonlocal received
            try:
                connection.sendall(bytes([next(pieces)]))
                chunk = connection.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                return True
            received += chunk
            return not chunk

        await eventually(closed, timeout=5, interval=0.02)
        return received, time.monotonic() - began


async def test_dripping_head_ends_at_the_deadline(hasty: Deployment) -> None:
    received, seconds = await drip(hasty, b"GET /livez HTTP/1.1\r\n", b"X-A: " + b"a" * 1000)
    assert_refused(received, 408, "REQUEST_TIMEOUT")
    assert 0.3 < seconds < 2


async def test_dripping_body_ends_at_the_deadline(hasty: Deployment) -> None:
    token = hasty.issuer.token()
    head = f"POST {PROFILE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 900\r\n\r\n"
    received, seconds = await drip(hasty, head.encode(), b" " * 900)
    assert_refused(received, 408, "REQUEST_TIMEOUT")
    assert 0.3 < seconds < 2


async def test_blank_lines_do_not_hold_a_connection(hasty: Deployment) -> None:
    with connect(hasty) as connection:
        connection.sendall(LIVE + b"\r\n")
        assert status_of(connection.recv(65536)) == 200
        connection.sendall(b"\r\n")
        assert_refused(read_all(connection), 408, "REQUEST_TIMEOUT")


def test_silent_connection_is_closed(hasty: Deployment) -> None:
    began = time.monotonic()
    assert_refused(exchange(hasty, b""), 408, "REQUEST_TIMEOUT")
    assert time.monotonic() - began < 2


def test_idle_connection_between_requests_outlives_the_head_deadline(hasty: Deployment) -> None:
    with connect(hasty) as connection:
        connection.sendall(LIVE + b"\r\n")
        assert status_of(connection.recv(65536)) == 200
        connection.settimeout(1.0)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(LIVE + b"\r\n")
        assert status_of(connection.recv(65536)) == 200


def test_slow_service_is_not_the_clients_fault(hasty: Deployment) -> None:
    """The answer may take longer than the head and body deadlines."""

    async def slow(_: str) -> None:
        enough = asyncio.Event()
        asyncio.get_running_loop().call_later(1.0, enough.set)
        await enough.wait()

    hasty.fakes.delay = slow
    with hasty.client() as client:
        assert client.get("/users/profile/").status_code == 200


def test_garbage_after_a_request_does_not_spoil_its_answer(edge: Deployment) -> None:
    token = edge.issuer.token()
    request = f"GET /users/profile/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    received = exchange(edge, request + b"garbage\r\n\r\n")
    assert status_of(received) == 200
    assert received.count(b"HTTP/1.1 ") == 1
    assert b'"success":true' in received


async def test_client_that_begins_to_read_late_gets_everything(deploying: Deploy) -> None:
    edge = deploying(write_deadline=3)
    request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n"
    with connect(edge) as connection:
        connection.sendall((request + b"\r\n") * 5 + request + b"Connection: close\r\n\r\n")

        def is_waiting() -> bool:
            mine = [peer for peer in tuple(edge.server.rail.connections) if peer.client == connection.getsockname()]
            return any(getattr(peer, "_unsent", 0) for peer in mine)  # a look has found something unsent

        await eventually(is_waiting)
        received = await asyncio.to_thread(read_all, connection)
    assert received.count(b"HTTP/1.1 200 OK") == 6
    assert len(received) > 6 * 1_526_593


async def test_client_that_reads_nothing_is_dropped(deploying: Deploy, capfd: pytest.CaptureFixture[str]) -> None:
    edge = deploying(write_deadline=0.5)
    with connect(edge) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20)

        def is_served() -> bool:
            return any(peer.client == connection.getsockname() for peer in tuple(edge.server.rail.connections))

        await eventually(is_served)
        await eventually(lambda: not is_served())
    with edge.client(None) as client:
        assert client.get("/livez").status_code == 200
    output = "".join(capfd.readouterr())
    assert "guard.reader_stalled" in output
    assert "crashed" not in output  # the answers that were still to come are dropped quietly


async def test_connections_of_one_address_are_limited(deploying: Deploy) -> None:
    edge = deploying(max_connections_per_address=3)
    held = [connect(edge) for _ in range(3)]
    try:
        for connection in held:
            connection.sendall(LIVE + b"\r\n")
            assert status_of(connection.recv(65536)) == 200
        assert exchange(edge, LIVE + b"\r\n") == b""
    finally:
        for connection in held:
            connection.close()
    await eventually(edge.is_ready)


def test_rejected_upload_gets_its_answer_although_it_goes_on_sending(edge: Deployment) -> None:
    token = edge.issuer.token()
    head = f"POST {PROFILE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 8000000\r\n\r\n"
    with connect(edge) as connection:
        connection.sendall(head.encode() + b" " * 4_000_000)
        received = connection.recv(65536)
        assert status_of(received) == 413
        assert b"connection: close" in received
