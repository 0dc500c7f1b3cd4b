"""schemathesis against a running stack: what is asked, as whom, and for which objects."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.e2e.forum_rules import RULES
from tests.e2e.forum_scene import Person, Scene

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SECONDS = 180


def fuzz(
    folder: Path,
    url: str,
    person: Person,
    *options: str,
    names: Iterable[str] = (),
    known: Mapping[str, int] | None = None,
) -> None:
    """Ask as a person; fail with schemathesis' report if an answer is no documented one.

    Args:
        folder: For its files; empty.
        url: Of the stack.
        person: Who asks.
        options: Which phases, how many examples and, without `names`, which operations.
        names: The operations to ask, by method and path.
        known: Ids of objects by operation; most requests name them, the others any id.
    """
    ids = known or {}
    lines = ["seed = 20260101", 'generation.database = "none"']
    lines += [f"dictionaries.of_{object_id}.values = [{object_id}]" for object_id in {*ids.values()}]
    for operation, object_id in ids.items():
        lines += [
            "[[operations]]",
            f'include-name = "{operation}"',
            f'parameters = {{ "path.id" = {{ dictionary = "of_{object_id}", probability = 0.8 }} }}',
        ]
    (folder / "schemathesis.toml").write_text("\n".join(lines))
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml",
        "run", f"{url}/openapi.json", "--header", f"Authorization: {person.headers['Authorization']}",
        "--checks", CHECKS, "--max-response-time", "5", "--no-color", "--warnings", "off",
        *(f"--include-name={name}" for name in names), *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]


def make_objects(cast: dict[str, Person]) -> dict[str, int]:
    """Make an object for each operation of the forum that names one; return their ids by operation."""
    return {
        operation: int(getattr(Scene(cast, hidden=0, closed=0), rule.subject))
        for operation, rule in RULES.items()
        if rule.subject
    }
