"""`python -m gateway serve`, `check-config` or `openapi`."""

import os
import socket
import sys
from functools import partial

from gateway.app import create_app
from gateway.catalogue import load_catalogue
from gateway.openapi import document_json
from gateway.routes import ROUTES
from gateway.server import Server, open_socket
from gateway.settings import Settings
from plaza_kit.app import run
from plaza_kit.logging import configure_logging
from plaza_kit.settings import describe, load

USAGE = "usage: python -m gateway serve | check-config | openapi\n"


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    if arguments == ["serve"]:
        return serve(load(Settings))
    if arguments == ["check-config"]:
        sys.stdout.write(describe(load(Settings)) + "\n")
        return 0
    if arguments == ["openapi"]:
        sys.stdout.write(document_json(ROUTES, load_catalogue()).decode() + "\n")
        return 0
    sys.stderr.write(USAGE)
    return 2


def serve(settings: Settings) -> int:
    """Serve until a signal; returns the exit code."""
    configure_logging("gateway", settings.log_level, settings.log_format)
    try:
        listener = open_socket(settings)
    except OSError as error:
        sys.stderr.write(f"PLAZA_GATEWAY_BIND: cannot listen on {settings.bind}: {os.strerror(error.errno or 0)}\n")
        return 2
    with listener:
        return run(partial(serve_on, listener, settings))


async def serve_on(listener: socket.socket, settings: Settings) -> int:
    """Serve on an open socket; the parts are built here because channels belong to the running loop."""
    try:
        app = create_app(settings)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"PLAZA_GATEWAY_INTERNAL_KEY_FILE: {error}\n")
        return 2
    server = Server(app, app.runtime)
    await server.serve(sockets=[listener])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
