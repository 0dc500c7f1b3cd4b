"""The gateway's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "plaza_http_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge("plaza_http_in_flight", "Requests being served")
SHED = Counter("plaza_shed_total", "Requests and connections refused to protect the rest", ["reason"])
RATE_LIMIT_OPEN = Counter("plaza_rate_limit_open_total", "Requests let through because Redis did not answer in time")
RATE_LIMITED = Counter("plaza_rate_limited_total", "Requests refused for their rate", ["rate"])
JWKS_REFRESH = Counter("plaza_jwks_refresh_total", "Looks at the signing keys", ["outcome"])
REVOCATION_SYNC = Counter("plaza_revocation_sync_total", "Full loads of the revocations", ["cause", "outcome"])
REVOCATIONS = Gauge("plaza_revocations", "Entries in the deny list")
CONNECTIONS = Gauge("plaza_http_connections", "Open connections")
CACHE_LOOKUPS = Counter("plaza_cache_lookups_total", "Looks into the cache of shared answers, by outcome", ["outcome"])
CACHE_INVALIDATIONS = Counter("plaza_cache_invalidations_total", "Times that entries were dropped before their time")
CACHE_BYTES = Gauge("plaza_cache_bytes", "Size of the cache of shared answers")
