"""Webhooks, and the tables of the kit.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from plaza_kit.db import BigId, UtcDateTime, key_bytes, medium_bytes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(100), nullable=False),
        sa.Column("stream_id", sa.String(40), nullable=False),
        sa.Column("envelope", medium_bytes(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key_hash", key_bytes(32), nullable=False, comment="of caller, method and key"),
        sa.Column("fingerprint", key_bytes(32), nullable=False, comment="of the request"),
        sa.Column("response", medium_bytes(), nullable=True, comment="sealed; null until the first one ends"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_idempotency_keys")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_idempotency_keys_created_time"), "idempotency_keys", ["created_time"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("applied_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index(op.f("ix_inbox_applied_time"), "inbox", ["applied_time"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_table(
        "outbox",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("envelope", medium_bytes(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("sent_time", UtcDateTime, nullable=True),
        sa.Column("stream_id", sa.String(40), nullable=True, comment="zero-padded, so that text order is stream order"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_stream_id", "outbox", ["shard", "stream_id"], unique=False)
    op.create_index("ix_outbox_unsent", "outbox", ["shard", "sent_time", "id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("events", sa.String(1000), nullable=False, comment="JSON list"),
        sa.Column("sealed_secret", key_bytes(255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False, comment="goes for good with the last of its deliveries"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("webhook_id", BigId, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("body", medium_bytes(), nullable=False, comment="JSON, as it is signed and sent"),
        sa.Column("state", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.DeliveryState"),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(300), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("next_attempt_time", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_webhook_deliveries_webhook_id_event_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_deliveries_created_time"), "webhook_deliveries", ["created_time"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_due", "webhook_deliveries", ["webhook_id", "state", "next_attempt_time"], unique=False
    )
    op.create_index("ix_webhook_deliveries_list", "webhook_deliveries", ["webhook_id", "state", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
    op.drop_table("outbox")
    op.drop_table("leases")
    op.drop_table("inbox")
    op.drop_table("idempotency_keys")
    op.drop_table("dead_letters")
