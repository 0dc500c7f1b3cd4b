"""`python -m forum`: see `usage`."""

import sys

from forum.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
