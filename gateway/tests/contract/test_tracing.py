"""Traces: off without a collector; with one, the gateway's span is the parent of what the service does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deploy, Deployment

from plaza_kit.testing.polling import eventually

OUTSIDE = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01"


class Collector(HTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the standard library's
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_spans_reach_the_service_and_the_collector(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, deploying: Deploy
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    edge = deploying()
    with edge.client(traceparent=OUTSIDE) as client:
        assert client.get("/users/profile/").status_code == 200
        version, trace_id, span_id, _ = edge.fakes.last_caller().traceparent.split("-")
        assert (version, len(trace_id), len(span_id)) == ("00", 32, 16)
        assert trace_id not in OUTSIDE  # a stranger does not name our traces
        assert_problem(client.post("/users/resume/work/", json={"action": "x"}), 400, "INVALID_ACTION")
    assert edge.app.runtime.telemetry._provider is not None
    edge.app.runtime.telemetry._provider.force_flush(5000)
    await eventually(lambda: b"GET /users/profile/" in b"".join(collector.bodies))
    assert b"/users/resume/work/" in b"".join(collector.bodies)


def test_without_a_collector_there_are_no_spans(edge: Deployment) -> None:
    with edge.client() as client:
        client.get("/users/profile/")
    assert edge.fakes.last_caller().traceparent == ""
