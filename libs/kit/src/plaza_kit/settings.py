"""Settings of a process: environment variables and mounted secret files, read once at start."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SettingsT = TypeVar("SettingsT", bound="ProcessSettings")


def _plain_seconds(value: object) -> object:
    """Take a plain number for seconds; pydantic itself wants `PT15M` or `00:15:00` in a text."""
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            return value
    return value


Duration = Annotated[timedelta, BeforeValidator(_plain_seconds)]
"""A setting in seconds, or as an ISO 8601 duration."""


def _split(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A setting of any number of words, separated by commas."""
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)]
"""A setting of any number of networks, such as `10.0.0.0/8`, separated by commas."""


class ProcessSettings(BaseSettings):
    """What every process has. A subclass sets `env_prefix`, e.g. `PLAZA_AUTH_`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    environment: Literal["development", "production"] = Field(
        "production", description="`development` allows what would be unsafe on the open net, such as mail to the log"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["json", "console"] = Field("json", description="`console` is for people")


class ServiceSettings(ProcessSettings):
    """What every gRPC service has."""

    bind: str = Field("127.0.0.1:0", description="address and port of the gRPC server")
    database_url: SecretStr = Field(
        SecretStr("sqlite:///var/plaza.db"),
        description="`mysql://user:password@host:port/database` or `sqlite:///path`",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="most connections to the database")
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="the event bus")
    trusted_keys_dir: Path = Field(
        Path("/run/keys/trusted"), description="public keys `<issuer>.pem` of the processes that may call"
    )
    max_concurrent_rpcs: int = Field(500, ge=1, description="calls served at once; more are refused")
    drain_grace: Duration = Field(timedelta(seconds=25), description="time that calls in flight get at shutdown")
    metrics_host: str = Field("127.0.0.1", description="address of the metrics server")
    metrics_port: int = Field(0, ge=0, le=65535, description="port of the metrics server; 0 is off")


def load(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings, or end the process with one line a setting and exit code 2.

    Files in `PLAZA_SECRETS_DIR` (default `/run/secrets`, if it exists), named like the variables, count as
    variables; the environment wins. A variable with the class's prefix that means nothing is an error.
    """
    prefix = settings_class.model_config.get("env_prefix", "")
    known = {f"{prefix}{name}".upper() for name in settings_class.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(prefix) and name not in known)
    if unknown:
        sys.stderr.write("".join(f"{name}: there is no such setting\n" for name in unknown))
        raise SystemExit(2)
    secrets = Path(os.environ.get("PLAZA_SECRETS_DIR", "/run/secrets"))
    try:
        return settings_class(_secrets_dir=secrets if secrets.is_dir() else None)  # type: ignore[call-arg]  # BaseSettings takes it
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "".join(str(part) for part in problem["loc"][:1])
            sys.stderr.write(f"{prefix}{name.upper()}: {problem['msg']}\n")
        raise SystemExit(2) from None


def describe(settings: ProcessSettings) -> str:
    """Return the effective values as lines `NAME=value`, secrets masked."""
    prefix = settings.model_config.get("env_prefix", "")
    values = settings.model_dump(mode="json")
    return "\n".join(f"{prefix}{name.upper()}={value}" for name, value in values.items())
