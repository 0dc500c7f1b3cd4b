"""Measure the house on this machine: `make bench` (or `python -m bench`, with `--seconds 1 --rounds 1` for a look).

Every case runs in every round, next to the two baselines, so that all figures come from one run; the table shows the
medians and goes to docs/benchmarks.md. The database is a private MariaDB whose CPU time is shown apart.
"""

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.load import Request, Sample, measure, median
from plaza_kit.testing.processes import free_port
from plaza_kit.testing.stack import start_mariadb

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- edge: begin -->", "<!-- edge: end -->"
# Two accounts: one signs in thousands of times, and only the last 200 sessions of an account stay alive.
READER, LOGIN = ({"username": name, "password": "correct horse battery"} for name in ("reader", "login"))
LIMIT = 7.0
"""The profile read may cost this many times the CPU of the bare FastAPI route, the database not counted."""


@contextmanager
def baseline(kind: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Run one of the baselines; yields its address and process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.baselines", kind, str(port)], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}/"
        httpx.HTTPTransport(retries=20).handle_request(httpx.Request("GET", url)).close()
        yield url, {kind: process.pid}
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def stack(folder: Path, database_url: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Run Plaza with limits that do not bite; yields its address and the processes by name."""
    ready = folder / "ready.json"
    high = {f"PLAZA_GATEWAY_RATE_{kind}_PER_MINUTE": "10000000" for kind in ("READ", "WRITE", "CREDENTIALS")}
    logs = {f"PLAZA_{name}_LOG_FORMAT": "json" for name in ("GATEWAY", "AUTH")}  # as in production
    environment = os.environ | high | logs | {"DATABASE": database_url}
    command = [sys.executable, "tools/stack.py", "--port", "0", "--data", str(folder / "data")]
    process = subprocess.Popen(
        [*command, "--ready-file", str(ready)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while not ready.exists():
            try:
                sys.exit(f"bench: the stack ended with {process.wait(0.1)}")
            except subprocess.TimeoutExpired:
                continue
        state = json.loads(ready.read_text())
        yield state["url"], {name: pid for name, pid in state["pids"].items() if name != "redis"}
    finally:
        process.terminate()
        process.wait(60)


def sign_in(url: str) -> str:
    """Register the accounts of the benchmark and return the reader's access token."""
    with httpx.Client(base_url=url, timeout=10) as client:
        for credentials in (READER, LOGIN):
            client.post("/users/register/", json=credentials).raise_for_status()
        return str(client.post("/users/login/", json=READER).raise_for_status().json()["token"])


def cases(url: str, token: str) -> dict[str, Request]:
    """Return what is measured of Plaza."""
    return {
        "`GET /livez`": Request(f"{url}/livez"),
        "`GET /users/profile/`": Request(f"{url}/users/profile/", headers=(f"Authorization: Bearer {token}",)),
        "`POST /users/login/`": Request(f"{url}/users/login/", "POST", body=json.dumps(LOGIN)),
    }


def run(*, seconds: int, rounds: int, connections: int) -> dict[str, Sample]:
    """Measure every case in every round; returns the medians by name of the case."""
    samples: dict[str, list[Sample]] = {}
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="plaza-bench-")))
        mariadb = start_mariadb(folder / "mariadb")
        running.callback(mariadb.stop)
        url, pids = running.enter_context(stack(folder, mariadb.url))
        pids = {**pids, "database": mariadb.pid}
        todo = {name: (request, pids) for name, request in cases(url, sign_in(url)).items()}
        for name, kind in (("bare ASGI", "asgi"), ("bare FastAPI route", "fastapi"), ("typed FastAPI route", "typed")):
            at, its_pids = running.enter_context(baseline(kind))
            todo[name] = (Request(at), its_pids)
        for request, its_pids in todo.values():  # warm up
            measure(request, its_pids, connections=connections, seconds=1, folder=folder)
        for number in range(rounds):
            for name, (request, its_pids) in todo.items():
                sample = measure(request, its_pids, connections=connections, seconds=seconds, folder=folder)
                samples.setdefault(name, []).append(sample)
            print(f"round {number + 1} of {rounds} is done", flush=True)
    return {name: median(taken) for name, taken in samples.items()}


def own_cpu(sample: Sample) -> float:
    """Return the CPU time per request without the database's."""
    return sum(value for part, value in sample.cpu_us.items() if part != "database")


def report(results: dict[str, Sample], command: str) -> str:
    """Return the table and what it says, as Markdown."""
    fastapi = results["bare FastAPI route"].total_cpu_us
    lines = [
        f"{dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores {platform.machine()}, "
        f"Python {platform.python_version()}, `{command}`; wrk on the same machine.",
        "",
        "| | requests/s | p50 ms | p99 ms | CPU us per request | x bare FastAPI | of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, sample in results.items():
        own = own_cpu(sample)
        parts = (
            ", ".join(f"{part} {value:.0f}" for part, value in sample.cpu_us.items()) if len(sample.cpu_us) > 1 else ""
        )
        lines.append(
            f"| {name} | {sample.rate:,.0f} | {sample.p50_ms:.2f} | {sample.p99_ms:.2f} "
            f"| {own:.0f} | {own / fastapi:.2f} | {parts} |"
        )
    profile = results["`GET /users/profile/`"]
    typed = results["typed FastAPI route"].total_cpu_us
    ratio = own_cpu(profile) / fastapi
    verdict = "holds" if ratio <= LIMIT else "is missed"
    lines += [
        "",
        "CPU per request is that of gateway and service; the database's share is shown and not counted. "
        f"The profile read costs {ratio:.1f} times the bare FastAPI route (the aim of at most {LIMIT:.0f} {verdict}) "
        f"and {own_cpu(profile) / typed:.1f} times the typed one.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the figures into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="length of one measurement (default 4)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements per case (default 5)")
    parser.add_argument("--connections", type=int, default=16, help="open connections (default 16)")
    parser.add_argument("--no-report", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    results = run(seconds=options.seconds, rounds=options.rounds, connections=options.connections)
    text = report(results, "make bench")
    print(text)
    if not options.no_report:
        before, _, rest = REPORT.read_text().partition(START)
        REPORT.write_text(f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
