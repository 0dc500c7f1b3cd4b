"""What leaves the service and what comes in: webhooks, and the tables of the kit."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint

from forum.models.tables import metadata, new_table
from plaza_kit.db import BigId, UtcDateTime, key_bytes, medium_bytes
from plaza_kit.idempotency import idempotency_table
from plaza_kit.lease import lease_table
from plaza_kit.outbox import outbox_table
from plaza_kit.streams import dead_letters_table, inbox_table

webhooks = new_table(
    "webhooks",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("url", String(500), nullable=False),
    Column("events", String(1000), nullable=False, comment="JSON list"),
    Column("sealed_secret", key_bytes(255), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_deleted", Boolean, nullable=False, comment="goes for good with the last of its deliveries"),
    Column("created_time", UtcDateTime, nullable=False),
)

webhook_deliveries = new_table(
    "webhook_deliveries",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("webhook_id", BigId, ForeignKey("webhooks.id"), nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("event", String(32), nullable=False),
    Column("body", medium_bytes(), nullable=False, comment="JSON, as it is signed and sent"),
    Column("state", SmallInteger, nullable=False, comment="plaza.forum.v1.DeliveryState"),
    Column("attempt_count", Integer, nullable=False),
    Column("last_status", Integer, nullable=False),
    Column("last_error", String(300), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("next_attempt_time", UtcDateTime),
    UniqueConstraint("webhook_id", "event_id"),
    Index("ix_webhook_deliveries_due", "webhook_id", "state", "next_attempt_time"),
    Index("ix_webhook_deliveries_list", "webhook_id", "state", "id"),
    Index(None, "created_time"),
)

outbox = outbox_table(metadata)
leases = lease_table(metadata)
inbox = inbox_table(metadata)
dead_letters = dead_letters_table(metadata)
idempotency = idempotency_table(metadata)
