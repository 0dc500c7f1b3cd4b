"""A real server and a client that speaks for anybody, in one test."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import ServiceDescriptor

from plaza_kit.grpc_client import Client
from plaza_kit.grpc_server import GrpcServer, Registration, ServerLimits
from plaza_kit.internal_token import TokenMinter, TokenVerifier
from plaza_kit.telemetry import Telemetry


@dataclass(frozen=True)
class Trust:
    """A key pair of an issuer that the server trusts."""

    key: Ed25519PrivateKey
    issuer: str = "gateway"

    def minter(self) -> TokenMinter:
        """Return the issuer's minter."""
        return TokenMinter(self.key, self.issuer)

    def verifier(self, audience: str) -> TokenVerifier:
        """Return a verifier that trusts this issuer only."""
        return TokenVerifier({self.issuer: self.key.public_key()}, audience)


def new_trust() -> Trust:
    """Return a fresh key pair."""
    return Trust(Ed25519PrivateKey.generate())


@asynccontextmanager
async def serving(
    service: str,
    registrations: Sequence[Registration],
    *,
    trust: Trust,
    services: tuple[ServiceDescriptor, ...] = (),
    limits: ServerLimits | None = None,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[Client]:
    """Run a server on a free port with the whole chain in front of its handlers; yields a client for it."""
    server = GrpcServer(
        service,
        "127.0.0.1:0",
        verifier=trust.verifier(service),
        registrations=registrations,
        limits=limits or ServerLimits(drain_grace=timedelta(seconds=1)),
        telemetry=telemetry or Telemetry(service),
    )
    await server.start()
    client = Client(f"127.0.0.1:{server.port}", audience=service, minter=trust.minter(), services=services)
    try:
        yield client
    finally:
        await client.close()
        await server.stop()
