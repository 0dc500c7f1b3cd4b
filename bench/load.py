"""Load by wrk, and the CPU time that server processes spend under it."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

TICK = os.sysconf("SC_CLK_TCK")
_BESIDE = ("database", "forum-consume")
"""Shown and not counted: the database, and what works on events after the answer."""
_SUMMARY = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)")
# wrk's own report rounds; this one gives microseconds and counts, and sends what is not a plain GET. A `%d` in path or
# body is another number each time, a `%v` in a body is 1 or -1.
_SCRIPT = """
local count = {first}
local path, body = [==[{path}]==], {body}
request = function()
  count = count + 1
  local number = string.format("%.0f", {number})
  local value = math.random(2) * 2 - 3
  return wrk.format("{method}", (path:gsub("%%d", number)), nil, body and (body:gsub("%%d", number):gsub("%%v", value)))
end
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad))
end
"""


@dataclass(frozen=True)
class Request:
    """What is asked, over and over.

    Attributes:
        url: Where; `%d` is a number.
        method: How.
        headers: As lines.
        body: Likewise with a number for each `%d`, and 1 or -1 for each `%v`.
        spread: The numbers are drawn from 1 to this; 0 counts up, and never gives a number twice.
    """

    url: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: str = ""
    spread: int = 0


@dataclass(frozen=True)
class Sample:
    """One run of load.

    Attributes:
        rate: Requests per second.
        p50_ms: Median latency.
        p99_ms: 99th percentile of latency.
        cpu_us: CPU time of the named processes per request, user and system, in microseconds, by name.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]

    @property
    def own_cpu_us(self) -> float:
        """The processes that a request is answered by, without the database."""
        return sum(value for name, value in self.cpu_us.items() if name not in _BESIDE)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measure(request: Request, pids: dict[str, int], *, connections: int, seconds: int, folder: Path) -> Sample:
    """Send a request over all connections for some seconds.

    Raises:
        SystemExit: wrk is missing, or an answer was not a success.
    """
    program = shutil.which("wrk")
    if program is None:
        sys.exit("bench: wrk is not installed (Debian: apt-get install wrk)")
    script = folder / "request.lua"
    parts = urlsplit(request.url)
    script.write_text(
        _SCRIPT.format(
            method=request.method,
            path=f"{parts.path}?{parts.query}" if parts.query else parts.path,
            body=f"[==[{request.body}]==]" if request.body else "nil",
            number=f"math.random({request.spread})" if request.spread else "count",
            first=time.time_ns() // 1000,
        )
    )
    headers = [part for header in request.headers for part in ("-H", header)]
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    run = subprocess.run(
        [program, *options, *headers, f"{parts.scheme}://{parts.netloc}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    found = _SUMMARY.search(run.stdout)
    if found is None or int(found[5]) or not int(found[1]):
        sys.exit(f"bench: {request.method} {request.url} did not succeed:\n{run.stdout}")
    count, duration_us, p50_us, p99_us = (int(found[index]) for index in range(1, 5))
    return Sample(
        rate=count / duration_us * 1e6,
        p50_ms=p50_us / 1000,
        p99_ms=p99_us / 1000,
        cpu_us={name: seconds_used / count * 1e6 for name, seconds_used in used.items()},
    )


def median(samples: Sequence[Sample]) -> Sample:
    """Return the sample of medians."""
    return Sample(
        rate=statistics.median(sample.rate for sample in samples),
        p50_ms=statistics.median(sample.p50_ms for sample in samples),
        p99_ms=statistics.median(sample.p99_ms for sample in samples),
        cpu_us={name: statistics.median(sample.cpu_us[name] for sample in samples) for name in samples[0].cpu_us},
    )


def table(results: Mapping[str, Sample], unit_us: float, unit: str) -> str:
    """Return samples as a Markdown table, their CPU time also as multiples of a baseline's."""
    lines = [
        f"| | requests/s | p50 ms | p99 ms | CPU us per request | x {unit} | of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, sample in results.items():
        parts = ", ".join(f"{part} {value:.0f}" for part, value in sample.cpu_us.items())
        lines.append(
            f"| {name} | {sample.rate:,.0f} | {sample.p50_ms:.2f} | {sample.p99_ms:.2f} | {sample.own_cpu_us:.0f} "
            f"| {sample.own_cpu_us / unit_us:.2f} | {parts if len(sample.cpu_us) > 1 else ''} |"
        )
    return "\n".join(lines)
