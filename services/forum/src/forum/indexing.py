"""Keeps this process's search index like the database, from its start to its end.

The index is built from the database and then follows the service's event streams, all of them in every process: without
a consumer group, from the position that was stored with the last commit. When that position says nothing any more,
because the stream lost events or dropped them for their age, or because the index belongs to another database, a new
index is built in a folder beside it, and takes its place when it is complete; until then searches go to the old one, if
there is one. Whatever the index says, a hit is shown as the database has it: a late index misses things, it leaks none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from forum.foundation import Foundation
from forum.index_building import IndexBuilding
from forum.index_changes import Changed, IndexChanges
from forum.metrics import SEARCH_DOCUMENTS, SEARCH_REBUILDS
from forum.search_folder import IndexState, SearchFolder
from forum.search_index import FORMAT, SearchIndex
from forum.threads import Threads
from forum.waiting import is_set_within
from plaza_kit.errors import Unavailable
from plaza_kit.event_stream import FIELD

COMMIT_SECONDS = 0.5
"""Least time between two commits; each makes a file."""

BATCH = 500
_BLOCK_MS = 1000
_CHECK_SECONDS = 10.0
_RETRY_SECONDS = 0.5
_REPAIR_SECONDS = 5.0
_START = "0-0"

log = structlog.get_logger()


class Indexing:
    """Owns the index, its folder and the thread that writes.

    Args:
        foundation: The database.
        database: Names it.
        folder: Where the index is kept; None is a temporary folder.
        streams: The service's event streams.
    """

    def __init__(self, foundation: Foundation, *, database: str, folder: Path | None, streams: Sequence[str]) -> None:
        self._foundation = foundation
        self._database = database
        self._folder_path = folder
        self._streams = streams
        self._threads = Threads(workers=1, queue_limit=1)
        self._building = IndexBuilding(foundation, self._threads)
        self._changes = IndexChanges(foundation, self._threads)
        self._index: SearchIndex | None = None
        self._checked_at = 0.0

    @property
    def index(self) -> SearchIndex | None:
        """What to search in; None while the first index is being built."""
        return self._index

    async def run(self, redis: "Redis", stop: asyncio.Event) -> None:
        """Keep the index until `stop`; trouble with Redis or the database is waited out, a broken index is replaced.

        Raises:
            OSError: The folder cannot be used.
        """
        self._index = None
        folder = await self._threads.run(SearchFolder, self._folder_path)
        try:
            while not stop.is_set():
                try:
                    await self._keep(redis, folder, stop)
                except (RedisError, Unavailable, ConnectionError) as error:
                    log.warning("search.waiting", detail=str(error))
                    await is_set_within(stop, _RETRY_SECONDS)
                except Exception as error:
                    log.error("search.failed", exc_info=error)
                    await self._discard(folder)
                    await is_set_within(stop, _REPAIR_SECONDS)
        finally:
            await self._close_index()  # calls that are still being answered may search in it
            await self._threads.run(folder.close)

    def close(self) -> None:
        """End the thread."""
        self._threads.close()

    async def _keep(self, redis: "Redis", folder: SearchFolder, stop: asyncio.Event) -> None:
        async with self._foundation.database.read() as connection:
            origin = await self._foundation.repositories.search.find_origin(connection)
        database = f"{self._database} {origin}"
        state = await self._threads.run(folder.read)
        if state is not None and (state.format, state.database) != (FORMAT, database):
            state = None
        if state is not None and self._index is None:
            self._index = await self._threads.run(SearchIndex, folder.path_of(state.name))
        positions = None if state is None else await self._positions_after(redis, state.positions)
        if state is None or positions is None:
            keep = state.name if state else ""
            state = await self._rebuilt(redis, folder, stop, database=database, keep=keep)
        else:
            state = IndexState(state.name, FORMAT, database, positions)
        if state is not None and self._index is not None:
            SEARCH_DOCUMENTS.set(self._index.document_count)
            await self._follow(redis, folder, stop, state=state)

    async def _rebuilt(
        self, redis: "Redis", folder: SearchFolder, stop: asyncio.Event, *, database: str, keep: str
    ) -> IndexState | None:
        """Build an index and let it take the place of `keep`, if there is one; None if `stop` came first."""
        positions = {}
        for stream in self._streams:
            span = await _span(redis, stream)
            positions[stream] = _START if span is None else span[1]
        await self._threads.run(folder.remove_others, keep)  # what an attempt left that was cut short
        name = await self._threads.run(folder.make_index_folder)
        index = await self._threads.run(SearchIndex, folder.path_of(name))
        started = asyncio.get_running_loop().time()
        is_complete = await self._building.fill(index, stop)
        if not is_complete:
            await self._threads.run(index.close)
            return None
        await self._threads.run(index.commit)
        state = IndexState(name, FORMAT, database, positions)
        await self._threads.run(folder.write, state)
        await self._close_index()
        self._index = index
        await self._threads.run(folder.remove_others, name)
        SEARCH_REBUILDS.inc()
        seconds = round(asyncio.get_running_loop().time() - started, 1)
        log.info("search.built", documents=index.document_count, seconds=seconds)
        return state

    async def _follow(self, redis: "Redis", folder: SearchFolder, stop: asyncio.Event, *, state: IndexState) -> None:
        """Apply events until `stop`."""
        loop = asyncio.get_running_loop()
        positions = dict(state.positions)
        while not stop.is_set():
            asked: dict[Any, Any] = {**positions}
            answer: Any = await redis.xread(asked, count=BATCH, block=_BLOCK_MS)
            started = loop.time()
            if answer:
                changed = Changed()
                for stream, entries in answer:
                    for _, fields in entries:
                        changed.add(fields.get(FIELD, b""))
                    positions[stream.decode()] = entries[-1][0].decode()
                await self._apply(changed)
                await self._threads.run(folder.write, IndexState(state.name, FORMAT, state.database, positions))
            if started - self._checked_at > _CHECK_SECONDS:
                self._checked_at = started
                positions = await _stepped_back(redis, positions)
            if answer:
                await is_set_within(stop, COMMIT_SECONDS - (loop.time() - started))

    async def _apply(self, changed: Changed) -> None:
        if self._index is None or changed.is_empty:
            return
        await self._changes.apply(self._index, changed)
        SEARCH_DOCUMENTS.set(self._index.document_count)

    async def _positions_after(self, redis: "Redis", kept: Mapping[str, str]) -> dict[str, str] | None:
        """Return where to go on after a pause; None if events may have been missed."""
        for stream in self._streams:
            position, span = kept.get(stream, ""), await _span(redis, stream)
            if not position or (span is None and position != _START):
                return None
            if span is not None and _parts(position) < _parts(span[0]):
                return None
        return await _stepped_back(redis, {stream: kept[stream] for stream in self._streams})

    async def _discard(self, folder: SearchFolder) -> None:
        """Let the index be built anew; what can still be read of it is searched meanwhile."""
        await self._close_index()
        try:
            await self._threads.run(folder.forget)
        except OSError as error:
            log.error("search.not_discarded", exc_info=error)

    async def _close_index(self) -> None:
        if self._index is not None:
            await self._threads.run(self._index.close)


async def _stepped_back(redis: "Redis", positions: Mapping[str, str]) -> dict[str, str]:
    """Return the positions; the start of a stream for one that is beyond its end.

    A Redis that lost the end of a stream, or all of it, gets that from the relay again, under new ids. To read
    what is left of the stream once more does no harm, and takes in a stream that is another one by now.
    """
    found = dict(positions)
    for stream, position in positions.items():
        span = await _span(redis, stream)
        end = _START if span is None else span[1]
        if _parts(position) > _parts(end):
            log.warning("search.stream_lost_events", stream=stream)
            found[stream] = _START
    return found


async def _span(redis: "Redis", stream: str) -> tuple[str, str] | None:
    """Return the ids of the first event that a stream still has and of the last it ever had; None if it is gone."""
    try:
        info: Any = await redis.xinfo_stream(stream)
    except ResponseError as error:
        if "no such key" not in str(error):
            raise
        return None
    last = info["last-generated-id"].decode()
    first = info["first-entry"]
    return (first[0].decode() if first else last), last


def _parts(stream_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence)
