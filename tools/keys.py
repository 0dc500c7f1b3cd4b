"""Make the keys of a deployment, once: `python tools/keys.py FOLDER`. Keys that are there stay as they are."""

import sys
from pathlib import Path

from plaza_stack.deployables import find_deployables
from plaza_stack.keys import Keys


def main() -> None:
    """Make every key that a deployable says it needs."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    gateway, services = find_deployables()
    keys = Keys(folder)
    for deployable in (gateway, *services):
        deployable.make_secrets(keys)
    print(f"keys are in {folder}")


if __name__ == "__main__":
    main()
