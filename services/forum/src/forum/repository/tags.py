"""Rows of `tags` and `post_tags`. A deleted tag has no `name_key`; its row stays until no post has it any more."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import TagNameTaken
from forum.models import follows, post_tags, tags
from plaza.forum.v1.target_pb2 import TARGET_KIND_TAG


class TagRow(NamedTuple):
    """One tag that is not deleted; the attributes are the columns."""

    id: int
    name: str
    name_key: bytes
    description: str
    is_restricted: bool
    post_count: int


_COLUMNS = tuple(tags.c[name] for name in TagRow._fields)
_IS_THERE = tags.c.name_key.is_not(None)


class TagRepository:
    """All SQL about tags. Statements are built once, at construction."""

    def __init__(self) -> None:
        self._by_id = select(*_COLUMNS).where(tags.c.id == bindparam("tag_id"), _IS_THERE)
        self._by_id_locked = self._by_id.with_for_update()
        self._by_key = select(*_COLUMNS).where(tags.c.name_key == bindparam("name_key"))
        self._of_post = (
            select(post_tags.c.tag_id)
            .where(post_tags.c.post_id == bindparam("post_id"))
            .order_by(post_tags.c.position, post_tags.c.tag_id)
        )

    async def find(self, connection: AsyncConnection, tag_id: int) -> TagRow | None:
        """Return a tag."""
        row = (await connection.execute(self._by_id, {"tag_id": tag_id})).first()
        return None if row is None else TagRow(*row)

    async def lock(self, connection: AsyncConnection, tag_id: int) -> TagRow | None:
        """Return a tag and keep its row locked until the transaction ends."""
        row = (await connection.execute(self._by_id_locked, {"tag_id": tag_id})).first()
        return None if row is None else TagRow(*row)

    async def find_by_key(self, connection: AsyncConnection, name_key: bytes) -> TagRow | None:
        """Return the tag of a normalised name."""
        row = (await connection.execute(self._by_key, {"name_key": name_key})).first()
        return None if row is None else TagRow(*row)

    async def find_ids_by_keys(self, connection: AsyncConnection, name_keys: Collection[bytes]) -> list[int]:
        """Return the ids of the tags with these normalised names."""
        return list((await connection.execute(select(tags.c.id).where(tags.c.name_key.in_(name_keys)))).scalars())

    async def list_by_ids(self, connection: AsyncConnection, tag_ids: Collection[int]) -> list[TagRow]:
        """Return those of the tags that are there, in no order."""
        rows = await connection.execute(select(*_COLUMNS).where(tags.c.id.in_(tag_ids), _IS_THERE))
        return [TagRow(*row) for row in rows]

    async def lock_many(self, connection: AsyncConnection, tag_ids: Collection[int]) -> list[TagRow]:
        """Return those of the tags that are there, by id, and keep their rows locked until the transaction ends."""
        statement = select(*_COLUMNS).where(tags.c.id.in_(tag_ids), _IS_THERE).order_by(tags.c.id)
        return [TagRow(*row) for row in await connection.execute(statement.with_for_update())]

    async def list_after(
        self, connection: AsyncConnection, *, after: tuple[int, int], prefix: bytes, limit: int
    ) -> list[TagRow]:
        """Return up to `limit` tags, most used first.

        Args:
            connection: To read on.
            after: `post_count` and id of the tag before the first one.
            prefix: Normalised beginning of the name.
            limit: How many.
        """
        count, tag_id = after
        is_after = (tags.c.post_count < count) | (tags.c.id < tag_id)
        statement = select(*_COLUMNS).where(tags.c.post_count <= count, is_after, _IS_THERE)
        if prefix:
            # 0xff is in no UTF-8 text, so it bounds all names with this prefix.
            statement = statement.where(tags.c.name_key >= prefix, tags.c.name_key < prefix + b"\xff")
        ordered = statement.order_by(tags.c.post_count.desc(), tags.c.id.desc()).limit(limit)
        return [TagRow(*row) for row in await connection.execute(ordered)]

    async def insert(self, connection: AsyncConnection, values: Mapping[str, Any]) -> TagRow | None:
        """Add a tag that no post has yet; return None if there is one with this normalised name by now."""
        row = {"description": "", "is_restricted": False, "post_count": 0, **values}
        try:
            result = await connection.execute(insert(tags).values(row))
        except IntegrityError:
            return None
        return TagRow(*({"id": int(result.lastrowid), **row}[name] for name in TagRow._fields))

    async def update(self, connection: AsyncConnection, tag_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of one tag.

        Raises:
            TagNameTaken: (ALREADY_EXISTS, TAG_NAME_TAKEN.)
        """
        try:
            await connection.execute(update(tags).where(tags.c.id == tag_id).values(dict(values)))
        except IntegrityError as error:
            raise TagNameTaken from error

    async def count_posts(self, connection: AsyncConnection, tag_ids: Collection[int], *, by: int) -> None:
        """Add to the numbers of posts of tags whose rows are locked."""
        if tag_ids:
            statement = update(tags).where(tags.c.id.in_(tag_ids))
            await connection.execute(statement.values(post_count=tags.c.post_count + by))

    async def list_ids_of_post(self, connection: AsyncConnection, post_id: int) -> list[int]:
        """Return the ids of a post's tags in their order, deleted ones too."""
        return list((await connection.execute(self._of_post, {"post_id": post_id})).scalars())

    async def replace_of_post(self, connection: AsyncConnection, post_id: int, tag_ids: Sequence[int]) -> None:
        """Set the tags of a post, in this order."""
        await connection.execute(delete(post_tags).where(post_tags.c.post_id == post_id))
        if tag_ids:
            rows = [
                {"post_id": post_id, "tag_id": tag_id, "position": position} for position, tag_id in enumerate(tag_ids)
            ]
            await connection.execute(insert(post_tags), rows)

    async def purge(self, connection: AsyncConnection, limit: int) -> int:
        """Take a deleted tag off up to `limit` posts and followers, then remove it; return how many rows went."""
        tag_id = (await connection.execute(select(tags.c.id).where(tags.c.name_key.is_(None)).limit(1))).scalar()
        if tag_id is None:
            return 0
        has_it = select(post_tags.c.post_id).where(post_tags.c.tag_id == tag_id).limit(limit)
        post_ids = (await connection.execute(has_it)).scalars().all()
        its_posts = delete(post_tags).where(post_tags.c.post_id.in_(post_ids), post_tags.c.tag_id == tag_id)
        await connection.execute(its_posts)
        follows_it = (follows.c.target_kind == int(TARGET_KIND_TAG)) & (follows.c.target_id == tag_id)
        followers = select(follows.c.id).where(follows_it).limit(limit - len(post_ids))
        follow_ids = (await connection.execute(followers)).scalars().all()
        await connection.execute(delete(follows).where(follows.c.id.in_(follow_ids)))
        count = len(post_ids) + len(follow_ids)
        if count == limit:
            return count
        await connection.execute(delete(tags).where(tags.c.id == tag_id))
        return count + 1
