"""Categories and tags in answers."""

from typing import Annotated, Literal, cast

import msgspec

from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import to_milliseconds
from plaza.forum.v1 import category_service_pb2, tag_service_pb2

ReadRole = Literal["anyone", "user", "moderator", "admin"]
WriteRole = Literal["user", "moderator", "admin"]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Category(msgspec.Struct):
    """A category; `post_count` is without the categories below it."""

    id: Id
    name: str
    slug: str
    description: str
    parent_id: Id | None
    read_role: ReadRole
    write_role: WriteRole
    position: Count
    post_count: Count
    created_time: Milliseconds

    @classmethod
    def of(cls, category: category_service_pb2.Category) -> "Category":
        """Return what the service keeps."""
        return cls(
            category.id,
            category.name,
            category.slug,
            category.description,
            category.parent_id or None,
            cast("ReadRole", category.read_role),
            cast("WriteRole", category.write_role),
            category.position,
            category.post_count,
            to_milliseconds(category.created_time),
        )


class Categories(msgspec.Struct):
    """All categories that the caller may read, parents before their children."""

    categories: list[Category]


class Tag(msgspec.Struct):
    """A tag; only moderators may put a restricted one on a post."""

    id: Id
    name: str
    description: str
    post_count: Count
    is_restricted: bool

    @classmethod
    def of(cls, tag: tag_service_pb2.Tag) -> "Tag":
        """Return what the service keeps."""
        return cls(tag.id, tag.name, tag.description, tag.post_count, tag.is_restricted)


class Tags(msgspec.Struct):
    """A page of tags, most used first; `next_page_token` is empty on the last one."""

    tags: list[Tag]
    next_page_token: str
