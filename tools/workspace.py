"""The members of the workspace, found by folder."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("protos", "libs/*", "gateway", "services/*")


@dataclass(frozen=True)
class Member:
    """One package of the workspace; `folder` is absolute."""

    folder: Path
    project: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def pyproject(self) -> Path:
        """Its pyproject.toml."""
        return self.folder / "pyproject.toml"

    @property
    def name(self) -> str:
        """The name of its distribution, normalised."""
        return canonicalize_name(self.project["project"]["name"])

    @property
    def groups(self) -> dict[str, list[Any]]:
        """Its dependency groups (PEP 735)."""
        found: dict[str, list[Any]] = self.project.get("dependency-groups", {})
        return found


def load(folder: Path) -> Member:
    """Read the member that lives in `folder`."""
    return Member(folder, tomllib.loads((folder / "pyproject.toml").read_text()))


def find_members() -> tuple[Member, ...]:
    """Return all members, those that others build on first."""
    found = [path for pattern in FOLDERS for path in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))]
    return tuple(load(path.parent) for path in found)


def deployables() -> tuple[Member, ...]:
    """Return the members that run as processes: the gateway and the services."""
    return tuple(
        member for member in find_members() if member.folder.parent.name != "libs" and member.folder.name != "protos"
    )


def direct_requirements(members: tuple[Member, ...], groups: tuple[tuple[Path, str], ...]) -> list[Requirement]:
    """Return what these members and dependency groups ask for, with members replaced by what they ask for in turn."""
    return list(Expansion(members, groups))


@dataclass
class Expansion:
    """Walks requirements through the workspace's own packages."""

    members: tuple[Member, ...]
    groups: tuple[tuple[Path, str], ...]
    seen: set[tuple[str, str]] = field(default_factory=set)

    @cached_property
    def by_name(self) -> dict[str, Member]:
        """All members by the name of their distribution."""
        return {member.name: member for member in find_members()}

    def __iter__(self) -> Iterator[Requirement]:
        for member in self.members:
            yield from self._of_member(member, "")
        for path, name in self.groups:
            yield from self._of_group(tomllib.loads(path.read_text())["dependency-groups"], name)

    def _of_group(self, groups: dict[str, list[Any]], name: str) -> Iterator[Requirement]:
        for item in groups[name]:
            if isinstance(item, dict):
                yield from self._of_group(groups, item["include-group"])
            else:
                yield from self._resolve(item)

    def _of_member(self, member: Member, extra: str) -> Iterator[Requirement]:
        if (member.name, extra) in self.seen:
            return
        self.seen.add((member.name, extra))
        project = member.project["project"]
        for text in project.get("optional-dependencies", {})[extra] if extra else project.get("dependencies", []):
            yield from self._resolve(text)

    def _resolve(self, text: str) -> Iterator[Requirement]:
        requirement = Requirement(text)
        member = self.by_name.get(canonicalize_name(requirement.name))
        if member is None:
            yield requirement
            return
        for extra in ("", *sorted(requirement.extras)):
            yield from self._of_member(member, extra)
