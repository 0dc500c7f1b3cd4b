"""Load by wrk, and the CPU time that server processes spend under it."""

import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
_SUMMARY = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)")
# wrk's own report rounds; this one gives microseconds and counts, and sends what is not a plain GET.
_SCRIPT = """
wrk.method = "{method}"
wrk.body = {body}
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad))
end
"""


@dataclass(frozen=True)
class Request:
    """What is asked, over and over."""

    url: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: str = ""


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
    def total_cpu_us(self) -> float:
        """All named processes together."""
        return sum(self.cpu_us.values())


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
    script.write_text(_SCRIPT.format(method=request.method, body=f"[==[{request.body}]==]" if request.body else "nil"))
    headers = [part for header in request.headers for part in ("-H", header)]
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    run = subprocess.run(
        [program, *options, *headers, request.url],
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
