"""Settings of the auth service: `PLAZA_AUTH_<FIELD>`."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from plaza_kit.settings import Duration, ServiceSettings


class AuthSettings(ServiceSettings):
    """What can be set; every value is in the table of the README."""

    model_config = SettingsConfigDict(env_prefix="PLAZA_AUTH_", frozen=True, extra="forbid")

    bind: str = Field("127.0.0.1:50051", description="address and port of the gRPC server")
    signing_keys_dir: Path = Field(
        Path("/run/keys/signing"),
        description="Ed25519 private keys `<kid>.pem`, and `active` that names the signing one",
    )
    data_key_file: Path = Field(
        Path("/run/keys/auth-data-key"), description="32 random bytes in base64: seals secrets that are stored"
    )

    login_access_ttl: Duration = Field(
        timedelta(seconds=900),
        ge=timedelta(seconds=60),
        le=timedelta(days=7),
        description="life of an access token; a revocation ends it at once all the same",
    )
    session_ttl: Duration = Field(
        timedelta(days=30), ge=timedelta(minutes=5), le=timedelta(days=400), description="absolute end of a session"
    )
    refresh_grace: Duration = Field(
        timedelta(seconds=10),
        ge=timedelta(0),
        le=timedelta(seconds=60),
        description="time in which the last spent refresh token still yields the same pair",
    )
    sessions_max: int = Field(200, ge=1, le=1000, description="live sessions of one user; the oldest gives way")

    password_min_length: int = Field(8, ge=1, le=128, description="least code points of a new password")
    password_workers: int = Field(0, ge=0, le=64, description="hashing threads; 0 is one per core")
    password_queue: int = Field(64, ge=0, le=10_000, description="requests that may wait for a hashing thread")
    login_failure_floor: Duration = Field(
        timedelta(seconds=0.35),
        ge=timedelta(0),
        le=timedelta(seconds=5),
        description="least time before a failed login is answered",
    )

    throttle_window: Duration = Field(
        timedelta(minutes=15), ge=timedelta(seconds=1), le=timedelta(days=1), description="time in which failures count"
    )
    throttle_account_address: int = Field(10, ge=1, description="failures of one account from one address")
    throttle_account: int = Field(100, ge=1, description="failures of one account")
    throttle_address: int = Field(50, ge=1, description="failures from one address")
    mail_limit: int = Field(5, ge=1, description="mails one account may ask for per hour and kind")

    public_url: str = Field("http://127.0.0.1:8000", description="where people reach Plaza, for links in mails")
    mail_from: str = Field("Plaza <no-reply@localhost>", description="sender of mails")
    mail_attempts: int = Field(8, ge=1, le=50, description="tries before a mail is given up")
    smtp_host: str = Field("", description="mail server; empty is none")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="encryption of the connection")
    smtp_username: str = Field("", description="empty does not log in")
    smtp_password: SecretStr = Field(SecretStr(""), description="password for the mail server")
    smtp_timeout: Duration = Field(
        timedelta(seconds=10),
        ge=timedelta(seconds=0.1),
        le=timedelta(minutes=2),
        description="deadline of one delivery",
    )

    @model_validator(mode="after")
    def _passwords_travel_encrypted(self) -> "AuthSettings":
        if self.smtp_username and self.smtp_security == "none" and self.environment == "production":
            raise ValueError("smtp_username needs smtp_security=starttls or tls")
        return self
