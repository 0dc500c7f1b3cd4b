"""One request to a webhook's address, over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from forum import webhook_requests
from forum.addresses import Address, AddressGuard
from forum.webhook_requests import WebhookRequests, new_secret, signed_headers

BODY = orjson.dumps({"type": "post.created"})
NAME = "hooks.example.org"


@dataclass
class Receiver:
    """A bare HTTP server: it keeps what it gets and answers what a test wants."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    requests: list[bytes] = field(default_factory=list)
    after: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head + await reader.readexactly(len(BODY)))
            writer.write(self.answer)
            await writer.drain()
            if self.after is not None:
                await self.after(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://{NAME}:{self.port}/plaza?key=1"

    def headers(self) -> dict[str, str]:
        [request] = self.requests
        lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.lower().split(": ", 1) for line in lines)


@asynccontextmanager
async def receiving(certificates: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=certificates)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()
    await server.wait_closed()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


class Names:
    """A name server whose answer changes with each question."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        return [ip_address(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])]


@asynccontextmanager
async def sending(
    names: Names | None = None, certificates: ssl.SSLContext | None = None
) -> AsyncIterator[WebhookRequests]:
    guard = AddressGuard(names or Names("127.0.0.1"), allow_http=True, allowed_networks=[ip_network("127.0.0.1/32")])
    requests = WebhookRequests(guard, certificates)
    yield requests
    await requests.close()


@pytest.fixture
async def requests() -> AsyncIterator[WebhookRequests]:
    async with sending() as made:
        yield made


async def test_a_request_goes_to_the_checked_address_in_the_name_of_the_host(
    receiver: Receiver, requests: WebhookRequests
) -> None:
    outcome = await requests.send(receiver.url, {"webhook-id": "1"}, BODY)

    assert outcome == (204, "")
    assert receiver.requests[0].startswith(b"POST /plaza?key=1 HTTP/1.1\r\n")
    assert receiver.requests[0].endswith(BODY)
    headers = receiver.headers()
    assert headers["host"] == f"{NAME}:{receiver.port}"
    assert (headers["content-type"], headers["webhook-id"]) == ("application/json", "1")


async def test_a_name_that_leads_elsewhere_the_second_time_changes_nothing(receiver: Receiver) -> None:
    """The name server answers with an allowed address first and with the metadata address from then on."""
    async with sending(Names("127.0.0.1", "169.254.169.254")) as requests:
        assert (await requests.send(receiver.url, {}, BODY)).status == 204
        later = await requests.send(receiver.url, {}, BODY)

    assert (later.status, later.error) == (0, "not sent: the host has an address that is not public")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, requests: WebhookRequests, status: int) -> None:
    """Neither to the metadata address nor to one that would be allowed."""
    for target in ("http://169.254.169.254/latest/meta-data/", f"http://127.0.0.1:{receiver.port}/"):
        receiver.requests.clear()
        receiver.answer = f"HTTP/1.1 {status} Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        outcome = await requests.send(receiver.url, {}, BODY)

        assert outcome == (status, "redirects are not followed")
        assert len(receiver.requests) == 1


async def test_a_refusal_is_an_outcome(receiver: Receiver, requests: WebhookRequests) -> None:
    receiver.answer = b"HTTP/1.1 500 Sorry\r\nContent-Length: 6\r\n\r\nsecret"
    outcome = await requests.send(receiver.url, {}, BODY)

    assert outcome == (500, "refused")


async def test_an_endless_answer_is_not_read_to_its_end(receiver: Receiver, requests: WebhookRequests) -> None:
    is_closed = asyncio.Event()

    async def go_on(writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            is_closed.set()

    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    receiver.after = go_on

    assert await requests.send(receiver.url, {}, BODY) == (200, "")
    await asyncio.wait_for(is_closed.wait(), 5)


async def test_a_silent_receiver_is_left_after_the_deadline(
    receiver: Receiver, requests: WebhookRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_requests, "TOTAL_SECONDS", 0.2)
    is_left = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        """Keep every single wait short, so that only a deadline for the whole helps."""
        try:
            while True:
                writer.write(b"X-Header: x\r\n")
                await writer.drain()
                await asyncio.wait([asyncio.ensure_future(is_left.wait())], timeout=0.02)
        finally:
            is_left.set()

    receiver.answer = b"HTTP/1.1 200 OK\r\n"
    receiver.after = drip

    assert await requests.send(receiver.url, {}, BODY) == (0, "no answer in time")
    await asyncio.wait_for(is_left.wait(), 5)


async def test_a_closed_port_and_nonsense_are_outcomes(receiver: Receiver, requests: WebhookRequests) -> None:
    receiver.answer = b"SSH-2.0-OpenSSH\r\n"
    nonsense = await requests.send(receiver.url, {}, BODY)
    closed = await requests.send(f"http://{NAME}:1/", {}, BODY)

    assert (nonsense.status, closed.status) == (0, 0)
    assert nonsense.error.startswith("RemoteProtocolError")
    assert closed.error.startswith("ConnectError")


async def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, requests: WebhookRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert (await requests.send(receiver.url, {}, BODY)).status == 204


@pytest.mark.parametrize(("name", "is_sent"), [(NAME, True), ("other.example.org", False)])
async def test_a_certificate_has_to_be_for_the_name_of_the_host(tmp_path: Path, name: str, is_sent: bool) -> None:
    server, client = certificates_for(name, tmp_path)
    async with receiving(server) as receiver, sending(certificates=client) as requests:
        outcome = await requests.send(f"https://{NAME}:{receiver.port}/", {}, BODY)

    assert len(receiver.requests) == int(is_sent)
    assert (outcome.status == 204) == is_sent
    assert ("certificate" in outcome.error) != is_sent


def certificates_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server shows for a name, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


def test_a_signature_is_that_of_standard_webhooks() -> None:
    secret = new_secret()
    headers = dict(signed_headers(secret, "event-1", BODY, int(datetime.now(UTC).timestamp())))

    assert Webhook(secret).verify(BODY, headers) == {"type": "post.created"}
    for broken in (
        headers | {"webhook-id": "event-2"},
        headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, broken)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)
