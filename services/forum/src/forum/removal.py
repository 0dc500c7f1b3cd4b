"""Out of sight and back: posts, and replies with all that is below them.

Nothing is erased. A live reply's parent is always live: what vanishes takes its live subtree along, each row of which
remembers the reply it went with (`removed_root_id`), and exactly these come back together. Counters follow in the
same transaction, under the lock on the post's row.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.errors import NotRemoved
from forum.foundation import Foundation
from forum.repository.posts import PostRow
from forum.repository.removal import ReplyState
from forum.repository.replies import ReplyRow
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE, ContentStatus
from plaza_kit.errors import Aborted


class Removal:
    """Hides and shows what was written. Who may ask for it is decided by the callers."""

    def __init__(self, foundation: Foundation) -> None:
        self._rows = foundation.repositories.removal
        self._categories = foundation.repositories.categories
        self._events = foundation.events

    async def remove_post(
        self, connection: AsyncConnection, post: PostRow, *, status: "ContentStatus.ValueType", actor_id: int
    ) -> None:
        """Take a post out of sight; nothing happens if it is so for that cause already.

        Args:
            connection: The transaction.
            post: Which.
            status: Why: DELETED, REMOVED or HELD.
            actor_id: Who does it.
        """
        state = await self._rows.lock_post(connection, post.id)
        if state.status == status:
            return
        await self._rows.set_post_status(connection, post.id, status)
        if state.status == CONTENT_STATUS_LIVE:
            await self._categories.count_posts(connection, state.category_id, by=-1, is_change=True)
        event = events_pb.PostDeleted(post_id=post.id, actor_id=actor_id, status=status)
        await self._events.about_post(connection, post.id, event)

    async def restore_post(self, connection: AsyncConnection, post: PostRow, *, actor_id: int) -> None:
        """Bring a post back, or let a held one through.

        Raises:
            NotRemoved: It is in sight (NOT_REMOVED).
        """
        state = await self._rows.lock_post(connection, post.id)
        if state.status == CONTENT_STATUS_LIVE:
            raise NotRemoved
        await self._rows.set_post_status(connection, post.id, CONTENT_STATUS_LIVE)
        await self._categories.count_posts(connection, state.category_id, by=1, is_change=True)
        await self._events.about_post(connection, post.id, events_pb.PostRestored(post_id=post.id, actor_id=actor_id))

    async def remove_reply(
        self, connection: AsyncConnection, reply: ReplyRow, *, status: "ContentStatus.ValueType", actor_id: int
    ) -> int:
        """Take a reply out of sight with all live ones below it; return how many replies this concerns.

        One that is out of sight already only changes its status, with those that went with it; one that went with
        another stays as it is, and what is out of sight is not put on hold.

        Raises:
            Aborted: It has just been moved to another post (ABORTED).
        """
        post = await self._rows.lock_post(connection, reply.post_id)
        state = await self._locked(connection, reply)
        is_live = state.status == CONTENT_STATUS_LIVE
        if state.status == status or (status == CONTENT_STATUS_HELD and not is_live):
            return 0
        if is_live:
            vanishing = await self._rows.list_live_subtree(connection, reply.id)
            await self._rows.hide(connection, vanishing, status=status, root_id=reply.id)
            await self._count_out(
                connection, reply.post_id, vanishing, answer_id=post.accepted_reply_id, actor_id=actor_id
            )
            count = len(vanishing)
        else:
            count = await self._rows.set_hidden_status(connection, reply.id, status)
        if count:
            event = events_pb.ReplyDeleted(reply_id=reply.id, post_id=reply.post_id, actor_id=actor_id, status=status)
            await self._events.about_post(connection, reply.post_id, event)
        return count

    async def restore_reply(self, connection: AsyncConnection, reply: ReplyRow, *, actor_id: int) -> int:
        """Bring a reply back with all that vanished with it, or let a held one through; return how many.

        Raises:
            NotRemoved: It is in sight, or it went with a reply above it that has to come back first (NOT_REMOVED).
            Aborted: It has just been moved to another post (ABORTED).
        """
        await self._rows.lock_post(connection, reply.post_id)
        state = await self._locked(connection, reply)
        if state.status == CONTENT_STATUS_LIVE:
            raise NotRemoved
        if state.parent_id is not None:
            parent = await self._rows.find_reply(connection, state.parent_id)
            if parent.status != CONTENT_STATUS_LIVE:
                raise NotRemoved("the reply above it is out of sight")
        count = await self._rows.show(connection, reply.id)
        await self._rows.count_replies(connection, reply.post_id, by=count)
        restored = events_pb.ReplyRestored(reply_id=reply.id, post_id=reply.post_id, actor_id=actor_id)
        await self._events.about_post(connection, reply.post_id, restored)
        return count

    async def _locked(self, connection: AsyncConnection, reply: ReplyRow) -> ReplyState:
        """Return a reply as it is under the lock on its post."""
        state = await self._rows.find_reply(connection, reply.id)
        if state.post_id != reply.post_id:
            raise Aborted("the reply was moved to another post")
        return state

    async def _count_out(
        self,
        connection: AsyncConnection,
        post_id: int,
        vanished: Sequence[int],
        *,
        answer_id: int | None,
        actor_id: int,
    ) -> None:
        is_answer_gone = answer_id in vanished
        await self._rows.count_replies(connection, post_id, by=-len(vanished), is_answer_gone=is_answer_gone)
        if is_answer_gone:
            event = events_pb.AnswerAccepted(post_id=post_id, actor_id=actor_id)
            await self._events.about_post(connection, post_id, event)
