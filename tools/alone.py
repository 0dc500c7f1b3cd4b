"""Prove that one deployable stands alone: `make alone S=auth`.

A new virtual environment gets what the deployable's own `requirements-test.lock` names, the contracts, the kit and
the deployable, and nothing else. In it its tests run (`tools/alone.py auth unit`: those of one folder), and it is
started by itself and asked whether it is up.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from workspace import ROOT, deployables

LIBRARIES = ("protos", "libs/kit")
READY_SECONDS = 30.0


def prove(deployable: str, level: str) -> None:
    """Install, test and start one deployable, named by it or its folder; ends the process if a step fails."""
    folder = next((member.folder for member in deployables() if member.folder.name == Path(deployable).name), None)
    if folder is None:
        sys.exit("Name a deployable: make alone S=auth")
    with tempfile.TemporaryDirectory(prefix="plaza-alone-") as directory:
        venv.create(directory, with_pip=True)
        python = f"{directory}/bin/python"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-deps"]
        run([*pip, "--require-hashes", "-r", str(folder / "requirements-test.lock")])
        editables = [option for part in (*LIBRARIES, folder) for option in ("-e", str(ROOT / part))]
        run([*pip, "--no-build-isolation", *editables])
        run([python, "-m", "pip", "--disable-pip-version-check", "check"])
        run([python, "-m", "pytest", "-q", "-n", "auto", str(folder / "tests" / level)])
        run([python, __file__, "--start", folder.name, directory])


def run(command: list[str]) -> None:
    """Run one step and end the process if it fails."""
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(status)


async def start(name: str, directory: Path) -> None:
    """Start one service with SQLite and without Redis or any other process, wait until it is ready, and stop it."""
    from plaza_kit.testing import processes
    from plaza_kit.testing.polling import eventually
    from plaza_stack.deployables import Wiring, find_deployables
    from plaza_stack.keys import Keys

    gateway, found = find_deployables()
    services = {service.name: service for service in found}
    if name not in services:  # the gateway is ready when the services are
        return
    (directory / "keys").mkdir()
    keys = Keys(directory / "keys")
    gateway.make_secrets(keys)  # the service trusts it, whether it runs or not
    wiring = Wiring(
        redis_url=f"redis://127.0.0.1:{processes.free_port()}/0",
        databases={name: f"sqlite:///{directory}/{name}.db"},
        ports={name: processes.free_port()},
        folder=directory,
        keys=keys,
    )
    program = services[name].service(wiring)
    log = directory / "log"
    process = processes.start(program.argv, log=log, env=dict(program.environment))
    try:
        await eventually(program.probe, READY_SECONDS)
        print(f"{name} starts alone.")
    except AssertionError:
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        processes.stop(process)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--start"]:
        os.environ.pop("PYTHONPATH", None)
        asyncio.run(start(sys.argv[2], Path(sys.argv[3])))
    else:
        prove(sys.argv[1] if len(sys.argv) > 1 else "", "".join(sys.argv[2:3]))
