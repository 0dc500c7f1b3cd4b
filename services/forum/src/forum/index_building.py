"""A search index made from the database alone: all live posts, then all live replies, range by range of ids.

The order matters: every reply is read later than its post, so no reply in the index has an older category or older
tags than its post. `index_changes.py` relies on it.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.repository.search import SearchableText
from forum.search_documents import documents_of
from forum.search_index import SearchIndex
from forum.threads import Threads

RANGE = 200
"""Ids in one statement; at the longest texts, some 80 MB."""

PORTION = 50
"""Documents that are made at a time: some milliseconds in which Python does nothing else."""


class _ListBetween(Protocol):
    async def __call__(self, connection: AsyncConnection, *, first: int, last: int) -> list[SearchableText]: ...


class IndexBuilding:
    """Fills a new index.

    Args:
        foundation: The database.
        threads: The one thread that writes to indexes.
    """

    def __init__(self, foundation: Foundation, threads: Threads) -> None:
        self._database = foundation.database
        self._rows = foundation.repositories.search
        self._threads = threads

    async def fill(self, index: SearchIndex, stop: asyncio.Event) -> bool:
        """Put everything into an empty index; return False if `stop` came first.

        Rows that are written meanwhile may be left out: their events come later.
        """
        async with self._database.read() as connection:
            last_post_id, last_reply_id = await self._rows.find_last_ids(connection)
        for last_id, list_between in (
            (last_post_id, self._rows.list_posts_between),
            (last_reply_id, self._rows.list_replies_between),
        ):
            for first in range(1, last_id + 1, RANGE):
                if stop.is_set():
                    return False
                await self._put(index, list_between, first)
        return True

    async def _put(self, index: SearchIndex, list_between: _ListBetween, first: int) -> None:
        async with self._database.read() as connection:
            texts = await list_between(connection, first=first, last=first + RANGE - 1)
            post_ids = {text.post_id for text in texts}
            tag_ids = await self._rows.list_tag_ids(connection, post_ids) if post_ids else {}
        for start in range(0, len(texts), PORTION):
            portion = texts[start : start + PORTION]
            await self._threads.run(_put_new, index, portion, tag_ids)


def _put_new(index: SearchIndex, texts: Sequence[SearchableText], tag_ids: dict[int, list[int]]) -> None:
    index.put_new(documents_of(texts, tag_ids))
