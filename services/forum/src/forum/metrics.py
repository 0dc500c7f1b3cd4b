"""Metrics of this service beyond the kit's."""

from prometheus_client import Counter, Gauge, Histogram

WEBHOOKS = Counter("plaza_forum_webhook_total", "Attempts to deliver to a webhook, by outcome", ["outcome"])
SEARCH_LAG = Histogram(
    "plaza_forum_search_lag_seconds",
    "Age of a change when it can be found",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300),
)
SEARCH_REBUILDS = Counter("plaza_forum_search_rebuilds_total", "Search indexes that were built from the database")
SEARCH_DOCUMENTS = Gauge("plaza_forum_search_documents", "Posts and replies that can be found")
