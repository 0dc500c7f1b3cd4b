"""What the service's own events change in the search index.

An event only names what changed: it is read from the database, as it is by now. So events may come late or twice.

Of the documents of a post and its replies, that of the post is read first and the others never have an older category
or older tags. So when those of the post in the index are the ones in the database, nothing has to be done about its
replies; when they differ, or the post was not in sight, all its replies are read again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from google.protobuf.message import DecodeError, Message

from forum.foundation import Foundation
from forum.index_building import PORTION
from forum.metrics import SEARCH_LAG
from forum.search_documents import documents_of
from forum.search_index import Placed, SearchIndex
from forum.threads import Threads
from plaza.events.v1.envelope_pb2 import Envelope
from plaza.forum.v1 import forum_events_pb2 as events_pb

REPLIES = 1000
"""Ids of a post's replies that are listed at a time."""

log = structlog.get_logger()


@dataclass
class Changed:
    """What events named.

    Attributes:
        new_post_ids: Posts that were written.
        post_ids: Posts that changed, or went out of sight or came back.
        reply_ids: Replies of which the same is true.
        root_reply_ids: Replies that went or came with all below them.
        since: When the first of it happened.
    """

    new_post_ids: set[int] = field(default_factory=set)
    post_ids: set[int] = field(default_factory=set)
    reply_ids: set[int] = field(default_factory=set)
    root_reply_ids: set[int] = field(default_factory=set)
    since: datetime | None = None

    def add(self, raw: bytes) -> None:
        """Take in one event; what is none, and those that change nothing that can be found, are passed over."""
        try:
            envelope = Envelope.FromString(raw)
            message = _MESSAGES.get(envelope.type)
            if message is None:
                return
            event: Any = message.FromString(envelope.payload)
        except DecodeError:
            log.error("search.not_an_event")
            return
        self._add(event)
        occurred = envelope.occurred_time.ToDatetime(UTC)
        self.since = occurred if self.since is None else min(self.since, occurred)

    @property
    def is_empty(self) -> bool:
        """Nothing that can be found changed."""
        return self.since is None

    def _add(self, event: Any) -> None:
        match event:
            case events_pb.PostCreated():
                self.new_post_ids.add(event.post_id)
            case events_pb.ReplyCreated() | events_pb.ReplyUpdated():
                self.reply_ids.add(event.reply_id)
            case events_pb.ReplyDeleted() | events_pb.ReplyRestored():
                self.root_reply_ids.add(event.reply_id)
            case events_pb.RepliesMerged():
                self.reply_ids.update(event.reply_ids)
            case _:
                self.post_ids.add(event.post_id)


_MESSAGES: dict[str, type[Message]] = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        events_pb.PostCreated,
        events_pb.PostUpdated,
        events_pb.PostDeleted,
        events_pb.PostRestored,
        events_pb.PostModerated,
        events_pb.ReplyCreated,
        events_pb.ReplyUpdated,
        events_pb.ReplyDeleted,
        events_pb.ReplyRestored,
        events_pb.RepliesMerged,
    )
}


class IndexChanges:
    """Brings what was named up to date.

    Args:
        foundation: The database.
        threads: The one thread that writes to indexes.
    """

    def __init__(self, foundation: Foundation, threads: Threads) -> None:
        self._database = foundation.database
        self._rows = foundation.repositories.search
        self._threads = threads

    async def apply(self, index: SearchIndex, changed: Changed) -> None:
        """Read again what changed, and commit."""
        for post_ids in _portions(changed.post_ids | changed.new_post_ids):
            await self._put_posts(index, post_ids, new_ids=changed.new_post_ids - changed.post_ids)
        for reply_ids in _portions(changed.reply_ids | await self._with_those_below(changed.root_reply_ids)):
            await self._put_replies(index, reply_ids)
        await self._threads.run(index.commit)
        if changed.since is not None:
            SEARCH_LAG.observe(max(0.0, (datetime.now(UTC) - changed.since).total_seconds()))

    async def _put_posts(self, index: SearchIndex, post_ids: Sequence[int], *, new_ids: Collection[int]) -> None:
        async with self._database.read() as connection:
            texts = await self._rows.list_posts(connection, post_ids)
            tag_ids = await self._rows.list_tag_ids(connection, post_ids)
        had = await self._threads.run(index.find_posts, post_ids)
        documents = await self._threads.run(documents_of, texts, tag_ids)
        live_ids = {document.post_id for document in documents}
        await self._threads.run(index.drop_posts, [post_id for post_id in post_ids if post_id not in live_ids])
        await self._threads.run(index.put, documents)
        for document in documents:
            placed = had.get(document.post_id)
            is_in_place = placed == Placed(document.category_id, document.tag_ids)
            if not is_in_place and (placed is not None or document.post_id not in new_ids):
                await self._put_all_replies(index, document.post_id)

    async def _put_all_replies(self, index: SearchIndex, post_id: int) -> None:
        number = 0
        while True:
            async with self._database.read() as connection:
                found = await self._rows.list_reply_ids(connection, post_id, after_number=number, limit=REPLIES)
            for reply_ids in _portions(reply_id for reply_id, _ in found):
                await self._put_replies(index, reply_ids)
            if len(found) < REPLIES:
                return
            number = found[-1][1]

    async def _put_replies(self, index: SearchIndex, reply_ids: Sequence[int]) -> None:
        async with self._database.read() as connection:
            texts = await self._rows.list_replies(connection, reply_ids)
            post_ids = {text.post_id for text in texts}
            tag_ids = await self._rows.list_tag_ids(connection, post_ids) if post_ids else {}
        live_ids = {text.reply_id for text in texts}
        await self._threads.run(index.drop_replies, [reply_id for reply_id in reply_ids if reply_id not in live_ids])
        await self._threads.run(index.put, await self._threads.run(documents_of, texts, tag_ids))

    async def _with_those_below(self, reply_ids: Collection[int]) -> set[int]:
        if not reply_ids:
            return set()
        async with self._database.read() as connection:
            return {*reply_ids, *await self._rows.list_ids_below(connection, reply_ids)}


def _portions(ids: Iterable[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[start : start + PORTION] for start in range(0, len(ordered), PORTION)]
