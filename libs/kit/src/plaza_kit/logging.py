"""Structured logs: one event name, the data in fields, secrets never.

JSON lines in a cluster, coloured text for people. Get a logger with `structlog.get_logger()`.
"""

import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "recovery", "otp", "api_key")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blank every field whose name says that it holds a secret."""
    for name in event:
        if _names_a_secret(name):
            event[name] = "[redacted]"
    return event


@lru_cache(maxsize=1024)  # field names are few; a request must not pay for looking at each of them again
def _names_a_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


class _JsonLine:
    """The last step for machines: one pass adds what every line has and serialises; what JSON does not know is text."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(logger, method, event)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": method,
            "service": self._service,
            **redact(logger, method, event),
        }
        return orjson.dumps(line, default=str).decode()


class _StandardLibraryHandler(logging.Handler):
    """Carries the records of libraries into the same stream and form."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        method = level if level in _LEVELS else "error"
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        getattr(structlog.get_logger(), method)(record.getMessage(), **fields)


def configure_logging(service: str, level: str, log_format: str) -> None:
    """Set up the process's logs, once, at start.

    Args:
        service: Who logs; in every line.
        level: debug, info, warning or error.
        log_format: `json` or `console`.
    """
    processors: list[Processor]
    if log_format == "json":
        processors = [_JsonLine(service)]
    else:
        # Plain tracebacks: the pretty ones show local variables, and with them passwords.
        plain = structlog.dev.plain_traceback
        processors = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_StandardLibraryHandler()], level=max(_LEVELS[level], logging.WARNING), force=True)
