"""Log files of bounded size."""

import os
import shutil
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
KEEP = 3


def shown(path: Path) -> str:
    """Return a path as a person at this terminal would write it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


class LogFile:
    """The output of one process: `name.log`, before that `name.log.1` to `name.log.3`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return shown(self.path)

    def rotate(self) -> None:
        """Begin a new file; done once, at the start of a run."""
        if self.path.exists() and self.path.stat().st_size:
            self._make_room()
            self.path.replace(self._old(1))
        self.path.touch(mode=0o600)

    def bound(self) -> None:
        """Begin a new file if this one has grown too large, while the process goes on writing to it.

        The process holds the file open for appending, so it is copied and emptied rather than renamed; a line
        written between the two is lost.
        """
        if self.path.stat().st_size > MAX_BYTES:
            self._make_room()
            shutil.copyfile(self.path, self._old(1))
            os.truncate(self.path, 0)

    def tail(self, lines: int = 12) -> str:
        """Return the last lines, indented."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

    def _old(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _make_room(self) -> None:
        for number in range(KEEP - 1, 0, -1):
            if self._old(number).exists():
                self._old(number).replace(self._old(number + 1))
