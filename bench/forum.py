"""The forum at three sizes: reads hot and cold, writes, search, and how their cost grows with the tables."""

import asyncio
import json
import random
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from bench import corpus
from bench.load import Request, Sample, measure, median, table
from bench.plot import Growth, draw_growth
from bench.running import ROOT, Stack, baseline, stack
from plaza_kit.testing.polling import wait_until
from plaza_kit.testing.stack import PrivateServer, start_mariadb

STEPS = (100, 10, 1)
"""The sizes, as divisors of the largest one."""
MARIADB = ("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=256M")
SETTINGS = {"PLAZA_FORUM_NEW_USER_AGE": "0", "PLAZA_FORUM_DUPLICATE_WINDOW": "0"}
"""Whoever was made a minute ago may write as much as the benchmark does."""
WRITER = {"username": "writer", "password": "correct horse battery"}
TEXT = "A post of ordinary length with a [link](https://example.org), *emphasis* and\\n\\n* a list\\n* of two. "
BASELINE = "FastAPI route with the list's parameters, same bytes"
CONNECTIONS = 64
SEARCHES = 300
ARRIVALS = 200
INDEX_SECONDS = 900.0
AIMS = {"hot": 0.6, "cold": 9.0, "write": 1.3, "p99": 3.0, "search_ms": 50.0, "arrival_ms": 25.0}
PLOT = ROOT / "docs" / "benchmarks-forum.png"


