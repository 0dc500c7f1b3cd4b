"""The folder that outlives a run: databases, keys, Redis' log, logs; used by one run at a time."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from plaza_stack.problem import StackError


class DataDirectory:
    """Owns the lock on the folder from creation to `close()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys = path / "keys"
        self.redis = path / "redis"
        self.databases = path / "databases"
        self.logs = path / "logs"
        try:
            for folder in (path, self.keys, self.redis, self.databases, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = self._take_lock(path / "lock")
        except OSError as error:
            raise StackError(
                f"{path} cannot hold the data ({error.strerror}): use another: make run DATA=another/folder."
            ) from None

    @staticmethod
    def _take_lock(path: Path) -> TextIO:
        lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "unknown"
            lock.close()
            what = f"{path.parent} is in use by another run (process {holder})"
            raise StackError(f"{what}: stop that one, or use another: make run DATA=another/folder.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock

    def close(self) -> None:
        """Let the next run have the folder."""
        self._lock.close()
