"""Start helper programs that cannot outlive us, on ports nobody else will take."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from plaza_kit.testing import launcher

# Below the range from which Linux takes the local ports of outgoing connections (32768 up), so that a server which
# is being restarted cannot lose its port to a client, not even to one that is trying to reach it.
PORTS = range(20_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of `host` to which a server can be bound now.

    Raises:
        OSError: No free port was found among 100 random ones.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on {host} in {PORTS.start}-{PORTS.stop}")


def bound_to_us(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` (an absolute path and arguments) and is killed when this process dies.

    It must be started from the main thread: the kernel watches the thread that forked.
    """
    return [sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(os.getpid()), *argv]


def start(argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own, its output appended to `log`, bound to the life of this process."""
    with log.open("ab") as output:
        return subprocess.Popen(
            bound_to_us(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            start_new_session=True,
        )


def stop(process: "subprocess.Popen[bytes]", *, timeout_seconds: float = 10.0) -> int:
    """End a program by its id, first politely, after `timeout_seconds` by force; return its exit status."""
    process.terminate()
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
