"""Rules of the tree that no other tool knows (`make lint`).

- A Python module has at most 400 lines, unless it is named below with the reason.
- No catch-all module names: a module is named after what it holds.
- Every module under `src` says in a docstring what it is for.
- SQL is written in a service's `repository` (a module or a package) and its `models`; every other module knows of
  SQLAlchemy only the connection it passes on.
- No committed file names a package index or a folder of somebody's machine: the first belongs to the machine's own
  configuration, the second to nobody else.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from workspace import ROOT

MAX_LINES = 400
LARGE_MODULES: dict[str, str] = {}  # path: the reason why it is not split
CATCH_ALL = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})
SQL_MODULES = frozenset({"repository", "models"})
GENERATED = "protos/gen/"
NOT_TEXT = frozenset({".png", ".jpg", ".ico", ".woff2", ".pdf", ".gz", ".zip"})

# Spelt in pieces, so that this file passes its own check.
FORBIDDEN = {
    "a package index": re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs"])),
    "a machine's folder": re.compile(
        r"(?<![\w.$}/-])/(" + "|".join(["h" + "ome", "r" + "oot", "U" + "sers", "w" + "ork"]) + r")/\w"
    ),
}


def committed_files() -> list[str]:
    """Return the paths of all files that are, or are about to be, in the repository."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in sorted(set(names)) if (ROOT / name).is_file()]


def module_problems(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with one Python module."""
    path = Path(name)
    lines = text.count("\n")
    if lines > MAX_LINES and name not in LARGE_MODULES:
        yield f"{lines} lines, {MAX_LINES} are allowed"
    if path.stem in CATCH_ALL:
        yield f"`{path.stem}` says nothing: name the module after what it holds"
    if "src" in path.parts and text.strip() and ast.get_docstring(ast.parse(text, name)) is None:
        yield "no docstring says what the module is for"


def sql_problems(name: str, text: str) -> Iterator[str]:
    """Yield the imports of a service's module that let it write SQL where none belongs."""
    inside = Path(name).parts[4:] if re.match(r"services/\w+/src/", name) else ()
    if not inside or Path(inside[0]).stem in SQL_MODULES:
        return
    for node in ast.walk(ast.parse(text, name)):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            if module.partition(".")[0] == "sqlalchemy" and module != "sqlalchemy.ext.asyncio":
                yield f"imports {module}: SQL belongs in the repository"


def text_problems(text: str) -> Iterator[str]:
    """Yield the forbidden words of one file."""
    for what, pattern in FORBIDDEN.items():
        for number, line in enumerate(text.splitlines(), 1):
            if found := pattern.search(line):
                yield f"line {number} names {what}: {found[0]}"


def main() -> int:
    """Check the whole tree; return the exit status."""
    found: list[str] = []
    names = committed_files()
    for name in names:
        if name.startswith(GENERATED) or Path(name).suffix in NOT_TEXT:
            continue
        text = (ROOT / name).read_text(errors="replace")
        problems = list(text_problems(text))
        if name.endswith(".py"):
            problems += [*module_problems(name, text), *sql_problems(name, text)]
        found += [f"{name}: {problem}" for problem in problems]
    found += [f"{name}: listed as large, but there is no such file" for name in LARGE_MODULES if name not in names]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
