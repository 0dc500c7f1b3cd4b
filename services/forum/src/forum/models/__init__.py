"""The tables, as SQLAlchemy Core has them; `migrations/` creates them."""

from forum.models.content import (
    categories,
    drafts,
    post_tags,
    posts,
    replies,
    revisions,
    tags,
    users,
)
from forum.models.delivery import dead_letters, idempotency, inbox, leases, outbox, webhook_deliveries, webhooks
from forum.models.order import audit_entries, cases, reports, word_filters
from forum.models.people import (
    blocks,
    bookmarks,
    follows,
    held_notices,
    notification_preferences,
    notifications,
    post_reads,
    reactions,
    read_horizons,
    votes,
)
from forum.models.tables import metadata

__all__ = [
    "audit_entries",
    "blocks",
    "bookmarks",
    "cases",
    "categories",
    "dead_letters",
    "drafts",
    "follows",
    "held_notices",
    "idempotency",
    "inbox",
    "leases",
    "metadata",
    "notification_preferences",
    "notifications",
    "outbox",
    "post_reads",
    "post_tags",
    "posts",
    "reactions",
    "read_horizons",
    "replies",
    "reports",
    "revisions",
    "tags",
    "users",
    "votes",
    "webhook_deliveries",
    "webhooks",
    "word_filters",
]
