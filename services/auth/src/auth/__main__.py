"""`python -m auth`: see `usage`."""

import sys

from auth.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
