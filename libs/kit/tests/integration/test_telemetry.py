import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from plaza.auth.v1 import auth_service_pb2 as pb
from plaza.auth.v1 import auth_service_pb2_grpc
from plaza_kit.caller import Caller, current_caller
from plaza_kit.errors import RemoteError, Unavailable
from plaza_kit.telemetry import Telemetry
from plaza_kit.testing.grpc import new_trust, serving


class Collector:
    """An OTLP endpoint that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server.server_port}")
    yield collector
    collector.stop()


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    async def GetJwks(self, request: Any, context: Any) -> pb.GetJwksResponse:
        assert current_caller().traceparent
        raise Unavailable


async def test_a_call_is_one_trace_across_processes(collector: Collector) -> None:
    telemetry = Telemetry("test")
    servicer = partial(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, Auth())  # type: ignore[abstract]
    async with serving("auth", [servicer], trust=new_trust(), telemetry=telemetry) as client:
        stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
        with (
            telemetry.span("GET /.well-known/jwks.json", kind="server", http__route="/x") as span,
            pytest.raises(RemoteError),
        ):
            await client.call(stub.GetJwks, pb.GetJwksRequest(), caller=Caller(traceparent=span.traceparent), timeout=5)
    telemetry.close()
    by_name = {span.name: span for span in collector.spans}
    outer, inner = by_name["GET /.well-known/jwks.json"], by_name["plaza.auth.v1.AuthService/GetJwks"]
    assert inner.trace_id == outer.trace_id
    assert inner.parent_span_id == outer.span_id
    assert inner.status.code == inner.status.STATUS_CODE_ERROR
    assert outer.attributes[0].key == "http.route"


def test_without_an_endpoint_a_trace_is_only_handed_on() -> None:
    telemetry = Telemetry("test")
    with telemetry.span("x", kind="server", traceparent="00-1-2-01") as span:
        assert span.traceparent == "00-1-2-01"
    assert not telemetry.is_on
    telemetry.close()
