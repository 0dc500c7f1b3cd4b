"""The tables, as SQLAlchemy Core has them; `migrations/` creates them.

Every moment is UTC. Keys, hashes and names that must compare the same everywhere are binary. Lengths of text are
checked by the domain: SQLite does not enforce them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from plaza_kit.db import BigId, UtcDateTime, key_bytes, new_metadata
from plaza_kit.idempotency import idempotency_table
from plaza_kit.lease import lease_table
from plaza_kit.outbox import outbox_table

metadata = new_metadata()

_LongText = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
"""20,000 code points need up to 80,000 bytes; a TEXT of MySQL ends at 65,535."""


def _table(name: str, *items: Any) -> Table:
    return Table(
        name,
        metadata,
        *items,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=any(isinstance(item, Column) and item.name == "id" for item in items),
    )


users = _table(
    "users",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("username", String(150), nullable=False, comment="as registered; empty once deleted"),
    Column("username_key", key_bytes(600), unique=True, comment="normalised; null once deleted, so the name is free"),
    Column("password_hash", String(256), nullable=False),
    Column("email", String(254), nullable=False),
    Column("verified_email_key", key_bytes(1024), unique=True, comment="normalised, set once the address is proven"),
    Column("first_name", String(150), nullable=False),
    Column("last_name", String(150), nullable=False),
    Column("phone", String(20)),
    Column("avatar", String(200)),
    Column("role", String(16), nullable=False),
    Column("token_version", BigInteger, nullable=False),
    Column("totp_secret", key_bytes(255), comment="sealed"),
    Column("is_totp_enabled", Boolean, nullable=False),
    Column("totp_last_step", BigInteger, nullable=False, comment="no code of this step or an earlier one counts"),
    Column("banned_time", UtcDateTime),
    Column("ban_until_time", UtcDateTime, comment="null with a banned_time is for good"),
    Column("ban_reason", String(500)),
    Column("is_deleted", Boolean, nullable=False),
    Column("joined_time", UtcDateTime, nullable=False),
    Column("last_login_time", UtcDateTime),
    CheckConstraint("role IN ('user', 'moderator', 'admin')", name="role"),
    Index(None, "role"),
)

recovery_codes = _table(
    "recovery_codes",
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("code_hash", key_bytes(32), primary_key=True, comment="HMAC-SHA256 with the data key"),
)

sessions = _table(
    "sessions",
    Column("session_id", key_bytes(16), primary_key=True, comment="UUID"),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("device", String(200), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("last_seen_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),
    Column("revoked_time", UtcDateTime),
    Column("current_hash", key_bytes(32), nullable=False, comment="the one token that may be spent"),
    Column("predecessor_hash", key_bytes(32), comment="the token spent last"),
    Column("sealed_pair", LargeBinary(4096), comment="what the predecessor was exchanged for"),
    Column("grace_until_time", UtcDateTime, comment="how long the predecessor yields that pair"),
    Index(None, "user_id", "created_time"),
    Index(None, "expire_time"),
    Index(None, "revoked_time"),
    Index(None, "grace_until_time"),
)

refresh_tokens = _table(
    "refresh_tokens",
    Column("token_hash", key_bytes(32), primary_key=True, comment="SHA-256"),
    Column("session_id", key_bytes(16), ForeignKey("sessions.session_id"), nullable=False),
    Index(None, "session_id"),
)

revocations = _table(
    "revocations",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("session_id", key_bytes(16), comment="null: all tokens of the user below minimum_version"),
    Column("user_id", BigId, nullable=False),
    Column("minimum_version", BigInteger, nullable=False),
    Column("until_time", UtcDateTime, nullable=False, comment="no such token can be alive from here on"),
    Index(None, "until_time"),
)

attempts = _table(
    "attempts",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("bucket", key_bytes(32), nullable=False, comment="HMAC-SHA256 of what is counted"),
    Column("attempt_time", UtcDateTime, nullable=False),
    Index(None, "bucket", "attempt_time"),
    Index(None, "attempt_time"),
)

mail_tokens = _table(
    "mail_tokens",
    Column("token_hash", key_bytes(32), primary_key=True, comment="SHA-256"),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("email_key", key_bytes(1024), nullable=False, comment="the address it was sent to, normalised"),
    Column("expire_time", UtcDateTime, nullable=False),
    CheckConstraint("purpose IN ('verify_email', 'reset_password')", name="purpose"),
    Index(None, "user_id", "purpose"),
    Index(None, "expire_time"),
)

mails = _table(
    "mails",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("sealed_message", LargeBinary(8192), nullable=False, comment="it carries a token"),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_time", UtcDateTime, nullable=False),
    Index(None, "user_id"),
    Index(None, "next_attempt_time"),
)

resumes = _table(
    "resumes",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False, unique=True),
    Column("name", String(50), nullable=False),
    Column("age", SmallInteger, nullable=False),
    Column("graduation_date", Date, nullable=False),
    Column("education_level", String(50), nullable=False),
    Column("expected_position", String(100), nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
)


def _item_table(name: str, *fields: Column[Any]) -> Table:
    return _table(
        name,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("resume_id", BigId, ForeignKey("resumes.id"), nullable=False),
        *fields,
        Index(None, "resume_id"),
    )


work_experiences = _item_table(
    "work_experiences",
    Column("start_date", Date, nullable=False),
    Column("end_date", Date),
    Column("company_name", String(100), nullable=False),
    Column("department", String(100)),
    Column("position", String(100)),
    Column("work_content", _LongText, nullable=False),
    Column("is_internship", Boolean, nullable=False),
)

project_experiences = _item_table(
    "project_experiences",
    Column("start_date", Date, nullable=False),
    Column("end_date", Date),
    Column("project_name", String(100), nullable=False),
    Column("project_role", String(100), nullable=False),
    Column("project_link", String(200)),
    Column("project_content", _LongText, nullable=False),
)

education_experiences = _item_table(
    "education_experiences",
    Column("start_date", Date, nullable=False),
    Column("end_date", Date),
    Column("school_name", String(100), nullable=False),
    Column("education_level", String(50), nullable=False),
    Column("major", String(100)),
    Column("school_experience", _LongText),
)

custom_sections = _item_table(
    "custom_sections",
    Column("title", String(100), nullable=False),
    Column("content", _LongText, nullable=False),
)

outbox = outbox_table(metadata)
leases = lease_table(metadata)
idempotency = idempotency_table(metadata)
