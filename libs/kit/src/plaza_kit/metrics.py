"""Prometheus metrics that every process has, and the small server that shows them."""

from prometheus_client import REGISTRY, Counter, Histogram, start_http_server

RPC_HANDLED = Counter("grpc_server_handled_total", "RPCs answered, by code", ["service", "method", "code"])
RPC_SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time to answer an RPC",
    ["service", "method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DB_RETRIES = Counter("plaza_db_retry_total", "Transactions that were tried again, by the database's error", ["error"])
OUTBOX_LAG = Histogram(
    "plaza_outbox_lag_seconds",
    "Age of an event when it reaches the stream",
    ["stream"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
EVENTS_REPUBLISHED = Counter("plaza_events_republished_total", "Events sent again after the bus lost them", ["stream"])
EVENTS_CONSUMED = Counter(
    "plaza_events_consumed_total", "Events taken from a stream, by outcome", ["stream", "outcome"]
)


def serve_metrics(host: str, port: int) -> None:
    """Show the process's metrics at `http://host:port/metrics`, from a thread of its own; port 0 is off."""
    if port:
        start_http_server(port, host, REGISTRY)
