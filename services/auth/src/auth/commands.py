"""The command line of the service.

Exit codes: 0 done or stopped by a signal, 1 failed, 2 wrong command line or configuration (one line on stderr).
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from auth import keys, processes
from auth.main import SERVICE, Service
from auth.settings import AuthSettings
from plaza_kit.app import run
from plaza_kit.errors import PlazaError
from plaza_kit.logging import configure_logging
from plaza_kit.settings import describe, load

COMMANDS = ("check-config", "create-admin", "keys")


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit code."""
    try:
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments)
        return _roles(arguments)
    except (keys.KeyDirectoryError, ValueError, OSError) as error:
        return _refuse(str(error), code=2)


def _roles(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m auth",
        usage="python -m auth {migrate,serve,relay}... | check-config | create-admin USERNAME | keys ACTION",
    )
    parser.add_argument("roles", nargs="+", choices=processes.ROLES, help="what this process does")
    roles = parser.parse_args(arguments).roles
    settings = _load()
    if "migrate" in roles:
        processes.run_migrations(settings)
    if set(roles) == {"migrate"}:
        return 0
    return run(lambda: processes.run_roles(settings, roles))


def _command(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m auth")
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check-config", help="print the effective settings, secrets masked")
    check.set_defaults(run=_check_config)
    admin = commands.add_parser("create-admin", help="create an admin, or make a user one")
    admin.add_argument("username")
    admin.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    admin.set_defaults(run=_create_admin)
    key = commands.add_parser("keys", help="the keys that sign access tokens")
    actions = key.add_subparsers(required=True)
    actions.add_parser("add", help="make a key; the first one signs").set_defaults(run=_keys_add)
    actions.add_parser("list", help="show the keys").set_defaults(run=_keys_list)
    for name, function, text in (
        ("activate", _keys_activate, "let a key sign from now on"),
        ("remove", _keys_remove, "delete a key that does not sign; its tokens are refused"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("kid")
        action.set_defaults(run=function)
    parsed = parser.parse_args(arguments)
    function_: Callable[[argparse.Namespace], int] = parsed.run
    return function_(parsed)


def _load() -> AuthSettings:
    settings = load(AuthSettings)
    configure_logging(SERVICE, settings.log_level, settings.log_format)
    return settings


def _check_config(_: argparse.Namespace) -> int:
    _say(describe(_load()))
    return 0


def _create_admin(arguments: argparse.Namespace) -> int:
    settings = _load()
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass(f"Password of {arguments.username}: ")

    async def create() -> int:
        service = Service(settings)
        try:
            user_id, is_new = await service.admins.ensure(arguments.username, password)
        except PlazaError as error:
            limits = ", ".join(f"{found.field} {found.code} {found.limit or ''}".strip() for found in error.violations)
            return _refuse(f"{error.reason}: {limits or error}", code=1)
        finally:
            await service.close()
        _say(f"user {user_id} {'was created as' if is_new else 'is'} admin")
        return 0

    return asyncio.run(create())


def _keys_add(_: argparse.Namespace) -> int:
    _say(keys.add_key(_directory()))
    return 0


def _keys_list(_: argparse.Namespace) -> int:
    directory = _directory()
    active = keys.active_kid(directory)
    for kid in keys.list_kids(directory):
        _say(f"{kid} active" if kid == active else kid)
    return 0


def _keys_activate(arguments: argparse.Namespace) -> int:
    keys.activate_key(_directory(), arguments.kid)
    return 0


def _keys_remove(arguments: argparse.Namespace) -> int:
    keys.remove_key(_directory(), arguments.kid)
    return 0


def _directory() -> Path:
    return _load().signing_keys_dir


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _refuse(text: str, *, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code
