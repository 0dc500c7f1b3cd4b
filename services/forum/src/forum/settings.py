"""Settings of the forum service: `PLAZA_FORUM_<FIELD>`."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from plaza_kit.settings import Duration, Networks, ServiceSettings


class ForumSettings(ServiceSettings):
    """What can be set."""

    model_config = SettingsConfigDict(env_prefix="PLAZA_FORUM_", frozen=True, extra="forbid")

    bind: str = Field("127.0.0.1:50052", description="address and port of the gRPC server")
    data_key_file: Path = Field(
        Path("/run/keys/forum-data-key"),
        description="32 random bytes in base64: seals webhook secrets and kept answers, signs page tokens",
    )
    auth_shards: int = Field(1, ge=1, le=64, description="event streams of the auth service")

    default_category_id: int = Field(1, ge=1, description="where posts go that name no category")
    posts_page_size_max: int = Field(100, ge=1, le=1000, description="largest page of the legacy list")
    tree_limit: int = Field(1000, ge=1, le=10_000, description="most replies in the legacy detail")
    tree_limit_bytes: int = Field(
        2 * 1024 * 1024, ge=64 * 1024, le=3 * 1024 * 1024, description="most bytes of text in the legacy detail"
    )
    reply_depth_max: int = Field(100, ge=1, le=900, description="levels of replies below a post")

    new_user_age: Duration = Field(timedelta(days=1), ge=timedelta(0), description="how long a user counts as new")
    new_user_posts_per_hour: int = Field(10, ge=1, description="posts and replies of a new user in an hour")
    new_user_links: int = Field(2, ge=0, description="links in one text of a new user")
    duplicate_window: Duration = Field(
        timedelta(minutes=5), ge=timedelta(0), description="time in which a user's same text again is refused; 0 is off"
    )
    tag_create_role: str = Field(
        "user", pattern="^(user|moderator|admin)$", description="least role that may make a tag by using it"
    )

    search_index_dir: Path | None = Field(
        None, description="folder of this process's search index; none is a temporary one, built anew at each start"
    )

    webhook_allow_http: bool = Field(False, description="webhooks may have addresses without TLS")
    webhook_allowed_networks: Networks = Field(
        (), description="networks that webhooks may reach although they are not public"
    )
