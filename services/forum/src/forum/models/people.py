"""What people do with what was written. `target_kind` is plaza.forum.v1.TargetKind."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, SmallInteger, String, UniqueConstraint

from forum.models.tables import new_table
from plaza_kit.db import BigId, UtcDateTime, key_bytes

votes = new_table(
    "votes",
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("target_kind", SmallInteger, primary_key=True),
    Column("target_id", BigId, primary_key=True, autoincrement=False),
    Column("value", SmallInteger, nullable=False, comment="1 or -1"),
    Column("updated_time", UtcDateTime, nullable=False),
    Index(None, "target_kind", "target_id"),
)

reactions = new_table(
    "reactions",
    Column("target_kind", SmallInteger, primary_key=True),
    Column("target_id", BigId, primary_key=True, autoincrement=False),
    Column("emoji", key_bytes(64), primary_key=True, comment="UTF-8"),
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("created_time", UtcDateTime, nullable=False),
    Index(None, "user_id"),
)

bookmarks = new_table(
    "bookmarks",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("target_kind", SmallInteger, nullable=False),
    Column("target_id", BigId, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "target_kind", "target_id"),
)

follows = new_table(
    "follows",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("target_kind", SmallInteger, nullable=False),
    Column("target_id", BigId, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "target_kind", "target_id"),
    Index("ix_follows_target", "target_kind", "target_id", "user_id"),
)

blocks = new_table(
    "blocks",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("blocked_user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "blocked_user_id"),
    Index("ix_blocks_blocked", "blocked_user_id", "user_id"),
)

post_reads = new_table(
    "post_reads",
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("post_id", BigId, primary_key=True, autoincrement=False),
    Column("last_read_number", BigInteger, nullable=False),
    Column("read_time", UtcDateTime, nullable=False),
    Index(None, "post_id"),
)

read_horizons = new_table(
    "read_horizons",
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("read_time", UtcDateTime, nullable=False, comment="what was active no later than this is read"),
)

notifications = new_table(
    "notifications",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("kind", SmallInteger, nullable=False, comment="plaza.forum.v1.NotificationKind"),
    Column("group_key", key_bytes(64), nullable=False, comment="what is counted together while it is unread"),
    Column("actor_id", BigId, ForeignKey("users.id")),
    Column("post_id", BigId, nullable=False),
    Column("reply_id", BigId),
    Column("detail", String(100), nullable=False),
    Column("reason", String(500), nullable=False, comment="a moderator's words"),
    Column("count", BigInteger, nullable=False),
    Column("is_read", Boolean, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "group_key"),
    Index("ix_notifications_list", "user_id", "updated_time", "id"),
    Index("ix_notifications_unread", "user_id", "is_read", "updated_time", "id"),
    Index(None, "updated_time"),
)

notification_preferences = new_table(
    "notification_preferences",
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("is_enabled", Boolean, nullable=False),
)

held_notices = new_table(
    "held_notices",
    Column("target_kind", SmallInteger, primary_key=True),
    Column("target_id", BigId, primary_key=True, autoincrement=False),
    Column("is_new", Boolean, nullable=False, comment="the text itself is news, not only who it names"),
    Column("actor_id", BigId, nullable=False),
    Column("mentioned_user_ids", String(500), nullable=False, comment="JSON list"),
    Column("created_time", UtcDateTime, nullable=False),
    Index(None, "created_time"),
)
"""Whom to notify of a text once it comes into sight."""
