"""Read a hashed requirements file."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)(\s*;\s*(?P<marker>[^\\]+))?"
)
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One locked version of a package; `marker` says on which platforms and Pythons, empty for all."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def read_lock(path: Path) -> dict[str, list[Pin]]:
    """Return the pins of a lock by normalised package name; a package may have several, told apart by markers."""
    pins: dict[str, list[Pin]] = {}
    for entry in re.split(r"\n(?=[^\s#])", path.read_text()):
        if match := PIN.match(entry):
            name = canonicalize_name(match["name"])
            pin = Pin(name, match["version"], (match["marker"] or "").strip(), frozenset(HASH.findall(entry)))
            pins.setdefault(name, []).append(pin)
    return pins
