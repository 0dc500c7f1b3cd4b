"""Metrics of this service beyond the kit's."""

from prometheus_client import Counter

WEBHOOKS = Counter("plaza_forum_webhook_total", "Attempts to deliver to a webhook, by outcome", ["outcome"])
