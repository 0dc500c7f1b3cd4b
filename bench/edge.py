"""The edge and the whole path of a profile read and a sign-in, next to what the least of servers cost."""

import json
from contextlib import ExitStack
from pathlib import Path

import httpx

from bench.load import Request, Sample, measure, median, table
from bench.running import baseline, stack
from plaza_kit.testing.stack import start_mariadb

# Two accounts: one signs in thousands of times, and only the last 200 sessions of an account stay alive.
READER, LOGIN = ({"username": name, "password": "correct horse battery"} for name in ("reader", "login"))
LIMIT = 7.0
"""The profile read may cost this many times the CPU of the bare FastAPI route, the database not counted."""


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


def run(folder: Path, *, seconds: int, rounds: int, connections: int) -> dict[str, Sample]:
    """Measure every case in every round; returns the medians by name of the case."""
    samples: dict[str, list[Sample]] = {}
    with ExitStack() as running:
        mariadb = start_mariadb(folder / "mariadb")
        running.callback(mariadb.stop)
        plaza = running.enter_context(stack(folder, mariadb.url))
        pids = {"auth": plaza.pids["auth"], "gateway": plaza.pids["gateway"], "database": mariadb.pid}
        todo = {name: (request, pids) for name, request in cases(plaza.url, sign_in(plaza.url)).items()}
        for name, kind in (("bare ASGI", "asgi"), ("bare FastAPI route", "fastapi"), ("typed FastAPI route", "typed")):
            at, its_pids = running.enter_context(baseline(kind))
            todo[name] = (Request(at), its_pids)
        for request, its_pids in todo.values():  # warm up
            measure(request, its_pids, connections=connections, seconds=1, folder=folder)
        for number in range(rounds):
            for name, (request, its_pids) in todo.items():
                sample = measure(request, its_pids, connections=connections, seconds=seconds, folder=folder)
                samples.setdefault(name, []).append(sample)
            print(f"edge: round {number + 1} of {rounds} is done", flush=True)
    return {name: median(taken) for name, taken in samples.items()}


def report(results: dict[str, Sample]) -> str:
    """Return the table and what it says, as Markdown."""
    fastapi, typed = (results[f"{kind} FastAPI route"].own_cpu_us for kind in ("bare", "typed"))
    profile = results["`GET /users/profile/`"].own_cpu_us
    verdict = "holds" if profile / fastapi <= LIMIT else "is missed"
    return (
        f"{table(results, fastapi, 'bare FastAPI')}\n\n"
        "CPU per request is that of gateway and service; the database's share is shown and not counted. "
        f"The profile read costs {profile / fastapi:.1f} times the bare FastAPI route (the aim of at most {LIMIT:.0f} "
        f"{verdict}) and {profile / typed:.1f} times the typed one."
    )
