"""Structured logs: one event name, the data in fields, secrets never.

JSON lines in a cluster, coloured text for people. Get a logger with `structlog.get_logger()`.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "recovery", "otp", "api_key")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def redact(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every field whose name says that it holds a secret."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "[redacted]"
    return event


def _to_json(event: EventDict, **_: Any) -> str:
    """Serialise one event; what JSON does not know is written as text."""
    return orjson.dumps(event, default=str).decode()


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
    renderers: list[Processor]
    if log_format == "json":
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    else:
        # Plain tracebacks: the pretty ones show local variables, and with them passwords.
        plain = structlog.dev.plain_traceback
        renderers = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_service,
            redact,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_StandardLibraryHandler()], level=max(_LEVELS[level], logging.WARNING), force=True)
