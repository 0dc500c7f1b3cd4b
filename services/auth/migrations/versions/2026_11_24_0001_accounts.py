"""Accounts, sessions, profiles, resumes, and the tables of the kit.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import SchemaItem

from plaza_kit.db import BigId, UtcDateTime, key_bytes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    create_accounts()
    create_sign_in()
    create_mails()
    create_resumes()
    create_kit_tables()


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "leases",
        "outbox",
        "custom_sections",
        "education_experiences",
        "project_experiences",
        "work_experiences",
        "resumes",
        "mails",
        "mail_tokens",
        "attempts",
        "revocations",
        "refresh_tokens",
        "sessions",
        "recovery_codes",
        "users",
    ):
        op.drop_table(table)


def create_accounts() -> None:
    create_table(
        "users",
        numbered(),
        sa.Column("username", sa.String(150), nullable=False, comment="as registered; empty once deleted"),
        sa.Column("username_key", key_bytes(600), comment="normalised; null once deleted, so the name is free"),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("verified_email_key", key_bytes(1024), comment="normalised, set once the address is proven"),
        sa.Column("first_name", sa.String(150), nullable=False),
        sa.Column("last_name", sa.String(150), nullable=False),
        sa.Column("phone", sa.String(20)),
        sa.Column("avatar", sa.String(200)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("token_version", sa.BigInteger, nullable=False),
        sa.Column("totp_secret", key_bytes(255), comment="sealed"),
        sa.Column("is_totp_enabled", sa.Boolean, nullable=False),
        sa.Column(
            "totp_last_step",
            sa.BigInteger,
            nullable=False,
            comment="no code of this step or an earlier one counts",
        ),
        sa.Column("banned_time", UtcDateTime),
        sa.Column("ban_until_time", UtcDateTime, comment="null with a banned_time is for good"),
        sa.Column("ban_reason", sa.String(500)),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.Column("joined_time", UtcDateTime, nullable=False),
        sa.Column("last_login_time", UtcDateTime),
        sa.UniqueConstraint("username_key", name="uq_users_username_key"),
        sa.UniqueConstraint("verified_email_key", name="uq_users_verified_email_key"),
        sa.CheckConstraint("role IN ('user', 'moderator', 'admin')", name="ck_users_role"),
    )
    index("users", "role")
    create_table(
        "recovery_codes",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("code_hash", key_bytes(32), nullable=False, comment="HMAC-SHA256 with the data key"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
        foreign("recovery_codes", "user_id", "users.id"),
    )


def create_sign_in() -> None:
    create_table(
        "sessions",
        sa.Column("session_id", key_bytes(16), nullable=False, comment="UUID"),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("device", sa.String(200), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("last_seen_time", UtcDateTime, nullable=False),
        sa.Column("expire_time", UtcDateTime, nullable=False),
        sa.Column("revoked_time", UtcDateTime),
        sa.Column("current_hash", key_bytes(32), nullable=False, comment="the one token that may be spent"),
        sa.Column("predecessor_hash", key_bytes(32), comment="the token spent last"),
        sa.Column("sealed_pair", sa.LargeBinary(4096), comment="what the predecessor was exchanged for"),
        sa.Column("grace_until_time", UtcDateTime, comment="how long the predecessor yields that pair"),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
        foreign("sessions", "user_id", "users.id"),
    )
    index("sessions", "user_id", "created_time")
    index("sessions", "expire_time")
    index("sessions", "revoked_time")
    index("sessions", "grace_until_time")
    create_table(
        "refresh_tokens",
        sa.Column("token_hash", key_bytes(32), nullable=False, comment="SHA-256"),
        sa.Column("session_id", key_bytes(16), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_refresh_tokens"),
        foreign("refresh_tokens", "session_id", "sessions.session_id"),
    )
    index("refresh_tokens", "session_id")
    create_table(
        "revocations",
        numbered(),
        sa.Column("session_id", key_bytes(16), comment="null: all tokens of the user below minimum_version"),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("minimum_version", sa.BigInteger, nullable=False),
        sa.Column("until_time", UtcDateTime, nullable=False, comment="no such token can be alive from here on"),
    )
    index("revocations", "until_time")
    create_table(
        "attempts",
        numbered(),
        sa.Column("bucket", key_bytes(32), nullable=False, comment="HMAC-SHA256 of what is counted"),
        sa.Column("attempt_time", UtcDateTime, nullable=False),
    )
    index("attempts", "bucket", "attempt_time")
    index("attempts", "attempt_time")


def create_mails() -> None:
    create_table(
        "mail_tokens",
        sa.Column("token_hash", key_bytes(32), nullable=False, comment="SHA-256"),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("email_key", key_bytes(1024), nullable=False, comment="the address it was sent to, normalised"),
        sa.Column("expire_time", UtcDateTime, nullable=False),
        sa.CheckConstraint("purpose IN ('verify_email', 'reset_password')", name="ck_mail_tokens_purpose"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_mail_tokens"),
        foreign("mail_tokens", "user_id", "users.id"),
    )
    index("mail_tokens", "user_id", "purpose")
    index("mail_tokens", "expire_time")
    create_table(
        "mails",
        numbered(),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("sealed_message", sa.LargeBinary(8192), nullable=False, comment="it carries a token"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_time", UtcDateTime, nullable=False),
        foreign("mails", "user_id", "users.id"),
    )
    index("mails", "user_id")
    index("mails", "next_attempt_time")


def create_resumes() -> None:
    create_table(
        "resumes",
        numbered(),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("age", sa.SmallInteger, nullable=False),
        sa.Column("graduation_date", sa.Date, nullable=False),
        sa.Column("education_level", sa.String(50), nullable=False),
        sa.Column("expected_position", sa.String(100), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.UniqueConstraint("user_id", name="uq_resumes_user_id"),
        foreign("resumes", "user_id", "users.id"),
    )
    create_items(
        "work_experiences",
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date),
        sa.Column("company_name", sa.String(100), nullable=False),
        sa.Column("department", sa.String(100)),
        sa.Column("position", sa.String(100)),
        sa.Column("work_content", LongText, nullable=False),
        sa.Column("is_internship", sa.Boolean, nullable=False),
    )
    create_items(
        "project_experiences",
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date),
        sa.Column("project_name", sa.String(100), nullable=False),
        sa.Column("project_role", sa.String(100), nullable=False),
        sa.Column("project_link", sa.String(200)),
        sa.Column("project_content", LongText, nullable=False),
    )
    create_items(
        "education_experiences",
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date),
        sa.Column("school_name", sa.String(100), nullable=False),
        sa.Column("education_level", sa.String(50), nullable=False),
        sa.Column("major", sa.String(100)),
        sa.Column("school_experience", LongText),
    )
    create_items(
        "custom_sections",
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("content", LongText, nullable=False),
    )


def create_kit_tables() -> None:
    create_table(
        "outbox",
        numbered(),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("envelope", sa.LargeBinary(2**24 - 1), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("sent_time", UtcDateTime),
        sa.Column("stream_id", sa.String(40), comment="zero-padded, so that text order is stream order"),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["shard", "sent_time", "id"])
    op.create_index("ix_outbox_stream_id", "outbox", ["shard", "stream_id"])
    create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    create_table(
        "idempotency_keys",
        sa.Column("key_hash", key_bytes(32), nullable=False, comment="of caller, method and key"),
        sa.Column("fingerprint", key_bytes(32), nullable=False, comment="of the request"),
        sa.Column("response", sa.LargeBinary(2**24 - 1), comment="sealed; null until the first one ends"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_idempotency_keys"),
    )
    index("idempotency_keys", "created_time")


def create_items(name: str, *columns: sa.Column[Any]) -> None:
    create_table(
        name,
        numbered(),
        sa.Column("resume_id", BigId, nullable=False),
        *columns,
        foreign(name, "resume_id", "resumes.id"),
    )
    index(name, "resume_id")


def create_table(name: str, *items: SchemaItem) -> None:
    is_numbered = getattr(items[0], "name", None) == "id"
    key = (sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),) if is_numbered else ()
    op.create_table(
        name,
        *items,
        *key,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=is_numbered,
    )


def numbered() -> sa.Column[Any]:
    return sa.Column("id", BigId, autoincrement=True, nullable=False)


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
