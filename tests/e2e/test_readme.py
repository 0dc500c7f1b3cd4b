"""README's tour, word for word, against a running stack: each command succeeds and says what the text promises."""

import re
import subprocess
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def tour() -> list[str]:
    """Return the shell blocks of the tour, in order."""
    section = README.read_text().partition("## A tour in five minutes")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def test_the_tour_works_as_written(new_url: str, tmp_path: Path) -> None:
    script = "set -e\n" + "\n".join(tour()).replace("http://127.0.0.1:8000", new_url)
    # Each answer on a line of its own, with its status.
    script = script.replace("curl -s ", "curl -s -w '\\n%{http_code}\\n' ").replace("| tee", "| sed '$d' | tee")
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=90, check=True)
    lines = done.stdout.splitlines()
    statuses = [int(line) for line in lines if re.fullmatch(r"\d{3}", line)]
    assert statuses == [200] * 6 + [400] + [200] * 6 + [200, 200, 204, 401], done.stdout
    for promise in (
        '"user_id"',
        '"token"',
        "个人信息更新成功",
        "Acme",
        "Wrong username or password",
        "<em>pot</em>",
        '"reply_count":1',
        '<feed xmlns="http://www.w3.org/2005/Atom"',
        "<mark>番茄</mark>",
        '"sessions"',
    ):
        assert promise in done.stdout, done.stdout
