"""Measure the house on this machine: `make bench`, or `python -m bench edge --seconds 1 --rounds 1` for a look.

Every case runs in every round, next to its baselines, so that all figures come from one run; the tables show medians
and go to docs/benchmarks.md. The database is a private MariaDB whose CPU time is shown apart.
"""

import argparse
import datetime as dt
import os
import platform
import tempfile
from pathlib import Path

from bench import edge, forum
from bench.running import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
PARTS = ("edge", "forum")


def main() -> None:
    """Measure, print, and write the figures into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless some are named")
    parser.add_argument("--seconds", type=int, default=4, help="length of one measurement (default 4)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements per case (default 5)")
    parser.add_argument("--connections", type=int, default=16, help="open connections at the edge (default 16)")
    parser.add_argument("--posts", type=int, default=100_000, help="size of the largest forum (default 100000)")
    parser.add_argument("--no-report", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    pace = {"seconds": options.seconds, "rounds": options.rounds}
    for part in options.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="plaza-bench-") as folder:
            if part == "edge":
                text = edge.report(edge.run(Path(folder), connections=options.connections, **pace))
            else:
                text = forum.measure_all(Path(folder), posts=options.posts, draw=not options.no_report, **pace)
        print(text)
        if not options.no_report:
            write(part, f"{conditions()}\n\n{text}")


def conditions() -> str:
    """Return when, where and how the figures came to be."""
    return (
        f"{dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores {platform.machine()}, "
        f"Python {platform.python_version()}, `make bench`; the load comes from the same machine."
    )


def write(part: str, text: str) -> None:
    """Put the figures of one part between its marks."""
    start, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, _, rest = REPORT.read_text().partition(start)
    REPORT.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    main()
