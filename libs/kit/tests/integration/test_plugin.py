"""What happens to tests whose server is not installed, seen from outside: a pytest run without any PATH."""

import subprocess
import sys
from pathlib import Path

TESTS = """
def test_one(redis_url): assert redis_url
def test_two(redis_url): assert redis_url
def test_marked(request): assert request.node.get_closest_marker("unit")
"""


def run_without_servers(folder: Path, *, ci: str) -> tuple[int, str]:
    tests = folder / "unit"
    tests.mkdir()
    (tests / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "plaza_kit.testing.plugin", "-p", "no:valkey", "--strict-markers"]
    done = subprocess.run(
        [*command, str(tests)],
        env={"PATH": str(folder), "CI": ci},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_they_are_left_out_with_one_line(tmp_path: Path) -> None:
    code, output = run_without_servers(tmp_path, ci="")
    assert code == 0
    assert output.count("2 tests were left out because redis-server is not installed.") == 1
    assert "1 passed, 2 skipped" in output


def test_they_fail_where_nothing_may_be_left_out(tmp_path: Path) -> None:
    code, output = run_without_servers(tmp_path, ci="true")
    assert code == 1
    assert "redis-server is not installed, and with CI=true no test is left out" in output
    assert "1 passed, 2 errors" in output
