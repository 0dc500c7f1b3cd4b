"""Tags: what a post is about, in its author's words.

Two names are one tag if they are equal after NFKC normalisation and case folding. The rows of all tags that a post
gets or loses are locked in the order of their ids before anything is decided.
"""

import unicodedata
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import TagNotAllowed, TagNotFound
from forum.foundation import Foundation
from forum.paging import page_size
from forum.ranks import MODERATOR
from forum.repository.tags import TagRow
from forum.usernames import key_of
from forum.writers import Writer
from plaza.forum.v1 import tag_service_pb2 as pb
from plaza_kit.errors import Aborted, Violation
from plaza_kit.field_values import refuse
from plaza_kit.page_token import PageTokenInvalid

NAME_MAX = 40
KEY_MAX = 240
"""Bytes of a normalised name. 40 letters of any script fit; ligatures and squared words, which NFKC writes out, may
not, and a name full of them is TOO_LONG."""
PAGE_SIZE = 50
PAGE_SIZE_MAX = 200

_FIRST = (2**62, 0)
_SEPARATORS = (",", "/")
_FORBIDDEN = ("Cc", "Zl", "Zp")


def normalise(name: str) -> bytes:
    """Return what names are compared by, in UTF-8."""
    return key_of(name.strip())


def name_violations(field: str, name: str) -> list[Violation]:
    """Return what is wrong with the name of a tag: 1 to 40 code points, no control characters, comma or slash."""
    bare = name.strip()
    if not bare:
        return [Violation(field, "BLANK", 1)]
    if len(bare) > NAME_MAX or len(normalise(bare)) > KEY_MAX:
        return [Violation(field, "TOO_LONG", NAME_MAX)]
    if any(letter in _SEPARATORS or unicodedata.category(letter) in _FORBIDDEN for letter in bare):
        return [Violation(field, "BAD_FORMAT")]
    return []


def names_violations(names: Sequence[str]) -> list[Violation]:
    """Return what is wrong with the first broken name of a post's `tags`."""
    found = (name_violations(f"tags.{index}", name) for index, name in enumerate(names))
    return next((violations for violations in found if violations), [])


class Tags:
    """Finds tags, and puts them on posts.

    Args:
        foundation: What to stand on.
        create_rank: Who may make a tag by using it.
    """

    def __init__(self, foundation: Foundation, *, create_rank: int) -> None:
        self._tags = foundation.repositories.tags
        self._clock = foundation.clock
        self._page_tokens = foundation.page_tokens
        self._create_rank = create_rank

    async def get(self, connection: AsyncConnection, tag_id: int) -> pb.GetTagResponse:
        """Return one tag.

        Raises:
            TagNotFound: (TAG_NOT_FOUND.)
        """
        row = await self._tags.find(connection, tag_id)
        if row is None:
            raise TagNotFound
        return pb.GetTagResponse(tag=tag_of(row))

    async def list_page(self, connection: AsyncConnection, request: pb.ListTagsRequest) -> pb.ListTagsResponse:
        """Return tags, most used first.

        Raises:
            InvalidArgument: A negative page size, or a prefix that no name can have (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list with this prefix (PAGE_TOKEN_INVALID).
        """
        limit = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        if len(request.prefix) > NAME_MAX:
            refuse([Violation("prefix", "TOO_LONG", NAME_MAX)])
        prefix = normalise(request.prefix)
        list_name, after = f"tags:{prefix.hex()}", _FIRST
        if request.page_token:
            match self._page_tokens.decode(list_name, request.page_token):
                case [int(count), int(tag_id)]:
                    after = (count, tag_id)
                case _:
                    raise PageTokenInvalid
        found = await self._tags.list_after(connection, after=after, prefix=prefix, limit=limit + 1)
        response = pb.ListTagsResponse(tags=[tag_of(row) for row in found[:limit]])
        if len(found) > limit:
            last = found[limit - 1]
            response.next_page_token = self._page_tokens.encode(list_name, last.post_count, last.id)
        return response

    async def find_by_name(self, connection: AsyncConnection, name: str) -> TagRow | None:
        """Return the tag that a name means."""
        name_key = normalise(name)
        return await self._tags.find_by_key(connection, name_key) if name_key else None

    async def set_for_post(
        self, connection: AsyncConnection, post_id: int, names: Sequence[str], writer: Writer
    ) -> list[str]:
        """Give a post exactly these tags, and make those that there are not yet.

        Args:
            connection: The transaction, in which the post is new or its row locked.
            post_id: Which.
            names: In order; the second of two that mean one tag is left out.
            writer: Who does it. Restricted tags that the post has already may stay, whoever it is.

        Returns:
            The names as they are stored.

        Raises:
            InvalidArgument: A name is broken (INVALID_REQUEST).
            TagNotAllowed: A tag is for moderators, or would be a new one (TAG_NOT_ALLOWED).
        """
        refuse(names_violations(names))
        wanted: dict[bytes, str] = {}
        for name in names:
            wanted.setdefault(normalise(name), name.strip())
        had = await self._tags.list_ids_of_post(connection, post_id)
        rows = await self._lock(connection, wanted, had)
        if writer.rank < MODERATOR and any(row.is_restricted and row.id not in had for row in rows.values()):
            raise TagNotAllowed
        for name_key in sorted(wanted.keys() - rows.keys()):
            rows[name_key] = await self._make(connection, wanted[name_key], writer)
        chosen = [rows[name_key] for name_key in wanted]
        await self._put(connection, post_id, had=had, chosen=[row.id for row in chosen])
        return [row.name for row in chosen]

    async def _lock(
        self, connection: AsyncConnection, name_keys: Collection[bytes], had: Collection[int]
    ) -> dict[bytes, TagRow]:
        """Return the wanted tags that there are; theirs and the rows of those that the post has are then locked."""
        ids = await self._tags.find_ids_by_keys(connection, name_keys) if name_keys else []
        locked = await self._tags.lock_many(connection, {*ids, *had}) if ids or had else []
        return {row.name_key: row for row in locked if row.name_key in name_keys}

    async def _put(self, connection: AsyncConnection, post_id: int, *, had: list[int], chosen: list[int]) -> None:
        if had == chosen:
            return
        # Before the rows that point at them: a foreign key takes a shared lock on the tag, and two of them that both
        # want to count afterwards would wait for each other.
        await self._tags.count_posts(connection, set(chosen) - set(had), by=1)
        await self._tags.count_posts(connection, set(had) - set(chosen), by=-1)
        await self._tags.replace_of_post(connection, post_id, chosen)

    async def _make(self, connection: AsyncConnection, name: str, writer: Writer) -> TagRow:
        if writer.rank < self._create_rank:
            raise TagNotAllowed
        name_key = normalise(name)
        values = {"name": name, "name_key": name_key, "created_time": self._clock()}
        made = await self._tags.insert(connection, values)
        if made is None:  # somebody else was faster
            made = (await self._lock(connection, [name_key], ())).get(name_key)
        if made is None:
            raise Aborted("a tag came and went")
        return made


def tag_of(row: TagRow) -> pb.Tag:
    """Return a row as a message."""
    return pb.Tag(
        id=row.id,
        name=row.name,
        description=row.description,
        post_count=row.post_count,
        is_restricted=row.is_restricted,
    )
