"""What is recorded of every request: a line in the log, and how long it took."""

import time
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.metrics import REQUEST_SECONDS

log = structlog.get_logger()


class AccessLog:
    """Records requests; their metrics are looked up once per route, method and status."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str, int], Any] = {}

    def write(self, started: float, method: str, template: str, *, status: int, fields: Mapping[str, Any]) -> None:
        """Record a request that was answered.

        Args:
            started: When it came, in `time.perf_counter` seconds.
            method: Its method.
            template: Its route.
            status: Of the answer.
            fields: What else the log says, the request's id first.
        """
        elapsed = time.perf_counter() - started
        key = (method, template, status)
        seconds = self._seconds.get(key)
        if seconds is None:
            seconds = self._seconds[key] = REQUEST_SECONDS.labels(method, template, str(status))
        seconds.observe(elapsed)
        log.info(
            "http.finished",
            method=method,
            route=template,
            status=status,
            duration_ms=round(elapsed * 1000, 2),
            **fields,
        )
