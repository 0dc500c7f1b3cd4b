"""Write the lock files from the pyprojects (`make lock`), or check that they fit together (`--check`, offline).

A lock is a requirements file with one exact version and all its hashes per package, for every platform and Python
from 3.11, without the address of the index it was resolved against. plain pip installs it. There are

    requirements.lock                 what runs: gateway and services, and the root's group `stack`
    requirements-dev.lock             that, the root's group `dev` and every member's group `test`
    DEPLOYABLE/requirements.lock      what one deployable runs on, in the versions of the first
    DEPLOYABLE/requirements-test.lock that, its group `test` and the root's group `build`: enough to test it alone

Members of the workspace are never locked: they are installed from their folders.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lockfile import Pin, read_lock
from workspace import ROOT, Member, deployables, direct_requirements, find_members

FLAGS = (
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
)


@dataclass(frozen=True)
class Lock:
    """One lock file: the pyprojects whose dependencies go in, groups as (pyproject, name), and what it is bound to."""

    path: Path
    members: tuple[Member, ...]
    groups: tuple[tuple[Path, str], ...] = ()
    constraint: Path | None = None


def locks() -> list[Lock]:
    """Return all lock files, each after the one it is constrained by."""
    root, run, dev = ROOT / "pyproject.toml", ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
    members, services = find_members(), deployables()
    tests = {member: ((member.pyproject, "test"),) if "test" in member.groups else () for member in members}
    all_tests = tuple(group for groups in tests.values() for group in groups)
    result = [
        Lock(run, services, ((root, "stack"),)),
        Lock(dev, members, ((root, "stack"), (root, "dev"), *all_tests), run),
    ]
    for service in services:
        result.append(Lock(service.folder / "requirements.lock", (service,), (), run))
        groups = (*tests[service], (root, "build"))
        result.append(Lock(service.folder / "requirements-test.lock", (service,), groups, dev))
    return result


def compile_lock(lock: Lock, *, upgrade: bool) -> None:
    """Resolve and write one lock; versions it already has are kept unless `upgrade`."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", *FLAGS, f"--output-file={lock.path}"]
    command += [f"--no-emit-package={member.name}" for member in find_members()]
    command += [f"--group={path}:{name}" for path, name in lock.groups]
    command += ["--upgrade"] if upgrade else []
    command += [f"--constraints={lock.constraint}"] if lock.constraint else []
    command += [str(member.pyproject) for member in lock.members]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"UV_NO_CONFIG": "1"}, stdout=subprocess.DEVNULL)


def problems(lock: Lock) -> list[str]:
    """Return what is wrong with one lock, in words; empty when it fits its pyprojects and its constraint."""
    name = lock.path.relative_to(ROOT)
    if not lock.path.is_file():
        return [f"{name} is missing"]
    pins = read_lock(lock.path)
    found = [
        f"{name} does not satisfy {requirement}"
        for requirement in direct_requirements(lock.members, lock.groups)
        if not satisfies(pins.get(canonicalize_name(requirement.name), []), requirement)
    ]
    found += [f"{name} has no hash for {pin.name}" for same in pins.values() for pin in same if not pin.hashes]
    if lock.constraint and lock.constraint.is_file():
        allowed = read_lock(lock.constraint)
        must_be_subset = lock.path != ROOT / "requirements-dev.lock"
        for key, same in pins.items():
            if (key in allowed and releases(allowed[key]) != releases(same)) or (key not in allowed and must_be_subset):
                found.append(f"{name} and {lock.constraint.relative_to(ROOT)} differ in {key}")
    return found


def satisfies(pins: list[Pin], requirement: Requirement) -> bool:
    """Tell whether one of the pinned versions meets the requirement."""
    return any(requirement.specifier.contains(pin.version, prereleases=True) for pin in pins)


def releases(pins: list[Pin]) -> set[tuple[str, frozenset[str]]]:
    """Return versions and hashes; the markers may differ between locks, as the ways to a package do."""
    return {(pin.version, pin.hashes) for pin in pins}


def main() -> int:
    """Write or check all locks; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="resolve nothing: fail if a lock does not fit")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of the locked ones")
    options = parser.parse_args()
    if options.check:
        found = [problem for lock in locks() for problem in problems(lock)]
        for problem in found:
            print(f"{problem}: run `make lock`", file=sys.stderr)
        return 1 if found else 0
    for lock in locks():
        compile_lock(lock, upgrade=options.upgrade)
        print(f"{lock.path.relative_to(ROOT)}: {len(read_lock(lock.path))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
