"""Votes, reactions, bookmarks, follows, blocks, reading, notifications.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from plaza_kit.db import BigId, UtcDateTime, key_bytes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "held_notices",
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, autoincrement=False, nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False, comment="the text itself is news, not only who it names"),
        sa.Column("actor_id", BigId, nullable=False),
        sa.Column("mentioned_user_ids", sa.String(500), nullable=False, comment="JSON list"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("target_kind", "target_id", name=op.f("pk_held_notices")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_held_notices_created_time"), "held_notices", ["created_time"], unique=False)
    op.create_table(
        "blocks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("blocked_user_id", BigId, nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["blocked_user_id"], ["users.id"], name=op.f("fk_blocks_blocked_user_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_blocks_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
        sa.UniqueConstraint("user_id", "blocked_user_id", name=op.f("uq_blocks_user_id_blocked_user_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_blocks_blocked", "blocks", ["blocked_user_id", "user_id"], unique=False)
    op.create_table(
        "bookmarks",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bookmarks_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookmarks")),
        sa.UniqueConstraint(
            "user_id", "target_kind", "target_id", name=op.f("uq_bookmarks_user_id_target_kind_target_id")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "follows",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_follows_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint(
            "user_id", "target_kind", "target_id", name=op.f("uq_follows_user_id_target_kind_target_id")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_follows_target", "follows", ["target_kind", "target_id", "user_id"], unique=False)
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notification_preferences_user_id")),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_notification_preferences")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_table(
        "notifications",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.NotificationKind"),
        sa.Column("group_key", key_bytes(64), nullable=False, comment="what is counted together while it is unread"),
        sa.Column("actor_id", BigId, nullable=True),
        sa.Column("post_id", BigId, nullable=False),
        sa.Column("reply_id", BigId, nullable=True),
        sa.Column("detail", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False, comment="a moderator's words"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_notifications_actor_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("user_id", "group_key", name=op.f("uq_notifications_user_id_group_key")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_list", "notifications", ["user_id", "updated_time", "id"], unique=False)
    op.create_index(
        "ix_notifications_unread", "notifications", ["user_id", "is_read", "updated_time", "id"], unique=False
    )
    op.create_index(op.f("ix_notifications_updated_time"), "notifications", ["updated_time"], unique=False)
    op.create_table(
        "post_reads",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("post_id", BigId, autoincrement=False, nullable=False),
        sa.Column("last_read_number", sa.BigInteger(), nullable=False),
        sa.Column("read_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_post_reads_user_id")),
        sa.PrimaryKeyConstraint("user_id", "post_id", name=op.f("pk_post_reads")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_post_reads_post_id"), "post_reads", ["post_id"], unique=False)
    op.create_table(
        "reactions",
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, autoincrement=False, nullable=False),
        sa.Column("emoji", key_bytes(64), nullable=False, comment="UTF-8"),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reactions_user_id")),
        sa.PrimaryKeyConstraint("target_kind", "target_id", "emoji", "user_id", name=op.f("pk_reactions")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_reactions_user_id"), "reactions", ["user_id"], unique=False)
    op.create_table(
        "read_horizons",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("read_time", UtcDateTime, nullable=False, comment="what was active no later than this is read"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_read_horizons_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_read_horizons")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_table(
        "votes",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, autoincrement=False, nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False, comment="1 or -1"),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_votes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "target_kind", "target_id", name=op.f("pk_votes")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_votes_target_kind_target_id"), "votes", ["target_kind", "target_id"], unique=False)


def downgrade() -> None:
    op.drop_table("votes")
    op.drop_table("read_horizons")
    op.drop_table("reactions")
    op.drop_table("post_reads")
    op.drop_table("notifications")
    op.drop_table("notification_preferences")
    op.drop_table("follows")
    op.drop_table("bookmarks")
    op.drop_table("blocks")
    op.drop_table("held_notices")
