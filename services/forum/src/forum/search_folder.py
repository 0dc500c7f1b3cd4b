"""The folder of a process's search index: which index in it counts, and up to where it follows the events.

lock            held by the process that uses the folder
state.json      see `IndexState`
index-<n>/      an index; while a new one is built there are two
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import orjson

_PREFIX = "index-"


@dataclass(frozen=True, slots=True)
class IndexState:
    """What is known of the index that counts.

    Attributes:
        name: Of its folder.
        format: See `search_index.FORMAT`.
        database: What it was made of.
        positions: By stream, the id of the last event that is in it.
    """

    name: str
    format: int
    database: str
    positions: Mapping[str, str]


class SearchFolder:
    """Owns the folder from construction to `close`. Everything here blocks.

    Args:
        path: Made if it is missing; None is a temporary folder that `close` removes.

    Raises:
        OSError: The folder cannot be used, or another process uses it.
    """

    def __init__(self, path: Path | None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="plaza-search-") if path is None else None
        self._path = Path(self._temporary.name) if self._temporary else path or Path()
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._take_lock()

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def path_of(self, name: str) -> Path:
        """Return the folder of an index."""
        return self._path / name

    def read(self) -> IndexState | None:
        """Return the state of the index that counts; None if there is none."""
        try:
            state = IndexState(**orjson.loads((self._path / "state.json").read_bytes()))
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
            return None
        return state if self.path_of(state.name).is_dir() else None

    def write(self, state: IndexState) -> None:
        """Make this the state; all or nothing."""
        draft = self._path / "state.json.new"
        draft.write_bytes(orjson.dumps(asdict(state)))
        draft.replace(self._path / "state.json")

    def forget(self) -> None:
        """Let no index count."""
        (self._path / "state.json").unlink(missing_ok=True)

    def make_index_folder(self) -> str:
        """Make an empty folder for a new index and return its name."""
        numbers = [int(path.name.removeprefix(_PREFIX)) for path in self._index_folders()]
        name = f"{_PREFIX}{max(numbers, default=0) + 1}"
        self.path_of(name).mkdir(mode=0o700)
        return name

    def remove_others(self, name: str) -> None:
        """Remove all indexes but this one."""
        for path in self._index_folders():
            if path.name != name:
                shutil.rmtree(path, ignore_errors=True)

    def _index_folders(self) -> list[Path]:
        return [path for path in self._path.glob(f"{_PREFIX}*") if path.name.removeprefix(_PREFIX).isdigit()]

    def _take_lock(self) -> TextIO:
        lock = os.fdopen(os.open(self._path / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise OSError(f"another process uses the search index in {self._path}") from None
        return lock
