"""The benchmark runs from end to end; its figures are no test's business."""

import os
import shutil
import subprocess
import sys

from tests.e2e.running_stack import ROOT

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.stack import MissingServerError


def test_the_benchmark_measures_every_case() -> None:
    for program in ("wrk", "mariadbd"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            leave_out(MissingServerError(program))
    command = [sys.executable, "-m", "bench", "--seconds", "1", "--rounds", "1", "--no-report"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for case in ("GET /livez", "GET /users/profile/", "POST /users/login/", "bare ASGI", "bare FastAPI route"):
        assert case in done.stdout
