"""Run a command of a service on the data of `make run`: `tools/command.py [--data .plaza] auth create-admin alice`.

The service gets the settings that `make run` gives it; Plaza may be running or not.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from plaza_stack.deployables import Wiring, choose_ports, find_deployables
from plaza_stack.keys import Keys
from plaza_stack.options import read_options
from plaza_stack.problem import StackError
from plaza_stack.servers import DatabaseServer


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="tools/command.py", description=__doc__)
    parser.add_argument("--data", default=".plaza", help="the folder of the run (.plaza)")
    parser.add_argument("service", help="a service, e.g. auth")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what follows `python -m <service>`")
    arguments = parser.parse_args()
    data = Path(arguments.data).absolute()
    services = {service.name: service for service in find_deployables()[1]}
    if arguments.service not in services:
        sys.exit(f"There is no service {arguments.service}: {', '.join(services)}.")
    if not (data / "keys").is_dir():
        sys.exit(f"{data} holds no data yet: start Plaza once with `make run`.")
    try:
        server = read_options([], os.environ).database
        url = DatabaseServer(server).database(arguments.service) if server else ""
    except StackError as error:
        sys.exit(str(error))
    wiring = Wiring(
        redis_url=os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0",  # a command publishes nothing itself
        databases={arguments.service: url or f"sqlite:///{data / 'databases' / arguments.service}.db"},
        ports=choose_ports(list(services.values())),
        folder=data / "databases",
        keys=Keys(data / "keys"),
    )
    program = services[arguments.service].service(wiring)
    command = [sys.executable, "-P", "-m", arguments.service, *arguments.command]
    return subprocess.run(command, env=dict(program.environment), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
