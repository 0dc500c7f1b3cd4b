"""The gateway and the services, found by folder, and the settings that wire them to each other.

A deployable says what it needs in its pyproject:

    [tool.plaza]
    roles = ["migrate", "serve", "relay"]   # what `python -m <name>` is told to do here (the default, for services)
    background = ["consume"]                # what a second process of it does, which nobody calls
    calls = ["auth"]                        # services it calls: it has a setting <SERVICE>_TARGET for each
    secrets = ["data_key_file"]             # settings that want a key; plaza_stack.keys knows the kinds
    folders = ["search_index_dir"]          # settings that want a folder of their own, kept beside the databases

The gateway calls every service. Settings already in the environment are kept where they are a matter of taste.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaza_kit.testing.processes import free_port
from plaza_stack.keys import Keys
from plaza_stack.program import Program
from plaza_stack.readiness import grpc_probe, http_probe, no_probe
from workspace import Member, deployables

LOOPBACK = "127.0.0.1"
SERVICE_ROLES = ("migrate", "serve", "relay")


@dataclass(frozen=True)
class Wiring:
    """What the processes share.

    Attributes:
        redis_url: The bus.
        databases: A URL per service.
        ports: A gRPC port per service.
        folder: Where services keep folders.
        keys: Makes secrets.
    """

    redis_url: str
    databases: Mapping[str, str]
    ports: Mapping[str, int]
    folder: Path
    keys: Keys


class Deployable:
    """One member of the workspace that runs as a process."""

    def __init__(self, member: Member) -> None:
        self.name = member.name.removeprefix("plaza-").replace("-", "_")
        self._needs: dict[str, Any] = member.project.get("tool", {}).get("plaza", {})

    def service(self, wiring: Wiring) -> Program:
        """Return the process of this service."""
        port = wiring.ports[self.name]
        roles = self._needs.get("roles", SERVICE_ROLES)
        environment = self._environment(self._service_settings(wiring))
        return Program(self.name, self._argv(roles), port, grpc_probe(LOOPBACK, port), environment)

    def background(self, wiring: Wiring) -> Program | None:
        """Return the process that works in the background of this service, if it has one; its database is migrated."""
        roles = self._needs.get("background", [])
        if not roles:
            return None
        environment = self._environment(self._service_settings(wiring))
        return Program(f"{self.name}-{'-'.join(roles)}", self._argv(roles), 0, no_probe, environment)

    def gateway(self, wiring: Wiring, host: str, port: int) -> Program:
        """Return the process of the gateway, listening on this address."""
        settings = {
            "bind": address(host, port),
            "redis_url": wiring.redis_url,
        } | self._settings(wiring, list(wiring.ports))
        probe = http_probe(reachable(host), port, "/readyz")
        return Program(self.name, self._argv(["serve"]), port, probe, self._environment(settings))

    def _argv(self, roles: list[str] | tuple[str, ...]) -> tuple[str, ...]:
        return (sys.executable, "-P", "-m", self.name, *roles)

    def make_secrets(self, keys: Keys) -> dict[str, str]:
        """Return the settings that name keys, making those that are missing."""
        return {setting: str(keys.secret(self.name, setting)) for setting in self._needs.get("secrets", [])}

    def _service_settings(self, wiring: Wiring) -> dict[str, str]:
        own = {
            "bind": f"{LOOPBACK}:{wiring.ports[self.name]}",
            "database_url": wiring.databases[self.name],
            "redis_url": wiring.redis_url,
            "trusted_keys_dir": str(wiring.keys.trusted),
        }
        return own | self._settings(wiring, self._needs.get("calls", []))

    def _settings(self, wiring: Wiring, calls: list[str]) -> dict[str, str]:
        targets = {f"{service}_target": f"{LOOPBACK}:{wiring.ports[service]}" for service in calls}
        folders = {setting: str(self._folder(wiring, setting)) for setting in self._needs.get("folders", [])}
        return targets | folders | self.make_secrets(wiring.keys)

    def _folder(self, wiring: Wiring, setting: str) -> Path:
        """Return the folder that goes into a setting: `forum-search-index` for the forum's `search_index_dir`."""
        return wiring.folder / f"{self.name}-{setting.removesuffix('_dir').replace('_', '-')}"

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        prefix = f"PLAZA_{self.name.upper()}_"
        taste = {
            f"{prefix}ENVIRONMENT": "development",
            f"{prefix}LOG_FORMAT": "console",
            "PYTHONUNBUFFERED": "1",
            "GRPC_EXPERIMENTS": "-event_engine_client,-event_engine_listener",  # see docs/adr/0003
        }
        inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE", "REDIS_URL")}
        return taste | inherited | {f"{prefix}{name.upper()}": value for name, value in settings.items()}


def address(host: str, port: int) -> str:
    """Return host and port in one, as settings and URLs have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """Return the address at which a server that listens on `host` can be reached from this machine."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)


def find_deployables() -> tuple[Deployable, list[Deployable]]:
    """Return the gateway and the services."""
    found = [Deployable(member) for member in deployables()]
    gateway = next(deployable for deployable in found if deployable.name == "gateway")
    return gateway, [deployable for deployable in found if deployable is not gateway]


def choose_ports(services: list[Deployable]) -> dict[str, int]:
    """Return a free port for each service; it keeps that for the whole run."""
    ports: dict[str, int] = {}
    for service in services:
        port = free_port(LOOPBACK)
        while port in ports.values():
            port = free_port(LOOPBACK)
        ports[service.name] = port
    return ports
