"""The command line of the service.

Exit codes: 0 done or stopped by a signal, 1 failed, 2 wrong command line or configuration (one line on stderr).
"""

import argparse
import sys
from collections.abc import Sequence

from forum import processes
from forum.main import SERVICE
from forum.settings import ForumSettings
from plaza_kit.app import run
from plaza_kit.logging import configure_logging
from plaza_kit.settings import describe, load


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m forum", usage="python -m forum {migrate,serve,relay,consume}... | check-config"
    )
    parser.add_argument("roles", nargs="+", choices=(*processes.ROLES, "check-config"), help="what this process does")
    roles = parser.parse_args(arguments).roles
    if "check-config" in roles and len(roles) > 1:
        parser.error("check-config stands alone")
    settings = load(ForumSettings)
    configure_logging(SERVICE, settings.log_level, settings.log_format)
    try:
        return _run(settings, roles)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(settings: ForumSettings, roles: Sequence[str]) -> int:
    if "check-config" in roles:
        sys.stdout.write(f"{describe(settings)}\n")
        return 0
    if "migrate" in roles:
        processes.run_migrations(settings)
    if set(roles) == {"migrate"}:
        return 0
    return run(lambda: processes.run_roles(settings, roles))
