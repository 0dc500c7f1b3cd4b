"""Users as known here, categories, posts, replies, revisions, tags, drafts.

Revision ID: 0001
Revises:
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from plaza_kit.db import BigId, UtcDateTime, key_bytes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("parent_id", BigId, nullable=True),
        sa.Column("read_rank", sa.SmallInteger(), nullable=False, comment="0 anyone, 1 user, 2 moderator, 3 admin"),
        sa.Column("write_rank", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("post_count", sa.BigInteger(), nullable=False, comment="live posts"),
        sa.Column(
            "change_count",
            sa.BigInteger(),
            nullable=False,
            comment="posts that left or came back; new ones do not count",
        ),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tags",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column(
            "name_key",
            key_bytes(240),
            nullable=True,
            comment="normalised; null once deleted, while posts still have it",
        ),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("is_restricted", sa.Boolean(), nullable=False),
        sa.Column("post_count", sa.BigInteger(), nullable=False, comment="posts that have it, live or not"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name_key", name=op.f("uq_tags_name_key")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tags_used", "tags", ["post_count", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", BigId, autoincrement=False, nullable=False, comment="of the auth service"),
        sa.Column("username", sa.String(150), nullable=False, comment="empty once deleted"),
        sa.Column("username_key", key_bytes(600), nullable=True, comment="normalised, for mentions; null once deleted"),
        sa.Column("avatar", sa.String(200), nullable=False),
        sa.Column(
            "role", sa.String(16), nullable=False, comment="as last heard; a caller's own role comes with the call"
        ),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_banned", sa.Boolean(), nullable=False),
        sa.Column("ban_until_time", UtcDateTime, nullable=True, comment="null with is_banned is for good"),
        sa.Column("joined_time", UtcDateTime, nullable=False, comment="for the limits of new users"),
        sa.Column(
            "updated_time", UtcDateTime, nullable=False, comment="of the last event that counted; older ones do not"
        ),
        sa.Column(
            "erasure_due_time",
            UtcDateTime,
            nullable=True,
            comment="since then private rows of a deleted user wait; null if none do",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_users_erasure_due_time"), "users", ["erasure_due_time"], unique=False)
    op.create_index(op.f("ix_users_username_key"), "users", ["username_key"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("fields", LongText, nullable=False, comment="JSON of plaza.forum.v1.DraftFields"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_drafts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_drafts_user_id_updated_time"), "drafts", ["user_id", "updated_time"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("author_id", BigId, nullable=False),
        sa.Column(
            "category_id", BigId, nullable=False, comment="no foreign key: its lock on the category would deadlock"
        ),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("content", LongText, nullable=False, comment="Markdown"),
        sa.Column("content_html", LongText, nullable=False, comment="safe HTML, made once"),
        sa.Column("content_hash", key_bytes(16), nullable=False, comment="of title and content, against duplicates"),
        sa.Column("excerpt", sa.String(200), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.ContentStatus"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.Column("last_activity_time", UtcDateTime, nullable=False),
        sa.Column("reply_seq", sa.BigInteger(), nullable=False, comment="the number of the newest reply"),
        sa.Column("reply_count", sa.BigInteger(), nullable=False, comment="live replies"),
        sa.Column("up_count", sa.BigInteger(), nullable=False),
        sa.Column("down_count", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False, comment="up_count - down_count"),
        sa.Column("accepted_reply_id", BigId, nullable=True),
        sa.Column("pin_scope", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.PinScope"),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_posts_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posts_active", "posts", ["status", "last_activity_time", "id"], unique=False)
    op.create_index("ix_posts_author_new", "posts", ["author_id", "status", "created_time", "id"], unique=False)
    op.create_index(
        "ix_posts_category_active", "posts", ["category_id", "status", "last_activity_time", "id"], unique=False
    )
    op.create_index("ix_posts_category_new", "posts", ["category_id", "status", "created_time", "id"], unique=False)
    op.create_index("ix_posts_category_top", "posts", ["category_id", "status", "score", "id"], unique=False)
    op.create_index("ix_posts_new", "posts", ["status", "created_time", "id", "category_id"], unique=False)
    op.create_index("ix_posts_pinned", "posts", ["pin_scope", "status", "created_time"], unique=False)
    op.create_index("ix_posts_top", "posts", ["status", "score", "id"], unique=False)
    op.create_index("ix_posts_unanswered", "posts", ["status", "reply_count", "created_time", "id"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("target_kind", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.TargetKind"),
        sa.Column("target_id", BigId, autoincrement=False, nullable=False),
        sa.Column(
            "version",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="the newest one stands in the target",
        ),
        sa.Column("editor_id", BigId, nullable=False),
        sa.Column("title", sa.String(200), nullable=False, comment="empty for a reply"),
        sa.Column("content", LongText, nullable=False, comment="Markdown"),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["editor_id"], ["users.id"], name=op.f("fk_revisions_editor_id")),
        sa.PrimaryKeyConstraint("target_kind", "target_id", "version", name=op.f("pk_revisions")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_table(
        "post_tags",
        sa.Column("post_id", BigId, nullable=False),
        sa.Column("tag_id", BigId, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False, comment="in the order its author gave them"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_tags_post_id")),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_post_tags_tag_id")),
        sa.PrimaryKeyConstraint("post_id", "tag_id", name=op.f("pk_post_tags")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=False,
    )
    op.create_index("ix_post_tags_tag", "post_tags", ["tag_id", "post_id"], unique=False)
    op.create_table(
        "replies",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("post_id", BigId, nullable=False),
        sa.Column("parent_id", BigId, nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="given under the lock on the post's row"),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("author_id", BigId, nullable=False),
        sa.Column("content", LongText, nullable=False, comment="Markdown"),
        sa.Column("content_html", LongText, nullable=False, comment="safe HTML, made once"),
        sa.Column("content_hash", key_bytes(16), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False, comment="plaza.forum.v1.ContentStatus"),
        sa.Column(
            "removed_root_id",
            BigId,
            nullable=True,
            comment="the reply together with which it vanished; null while it is live",
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_time", UtcDateTime, nullable=False),
        sa.Column("updated_time", UtcDateTime, nullable=False),
        sa.Column("up_count", sa.BigInteger(), nullable=False),
        sa.Column("down_count", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False, comment="up_count - down_count"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_replies_author_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["replies.id"], name=op.f("fk_replies_parent_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_replies_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("post_id", "number", name=op.f("uq_replies_post_id_number")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_replies_author_new", "replies", ["author_id", "created_time"], unique=False)
    op.create_index("ix_replies_children", "replies", ["parent_id", "status", "number"], unique=False)
    op.create_index("ix_replies_removed", "replies", ["removed_root_id"], unique=False)
    op.create_index("ix_replies_top", "replies", ["post_id", "status", "score", "number", "parent_id"], unique=False)
    op.create_index("ix_replies_tree", "replies", ["post_id", "status", "number", "parent_id"], unique=False)
    add_default_category()


def downgrade() -> None:
    op.drop_table("replies")
    op.drop_table("post_tags")
    op.drop_table("revisions")
    op.drop_table("posts")
    op.drop_table("drafts")
    op.drop_table("users")
    op.drop_table("tags")
    op.drop_table("categories")


def add_default_category() -> None:
    """Give posts that name no category a place: legacy clients know of none."""
    now = datetime.now(UTC)
    table = sa.table(
        "categories",
        *(sa.column(name) for name in ("name", "slug", "description", "read_rank", "write_rank", "position")),
        *(sa.column(name) for name in ("post_count", "change_count")),
        sa.column("created_time", UtcDateTime),
    )
    op.bulk_insert(
        table,
        [
            {
                "name": "General",
                "slug": "general",
                "description": "",
                "read_rank": 0,
                "write_rank": 1,
                "position": 0,
                "post_count": 0,
                "change_count": 0,
                "created_time": now,
            }
        ],
    )