def measure_all(folder: Path, *, posts: int, draw: bool, seconds: int, rounds: int) -> str:
    """Measure everything and return it as Markdown; `draw` writes the plot too."""
    growth: list[Growth] = []
    with ExitStack() as running:
        mariadb = start_mariadb(folder / "mariadb", options=MARIADB)
        running.callback(mariadb.stop)
        with stack(folder, mariadb.url, **SETTINGS) as plaza:
            token, forum_url = sign_in(plaza.url), plaza.databases["forum"]
        for step in STEPS:
            size = max(10, posts // step)
            corpus.fill(forum_url, posts=size)
            forget_index(folder)
            with stack(folder, mariadb.url, PLAZA_GATEWAY_CACHE_BYTES="0", **SETTINGS) as plaza:
                print(f"forum: {size} posts, {wait_for_index(plaza.url):.0f} s until they can be found", flush=True)
                growth.append(measure_growth(plaza, mariadb, token=token, size=size, folder=folder, seconds=seconds))
        cases = measure_cases(folder, mariadb, token=token, posts=posts, seconds=seconds, rounds=rounds)
        with stack(folder, mariadb.url, **SETTINGS) as plaza:
            arrivals = asyncio.run(measure_arrivals(plaza, token))
    if draw:
        draw_growth(growth, PLOT)
    return report(cases, growth, arrivals)


def sign_in(url: str) -> str:
    """Register the writer and return an access token."""
    with httpx.Client(base_url=url, timeout=10) as client:
        client.post("/users/register/", json=WRITER)
        return str(client.post("/users/login/", json=WRITER).raise_for_status().json()["token"])


def wait_for_index(url: str) -> float:
    """Wait until the search answers; returns how long that took."""
    started = time.monotonic()
    wait_until(lambda: httpx.get(f"{url}/search?q=garden").status_code == 200, INDEX_SECONDS)
    return time.monotonic() - started


def forget_index(folder: Path) -> None:
    """Let the next run build the search index anew: the tables were written behind the forum's back."""
    for path in (folder / "data").glob("databases/*search*"):
        shutil.rmtree(path)


def measure_growth(
    plaza: Stack, mariadb: PrivateServer, *, token: str, size: int, folder: Path, seconds: int
) -> Growth:
    """Return the median times of what must not grow with the tables, one request at a time."""
    signed = (f"Authorization: Bearer {token}",)
    requests = {
        "list, first page": Request(f"{plaza.url}/posts/list/?page_size=20"),
        "list, page in the middle": Request(f"{plaza.url}/posts/list/?page_size=20&page={max(1, size // 40)}"),
        "detail": Request(f"{plaza.url}/posts/detail/%d/", spread=size),
        "vote": Request(f"{plaza.url}/posts/%d/vote", "PUT", signed, '{"value": %v}', spread=size),
    }
    pids = {**plaza.pids, "database": mariadb.pid}
    times = {
        name: measure(request, pids, connections=1, seconds=seconds, folder=folder).p50_ms
        for name, request in requests.items()
    }
    found = search_times(plaza.url)
    times["search"] = statistics.median(found)
    return Growth(posts=size, times_ms=times, search_p95_ms=percentile(found, 95))


def search_times(url: str) -> list[float]:
    """Return the times in ms of searches for two-character Chinese words and for English phrases, in turn."""
    words = corpus.Words(7)
    pick = random.Random(11)

    def queries() -> Iterator[str]:
        while True:
            yield pick.choice(words.chinese[:500])
            yield f'"{pick.choice(words.english[:120])} {pick.choice(words.english[:120])}"'

    times = []
    with httpx.Client(base_url=url, timeout=10) as client:
        for _, query in zip(range(SEARCHES), queries(), strict=False):
            started = time.perf_counter()
            client.get("/search", params={"q": query}).raise_for_status()
            times.append((time.perf_counter() - started) * 1000)
    return times


def measure_cases(
    folder: Path, mariadb: PrivateServer, *, token: str, posts: int, seconds: int, rounds: int
) -> dict[str, Sample]:
    """Measure reads and writes over 64 connections next to FastAPI routes that return the bytes of the list."""
    samples: dict[str, list[Sample]] = {}
    with ExitStack() as running:
        plaza = running.enter_context(stack(folder, mariadb.url, **SETTINGS))
        names = ("gateway", "forum", "forum-consume")
        pids = {**{name: plaza.pids[name] for name in names}, "database": mariadb.pid}
        body = httpx.get(f"{plaza.url}/posts/list/?page_size=20").raise_for_status().content
        todo = {name: (request, pids) for name, request in requests_of(plaza.url, token, posts).items()}
        for name, kind in ((BASELINE, "list"), ("FastAPI route without parameters, same bytes", "bytes")):
            at, its_pids = running.enter_context(baseline(kind, body=body))
            todo[name] = (Request(f"{at}?page_size=20"), its_pids)
        for request, its_pids in todo.values():  # warm up
            measure(request, its_pids, connections=CONNECTIONS, seconds=1, folder=folder)
        for number in range(rounds):
            for name, (request, its_pids) in todo.items():
                sample = measure(request, its_pids, connections=CONNECTIONS, seconds=seconds, folder=folder)
                samples.setdefault(name, []).append(sample)
            print(f"forum: round {number + 1} of {rounds} is done", flush=True)
    return {name: median(taken) for name, taken in samples.items()}


def requests_of(url: str, token: str, posts: int) -> dict[str, Request]:
    """Return what is measured; an unknown parameter makes an answer that nobody has asked for before: a cold one."""
    thirty = posts - posts % 10
    signed = (f"Authorization: Bearer {token}",)
    post = json.dumps({"title": "A post of the benchmark, %d", "content": TEXT + "%d"})
    return {
        "list of 20, hot": Request(f"{url}/posts/list/?page_size=20"),
        "list of 20, cold": Request(f"{url}/posts/list/?page_size=20&cold=%d"),
        "detail with 30 replies, hot": Request(f"{url}/posts/detail/{thirty}/"),
        "detail with 30 replies, cold": Request(f"{url}/posts/detail/{thirty}/?cold=%d"),
        "new post": Request(f"{url}/posts/create/", "POST", signed, post),
    }


async def measure_arrivals(plaza: Stack, token: str) -> list[float]:
    """Return the times in ms from sending a post to its event at a subscriber of the bus, one post at a time."""
    redis: Any = Redis.from_url(plaza.redis_url)
    stream = "plaza:events:forum:0"
    times = []
    async with httpx.AsyncClient(base_url=plaza.url, headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(ARRIVALS):
            last = await redis.xrevrange(stream, count=1)
            position = last[0][0] if last else b"0-0"
            started = time.perf_counter()
            event = asyncio.ensure_future(redis.xread({stream: position}, block=5000))
            post = {"title": f"Arrival {number} of {time.time_ns()}", "content": TEXT}
            (await client.post("/posts/create/", json=post)).raise_for_status()
            assert await event, "no event within 5 s"
            times.append((time.perf_counter() - started) * 1000)
    await redis.aclose()
    return times


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile, 1 to 99."""
    return statistics.quantiles(values, n=100)[percent - 1]


def report(cases: dict[str, Sample], growth: list[Growth], arrivals: list[float]) -> str:
    """Return the tables and what they say, as Markdown."""
    unit = cases[BASELINE].own_cpu_us
    hot, cold, write = (cases[name] for name in ("list of 20, hot", "list of 20, cold", "new post"))
    operations = list(growth[0].times_ms)
    largest = growth[-1]
    verdicts = (
        ("hot list / FastAPI route, CPU", hot.own_cpu_us / unit, AIMS["hot"]),
        ("cold list / FastAPI route, CPU", cold.own_cpu_us / unit, AIMS["cold"]),
        ("new post / cold list, CPU", write.own_cpu_us / cold.own_cpu_us, AIMS["write"]),
        ("hot list, p99 / p50", hot.p99_ms / hot.p50_ms, AIMS["p99"]),
        ("cold list, p99 / p50", cold.p99_ms / cold.p50_ms, AIMS["p99"]),
        ("search, p95 in ms", largest.search_p95_ms, AIMS["search_ms"]),
        ("new post to its event at a subscriber, p50 in ms", statistics.median(arrivals), AIMS["arrival_ms"]),
    )
    lines = [
        table(cases, unit, "FastAPI route"),
        "",
        "| | measured | at most | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {value:.2f} | {aim:g} | {'holds' if value <= aim else 'missed'} |"
            for name, value, aim in verdicts
        ),
        "",
        f"| posts / replies | {' | '.join(operations)} | search p95 |",
        f"|---|{'---|' * (len(operations) + 1)}",
        *(
            f"| {step.posts:,} / {10 * step.posts:,} "
            f"| {' | '.join(f'{step.times_ms[name]:.2f}' for name in operations)} | {step.search_p95_ms:.1f} |"
            for step in growth
        ),
        "",
        "Times in ms, one request at a time, without the gateway's cache.",
    ]
    return "\n".join(lines)
