"""A service team needs nothing but its own folder, the contracts and the kit."""

import subprocess
import sys

import pytest
from tests.e2e.running_stack import ROOT, stack_environment


@pytest.mark.parametrize("service", ["auth"])
def test_a_service_is_installed_from_its_own_lock_tested_and_started_alone(service: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / "alone.py"), service, "unit"]
    done = subprocess.run(
        command, env=stack_environment({}), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{service} starts alone." in done.stdout
