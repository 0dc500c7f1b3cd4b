"""Write the documents that are generated from the code (`make docs`), or fail if one is stale (`--check`)."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping

from plaza_docs import errors, settings
from workspace import ROOT


def openapi() -> str:
    """Return docs/api/openapi.json: what `python -m gateway openapi` prints, in one form."""
    command = [sys.executable, "-P", "-m", "gateway", "openapi"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return json.dumps(json.loads(done.stdout), indent=2, ensure_ascii=False) + "\n"


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    ".env.example": settings.env_example,
    "docs/settings.md": settings.table,
    "docs/api/errors.md": errors.catalogue,
    "docs/api/openapi.json": openapi,
}


def main() -> int:
    """Write or check all documents; return the exit status."""
    is_check = sys.argv[1:] == ["--check"]
    stale: list[str] = []
    for name, make in DOCUMENTS.items():
        path, text = ROOT / name, make()
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(name)
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"{name}: written")
    if is_check and stale:
        print(f"Stale: {', '.join(stale)}. Run `make docs` and commit the result.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
