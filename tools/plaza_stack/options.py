"""What the person asked for."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from plaza_stack.problem import StackError


@dataclass(frozen=True)
class Options:
    """The command line and environment of one run; `data` is absolute, port 0 means any free one."""

    host: str
    port: int
    data: Path
    database: SplitResult | None
    redis_url: str | None
    ready_file: Path | None


def read_options(argv: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read the command line; DATABASE and REDIS_URL come from the environment, since they may hold passwords.

    Raises:
        StackError: A value does not mean anything.
    """
    parser = argparse.ArgumentParser(prog="tools/stack.py", description="Run Plaza on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address the gateway listens on (127.0.0.1)")
    parser.add_argument("--port", default="8000", help="port the gateway listens on (8000); 0 takes a free one")
    parser.add_argument("--data", default=".plaza", help="folder for databases, keys and logs (.plaza)")
    parser.add_argument("--ready-file", type=Path, help="write this JSON file once everything is ready")
    parser.epilog = "Environment: DATABASE=mysql://user:password@host:port/ and REDIS_URL=redis://host:port/0"
    arguments = parser.parse_args(argv)
    return Options(
        host=arguments.host,
        port=_port(arguments.port),
        data=Path(arguments.data).absolute(),
        database=_database(environment.get("DATABASE", "")),
        redis_url=environment.get("REDIS_URL") or None,
        ready_file=arguments.ready_file and arguments.ready_file.absolute(),
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise StackError(f"PORT={text} is no port: use a number from 1 to 65535.")
    return int(text)


def _database(text: str) -> SplitResult | None:
    if not text:
        return None
    wanted = "use DATABASE=mysql://user:password@host:port/ (each service gets a database of its own there)"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise StackError(f"DATABASE is no URL: {wanted}.") from None
    if url.scheme != "mysql" or not url.hostname or not url.username or port == 0:
        raise StackError(f"DATABASE does not name a MySQL or MariaDB server and a user: {wanted}.")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise StackError(f"DATABASE must not go on after the port: {wanted}.")
    return url
