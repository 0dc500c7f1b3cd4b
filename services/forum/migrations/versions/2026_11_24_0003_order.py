"""Cases, reports, the audit log, word filters.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from plaza_kit.db import BigId, UtcDateTime, key_bytes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "word_filters",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("phrase", sa.String(100), nullable=False),
        sa.Column("phrase_key", key_bytes(600), nullable=False, comment="normalised"),
        sa.Column("action", sa.String(16), nullable=False, comment="hold or reject"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word_filters")),
        sa.UniqueConstraint("phrase_key", name=op.f("uq_word_filters_phrase_key")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("actor_id", BigId, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False, comment="0 is none"),
        sa.Column("target_id", BigId, nullable=False),
        sa.Column("detail", sa.String(1000), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_entries_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_entries_actor_id_id"), "audit_entries", ["actor_id", "id"], unique=False)
    op.create_index(
        op.f("ix_audit_entries_target_kind_target_id_id"),
        "audit_entries",
        ["target_kind", "target_id", "id"],
        unique=False,
    )
    op.create_table(
        "cases",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_id", BigId, nullable=False),
        sa.Column("post_id", BigId, nullable=False),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("report_count", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.CaseState"),
        sa.Column("moderator_id", BigId, nullable=True),
        sa.Column("claimed_until_time", UtcDateTime, nullable=True, comment="afterwards a claim counts for nothing"),
        sa.Column("resolution", sa.String(16), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.Column("open_key", key_bytes(32), nullable=True, comment="kind and id of the target; null once resolved"),
        sa.ForeignKeyConstraint(["moderator_id"], ["users.id"], name=op.f("fk_cases_moderator_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_cases_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("open_key", name=op.f("uq_cases_open_key")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_state", "cases", ["state", "id"], unique=False)
    op.create_index(op.f("ix_cases_target_kind_target_id"), "cases", ["target_kind", "target_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("case_id", BigId, nullable=False),
        sa.Column("reporter_id", BigId, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reports_case_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["users.id"], name=op.f("fk_reports_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("case_id", "reporter_id", name=op.f("uq_reports_case_id_reporter_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("reports")
    op.drop_table("cases")
    op.drop_table("audit_entries")
    op.drop_table("word_filters")
