"""What users collect: bookmarks, follows and blocks. Each target once, newest first, up to a limit."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import LimitReached
from forum.foundation import Foundation
from forum.paging import page_size
from forum.repository.collected import CollectedRepository, CollectedRow, Key
from plaza_kit.page_token import PageTokenInvalid

_NEWEST = 2**62


@dataclass(frozen=True)
class CollectionLimits:
    """How much a collection holds, and how much of it an answer.

    Attributes:
        most: Targets of the kinds that are counted together.
        page_size: Unless the request says otherwise.
        page_size_max: Larger pages are cut to it.
    """

    most: int
    page_size: int
    page_size_max: int


class Collected:
    """One kind of collection.

    Args:
        foundation: What to stand on.
        rows: Its table.
        name: Names its lists in page tokens.
        limits: See there.
    """

    def __init__(
        self, foundation: Foundation, rows: CollectedRepository, *, name: str, limits: CollectionLimits
    ) -> None:
        self._users = foundation.repositories.users
        self._rows = rows
        self._clock = foundation.clock
        self._page_tokens = foundation.page_tokens
        self._name = name
        self._limits = limits

    async def add(self, connection: AsyncConnection, user_id: int, key: Key, *, counted_kinds: Collection[int]) -> None:
        """Add a target, unless it is there.

        Args:
            connection: The transaction.
            user_id: Whose, a user who may write.
            key: Kind and id of the target.
            counted_kinds: The kinds of which there may be so many.

        Raises:
            LimitReached: There are as many as there may be (LIMIT_REACHED).
        """
        # The lock makes two requests of a user that would each add the last one wait for each other.
        await self._users.lock(connection, user_id)
        if await self._rows.has(connection, user_id, key):
            return
        if await self._rows.count(connection, user_id, counted_kinds) >= self._limits.most:
            raise LimitReached(self._limits.most)
        await self._rows.insert(connection, user_id, key, now=self._clock())

    async def remove(self, connection: AsyncConnection, user_id: int, key: Key) -> bool:
        """Remove a target, whether or not the user may still see it; return whether it was there."""
        return await self._rows.delete(connection, user_id, key)

    async def list_page(
        self,
        connection: AsyncConnection,
        user_id: int,
        kinds: Collection[int],
        *,
        requested_size: int,
        page_token: str,
    ) -> tuple[list[CollectedRow], str]:
        """Return a page of the targets of some kinds, and the token of the next one, empty if there is none.

        Raises:
            InvalidArgument: A negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        limit = page_size(requested_size, self._limits.page_size, self._limits.page_size_max)
        list_name = f"{self._name}:{user_id}:{sorted(kinds)}"
        before_id = _NEWEST
        if page_token:
            match self._page_tokens.decode(list_name, page_token):
                case [int(row_id)]:
                    before_id = row_id
                case _:
                    raise PageTokenInvalid
        found = await self._rows.list_before(connection, user_id, before_id=before_id, kinds=kinds, limit=limit + 1)
        page = found[:limit]
        return page, self._page_tokens.encode(list_name, page[-1].id) if len(found) > limit else ""
