"""Replies are edited: by their authors, and by moderators, which is written down."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.content import Rendered
from forum.errors import ContentRejected, NotReplyAuthor, PostLocked
from forum.foundation import Foundation
from forum.ranks import MODERATOR
from forum.replies import Replies, ReplyParts, refusal_of, text_values
from forum.repository.replies import ReplyRow
from forum.revisions import Revisions, Version
from forum.writers import Writer
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import reply_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.reply_pb2 import Reply
from plaza.forum.v1.target_pb2 import TARGET_KIND_REPLY
from plaza_kit.caller import Caller


class ReplyEdits:
    """Changes replies."""

    def __init__(
        self, foundation: Foundation, parts: ReplyParts, *, replies: Replies, revisions: Revisions, audit: Audit
    ) -> None:
        self._rows = foundation.repositories.replies
        self._events = foundation.events
        self._clock = foundation.clock
        self._parts = parts
        self._replies = replies
        self._revisions = revisions
        self._audit = audit

    async def update(self, connection: AsyncConnection, caller: Caller, request: pb.UpdateReplyRequest) -> Reply:
        """Change the text of a reply.

        Raises:
            ReplyNotFound: There is none that the caller may read (REPLY_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotReplyAuthor: Nor a moderator (NOT_REPLY_AUTHOR).
            PostLocked: And the caller is no moderator (POST_LOCKED).
            ReplyContentRequired: Absent or empty (REPLY_CONTENT_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            VersionMismatch: It is not the expected one any more (VERSION_MISMATCH).
            NewUserLinkLimit: (NEW_USER_LINK_LIMIT.)
            ContentRejected: (CONTENT_REJECTED.)
        """
        found = await self._replies.require_readable(connection, caller, request.reply_id)
        writer = await self._parts.writers.require(connection, caller)
        if writer.user_id != found.author_id and writer.rank < MODERATOR:
            raise NotReplyAuthor
        if found.is_post_locked and writer.rank < MODERATOR:
            raise PostLocked
        if refusal := refusal_of(request):
            raise refusal
        rendered = await self._parts.renderer.render(connection, request.content)
        verdict = await self._parts.word_filters.judge(request.content, rank=writer.rank)
        if verdict == "hold" and found.status == CONTENT_STATUS_LIVE:
            # It takes the lock on the post, which comes before that on the reply.
            await self._hold(connection, found, actor_id=writer.user_id)
        old = await self._replies.lock(connection, request.reply_id, expected_version=request.expected_version)
        self._parts.new_users.check_links(writer, rendered.link_count)
        if verdict == "reject":
            raise ContentRejected
        await self._rewrite(connection, old, request.content, rendered=rendered, writer=writer)
        return await self._replies.get(connection, caller, request.reply_id)

    async def _hold(self, connection: AsyncConnection, reply: ReplyRow, *, actor_id: int) -> None:
        await self._parts.removal.remove_reply(connection, reply, status=CONTENT_STATUS_HELD, actor_id=actor_id)
        await self._parts.cases.hold(connection, target=(TARGET_KIND_REPLY, reply.id), post_id=reply.post_id)

    async def _rewrite(
        self, connection: AsyncConnection, old: ReplyRow, content: str, *, rendered: Rendered, writer: Writer
    ) -> None:
        now = self._clock()
        version = old.version
        if content != old.content:
            version += 1
            first = Version(1, old.author_id, "", old.content, old.created_time) if old.version == 1 else None
            new = Version(version, writer.user_id, "", content, now)
            await self._revisions.keep(connection, target=(TARGET_KIND_REPLY, old.id), old=first, new=new)
        await self._rows.update(connection, old.id, {"version": version, **text_values(content, rendered, now)})
        if writer.user_id != old.author_id:
            target = (TARGET_KIND_REPLY, old.id)
            await self._audit.record(connection, writer.user_id, action="content.edit", target=target)
        event = events_pb.ReplyUpdated(
            reply_id=old.id,
            post_id=old.post_id,
            editor_id=writer.user_id,
            version=version,
            mentioned_user_ids=await self._new_mentions(connection, old.content, rendered),
        )
        await self._events.about_post(connection, old.post_id, event)

    async def _new_mentions(self, connection: AsyncConnection, old_content: str, rendered: Rendered) -> list[int]:
        """Return who is named now and was not before."""
        if not rendered.mentions:
            return []
        before = (await self._parts.renderer.render(connection, old_content)).mentions
        return [user_id for user_id in rendered.mentions if user_id not in before]
