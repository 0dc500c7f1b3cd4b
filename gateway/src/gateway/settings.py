"""The gateway's settings: `PLAZA_GATEWAY_<FIELD>`; lists are separated by commas."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from plaza_kit.settings import Duration, Networks, ProcessSettings, Words

Network = IPv4Network | IPv6Network


def seconds(value: float) -> timedelta:
    """Return a span of time, for defaults that read well."""
    return timedelta(seconds=value)


class Settings(ProcessSettings):
    """What an operator may change."""

    model_config = SettingsConfigDict(env_prefix="PLAZA_GATEWAY_", frozen=True, extra="forbid")

    bind: str = Field(
        "127.0.0.1:8000", pattern=r"^(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):\d{1,5}$", description="address and port"
    )
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="rate limits and events")
    internal_key_file: Path = Field(
        Path("/run/keys/gateway.pem"), description="Ed25519 private key that signs internal tokens"
    )
    auth_target: str = Field("127.0.0.1:50051", description="gRPC target of the auth service")
    forum_target: str = Field("127.0.0.1:50052", description="gRPC target of the forum service")
    auth_shards: int = Field(1, ge=1, le=64, description="event streams of the auth service")

    cors_origins: Words = Field((), description="origins whose pages may call; `*` is every one, without cookies")
    allowed_hosts: Words = Field((), description="names clients may use in `Host`; empty allows any")
    trusted_proxies: Networks = Field((), description="networks whose `X-Forwarded-*` headers are believed")
    metrics_networks: Networks = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")), description="networks that may read /metrics"
    )

    rate_read_per_minute: int = Field(1200, ge=0, le=10_000_000, description="reads per user or address; 0 is no limit")
    rate_write_per_minute: int = Field(
        240, ge=0, le=10_000_000, description="writes per user or address; 0 is no limit"
    )
    rate_credentials_per_minute: int = Field(
        60, ge=0, le=10_000_000, description="registrations, logins and the like per address; 0 is no limit"
    )
    rate_text_per_minute: int = Field(
        60, ge=0, le=10_000_000, description="posts, replies, edits and reports per user; 0 is no limit"
    )
    rate_search_per_minute: int = Field(
        120, ge=0, le=10_000_000, description="searches per user or address; 0 is no limit"
    )
    rate_deadline: Duration = Field(seconds(0.05), description="longest wait for Redis before a request is let through")

    max_in_flight: int = Field(512, ge=1, description="requests served at once; more are answered with 503")
    max_connections_per_address: int = Field(512, ge=1, description="open connections of one client address")
    body_limit_bytes: int = Field(1024 * 1024, ge=1024, description="largest request body")
    head_limit_bytes: int = Field(16 * 1024, ge=1024, description="largest request head")
    head_limit_fields: int = Field(100, ge=10, description="most header fields of a request")
    head_deadline: Duration = Field(seconds(10), description="time in which a request's head must arrive")
    body_deadline: Duration = Field(seconds(30), description="time in which a request's body must arrive")
    write_deadline: Duration = Field(seconds(60), description="time after which a client that reads nothing is dropped")
    keep_alive: Duration = Field(seconds(65), description="time an idle connection stays open")

    forum_shards: int = Field(1, ge=1, le=64, description="event streams of the forum service")
    cache_bytes: int = Field(
        64 * 1024 * 1024, ge=0, description="memory for public answers, kept for a second at most; 0 keeps none"
    )

    jwks_refresh: Duration = Field(seconds(300), description="time between two looks at the signing keys")
    jwks_cooldown: Duration = Field(seconds(5), description="least time between two looks for unknown keys")
    revocation_poll: Duration = Field(seconds(0.5), description="time between two looks while Redis is away")
    revocation_audit: Duration = Field(seconds(30), description="time between two full comparisons")

    drain_delay: Duration | None = Field(
        None, description="time to go on accepting after SIGTERM; default 5 s, none in development"
    )
    drain_grace: Duration = Field(seconds(20), description="time that requests in flight get after that")

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on; 0 takes a free one."""
        return int(self.bind.rpartition(":")[2])

    @property
    def drain_seconds(self) -> float:
        """How long to go on accepting after the first signal."""
        if self.drain_delay is not None:
            return self.drain_delay.total_seconds()
        return 0.0 if self.environment == "development" else 5.0
