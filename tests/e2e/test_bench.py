"""The benchmark runs from end to end; its figures are no test's business."""

import os
import shutil
import subprocess
import sys

from tests.e2e.running_stack import ROOT

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.stack import MissingServerError

FORUM_CASES = ("list of 20, hot", "list of 20, cold", "detail with 30 replies", "new post", "search, p95")


def test_the_benchmark_measures_every_case() -> None:
    for program in ("wrk", "mariadbd"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            leave_out(MissingServerError(program))
    command = [sys.executable, "-m", "bench", "--posts", "100", "--seconds", "1", "--rounds", "1", "--no-report"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for case in (
        "GET /livez",
        "GET /users/profile/",
        "POST /users/login/",
        "bare ASGI",
        "bare FastAPI route",
        *FORUM_CASES,
    ):
        assert case in done.stdout
