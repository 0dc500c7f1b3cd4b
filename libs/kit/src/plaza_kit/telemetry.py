"""Traces, by OpenTelemetry over OTLP/HTTP, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; otherwise nothing is loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class Span(Protocol):
    """The running piece of a trace.

    Attributes:
        traceparent: W3C trace context that names this span as the parent; empty without telemetry.
    """

    traceparent: str

    def fail(self, description: str) -> None:
        """Mark the span as failed."""


class _NoSpan:
    """What stands in for a span when telemetry is off; hands on what it got."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def fail(self, description: str) -> None:
        """Nothing to mark."""


class Telemetry:
    """Makes spans; off, it makes none and costs nothing."""

    def __init__(self, service: str) -> None:
        self._provider: TracerProvider | None = None
        if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            self._provider = _open_provider(service)

    @property
    def is_on(self) -> bool:
        """Spans are made and sent."""
        return self._provider is not None

    @contextmanager
    def span(self, name: str, *, kind: str, traceparent: str = "", **attributes: str) -> Iterator[Span]:
        """Run a block as a span.

        Args:
            name: E.g. the full method name.
            kind: `server`, `client`, `producer` or `consumer`.
            traceparent: The parent's context; empty starts a trace.
            attributes: By OpenTelemetry's semantic conventions, dots written as `__`.
        """
        if self._provider is None:
            yield _NoSpan(traceparent)
            return
        with _running_span(self._provider, name, kind, traceparent) as span:
            for key, value in attributes.items():
                span.set(key.replace("__", "."), value)
            yield span

    def close(self) -> None:
        """Send what is still here; blocks for at most 5 s."""
        if self._provider is not None:
            self._provider.force_flush(5000)
            self._provider.shutdown()


def _open_provider(service: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.namespace": "plaza"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class _Span:
    """A span of the SDK behind the two things that the code asks of it."""

    def __init__(self, span: object, traceparent: str) -> None:
        self._span = span
        self.traceparent = traceparent

    def set(self, key: str, value: str) -> None:
        self._span.set_attribute(key, value)  # type: ignore[attr-defined]  # the SDK is loaded only when on

    def fail(self, description: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, description))  # type: ignore[attr-defined]  # as above


@contextmanager
def _running_span(provider: "TracerProvider", name: str, kind: str, traceparent: str) -> Iterator[_Span]:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    parent = propagator.extract({"traceparent": traceparent}) if traceparent else None
    tracer = provider.get_tracer("plaza")
    with tracer.start_as_current_span(name, context=parent, kind=trace.SpanKind[kind.upper()]) as span:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        yield _Span(span, carrier.get("traceparent", ""))
