"""What people write, and where it stands."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
)

from forum.models.tables import LongText, new_table
from plaza_kit.db import BigId, UtcDateTime, key_bytes

users = new_table(
    "users",
    Column("id", BigId, primary_key=True, autoincrement=False, comment="of the auth service"),
    Column("username", String(150), nullable=False, comment="empty once deleted"),
    Column("username_key", key_bytes(600), comment="normalised, for mentions; null once deleted"),
    Column("avatar", String(200), nullable=False),
    Column("role", String(16), nullable=False, comment="as last heard; a caller's own role comes with the call"),
    Column("is_deleted", Boolean, nullable=False),
    Column("is_banned", Boolean, nullable=False),
    Column("ban_until_time", UtcDateTime, comment="null with is_banned is for good"),
    Column("joined_time", UtcDateTime, nullable=False, comment="for the limits of new users"),
    Column("updated_time", UtcDateTime, nullable=False, comment="of the last event that counted; older ones do not"),
    Column("erasure_due_time", UtcDateTime, comment="since then private rows of a deleted user wait; null if none do"),
    Index(None, "username_key"),
    Index(None, "erasure_due_time"),
)

categories = new_table(
    "categories",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("slug", String(80), nullable=False, unique=True),
    Column("description", String(1000), nullable=False),
    Column("parent_id", BigId, ForeignKey("categories.id")),
    Column("read_rank", SmallInteger, nullable=False, comment="0 anyone, 1 user, 2 moderator, 3 admin"),
    Column("write_rank", SmallInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("post_count", BigInteger, nullable=False, comment="live posts"),
    Column("change_count", BigInteger, nullable=False, comment="posts that left or came back; new ones do not count"),
    Column("created_time", UtcDateTime, nullable=False),
)

posts = new_table(
    "posts",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("author_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("category_id", BigId, nullable=False, comment="no foreign key: its lock on the category would deadlock"),
    Column("title", String(200), nullable=False),
    Column("content", LongText, nullable=False, comment="Markdown"),
    Column("content_html", LongText, nullable=False, comment="safe HTML, made once"),
    Column("content_hash", key_bytes(16), nullable=False, comment="of title and content, against duplicates"),
    Column("excerpt", String(200), nullable=False),
    Column("status", SmallInteger, nullable=False, comment="plaza.forum.v1.ContentStatus"),
    Column("version", BigInteger, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
    Column("last_activity_time", UtcDateTime, nullable=False),
    Column("reply_seq", BigInteger, nullable=False, comment="the number of the newest reply"),
    Column("reply_count", BigInteger, nullable=False, comment="live replies"),
    Column("up_count", BigInteger, nullable=False),
    Column("down_count", BigInteger, nullable=False),
    Column("score", BigInteger, nullable=False, comment="up_count - down_count"),
    Column("accepted_reply_id", BigId),
    Column("pin_scope", SmallInteger, nullable=False, comment="plaza.forum.v1.PinScope"),
    Column("is_locked", Boolean, nullable=False),
    Column("is_featured", Boolean, nullable=False),
    Index("ix_posts_new", "status", "created_time", "id", "category_id"),
    Index("ix_posts_active", "status", "last_activity_time", "id"),
    Index("ix_posts_top", "status", "score", "id"),
    Index("ix_posts_unanswered", "status", "reply_count", "created_time", "id"),
    Index("ix_posts_category_new", "category_id", "status", "created_time", "id"),
    Index("ix_posts_category_active", "category_id", "status", "last_activity_time", "id"),
    Index("ix_posts_category_top", "category_id", "status", "score", "id"),
    Index("ix_posts_author_new", "author_id", "status", "created_time", "id"),
    Index("ix_posts_pinned", "pin_scope", "status", "created_time"),
)

replies = new_table(
    "replies",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("post_id", BigId, ForeignKey("posts.id"), nullable=False),
    Column("parent_id", BigId, ForeignKey("replies.id")),
    Column("number", BigInteger, nullable=False, comment="given under the lock on the post's row"),
    Column("depth", SmallInteger, nullable=False),
    Column("author_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("content", LongText, nullable=False, comment="Markdown"),
    Column("content_html", LongText, nullable=False, comment="safe HTML, made once"),
    Column("content_hash", key_bytes(16), nullable=False),
    Column("status", SmallInteger, nullable=False, comment="plaza.forum.v1.ContentStatus"),
    Column("removed_root_id", BigId, comment="the reply together with which it vanished; null while it is live"),
    Column("version", BigInteger, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
    Column("up_count", BigInteger, nullable=False),
    Column("down_count", BigInteger, nullable=False),
    Column("score", BigInteger, nullable=False, comment="up_count - down_count"),
    UniqueConstraint("post_id", "number"),
    # With what is answered, so that lists of one level look at no other level's texts.
    Index("ix_replies_tree", "post_id", "status", "number", "parent_id"),
    Index("ix_replies_top", "post_id", "status", "score", "number", "parent_id"),
    Index("ix_replies_children", "parent_id", "status", "number"),
    Index("ix_replies_author_new", "author_id", "created_time"),
    Index("ix_replies_removed", "removed_root_id"),
)

revisions = new_table(
    "revisions",
    Column("target_kind", SmallInteger, primary_key=True, comment="plaza.forum.v1.TargetKind"),
    Column("target_id", BigId, primary_key=True, autoincrement=False),
    Column("version", BigInteger, primary_key=True, autoincrement=False, comment="the newest one stands in the target"),
    Column("editor_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("title", String(200), nullable=False, comment="empty for a reply"),
    Column("content", LongText, nullable=False, comment="Markdown"),
    Column("created_time", UtcDateTime, nullable=False),
)
"""Every version but the first of an unedited text: a first edit writes two rows, the old version and the new one."""

tags = new_table(
    "tags",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("name", String(40), nullable=False),
    Column("name_key", key_bytes(240), unique=True, comment="normalised; null once deleted, while posts still have it"),
    Column("description", String(500), nullable=False),
    Column("is_restricted", Boolean, nullable=False),
    Column("post_count", BigInteger, nullable=False, comment="posts that have it, live or not"),
    Column("created_time", UtcDateTime, nullable=False),
    Index("ix_tags_used", "post_count", "id"),
)

post_tags = new_table(
    "post_tags",
    Column("post_id", BigId, ForeignKey("posts.id"), primary_key=True),
    Column("tag_id", BigId, ForeignKey("tags.id"), primary_key=True),
    Column("position", SmallInteger, nullable=False, comment="in the order its author gave them"),
    Index("ix_post_tags_tag", "tag_id", "post_id"),
)

drafts = new_table(
    "drafts",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("fields", LongText, nullable=False, comment="JSON of plaza.forum.v1.DraftFields"),
    Column("version", BigInteger, nullable=False),
    Column("created_time", UtcDateTime, nullable=False),
    Column("updated_time", UtcDateTime, nullable=False),
    Index(None, "user_id", "updated_time"),
)
