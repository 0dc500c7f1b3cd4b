"""What keeps order. `target_kind` is plaza.forum.v1.TargetKind."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, SmallInteger, String, UniqueConstraint

from forum.models.tables import new_table
from plaza_kit.db import BigId, UtcDateTime, key_bytes

cases = new_table(
    "cases",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("target_kind", SmallInteger, nullable=False),
    Column("target_id", BigId, nullable=False),
    Column("post_id", BigId, ForeignKey("posts.id"), nullable=False),
    Column("is_held", Boolean, nullable=False),
    Column("report_count", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, comment="plaza.forum.v1.CaseState"),
    Column("moderator_id", BigId, ForeignKey("users.id")),
    Column("claimed_until_time", UtcDateTime, comment="afterwards a claim counts for nothing"),
    Column("resolution", String(16), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
    Column("open_key", key_bytes(32), unique=True, comment="kind and id of the target; null once resolved"),
    Index("ix_cases_state", "state", "id"),
    Index(None, "target_kind", "target_id"),
)

reports = new_table(
    "reports",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("case_id", BigId, ForeignKey("cases.id"), nullable=False),
    Column("reporter_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("note", String(1000), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    UniqueConstraint("case_id", "reporter_id"),
)

audit_entries = new_table(
    "audit_entries",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("actor_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target_kind", SmallInteger, nullable=False, comment="0 is none"),
    Column("target_id", BigId, nullable=False),
    Column("detail", String(1000), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Index(None, "actor_id", "id"),
    Index(None, "target_kind", "target_id", "id"),
)

word_filters = new_table(
    "word_filters",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("phrase", String(100), nullable=False),
    Column("phrase_key", key_bytes(600), nullable=False, unique=True, comment="normalised"),
    Column("action", String(16), nullable=False, comment="hold or reject"),
    Column("created_time", UtcDateTime, nullable=False),
)
