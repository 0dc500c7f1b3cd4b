"""Posts are edited: by their authors, and by moderators, which is written down."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.audit import Audit
from forum.content import content_hash
from forum.errors import NotPostAuthor, VersionMismatch
from forum.foundation import Foundation
from forum.post_views import PostViews
from forum.post_writing import PostParts
from forum.ranks import MODERATOR
from forum.repository.posts import PostRow
from forum.revisions import Revisions, Version
from forum.tags import names_violations
from forum.writers import Writer
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST
from plaza_kit.caller import Caller
from plaza_kit.field_values import in_order, refuse
from plaza_kit.fields import check, violations_of


@dataclass(frozen=True, slots=True)
class _Text:
    """The text of a post after an edit: the columns that change, and what else follows from it."""

    values: dict[str, Any]
    must_hold: bool
    new_mentions: tuple[int, ...]


class PostEdits:
    """Changes posts. Locks the post's row first."""

    def __init__(
        self, foundation: Foundation, parts: PostParts, *, revisions: Revisions, audit: Audit, views: PostViews
    ) -> None:
        self._posts = foundation.repositories.posts
        self._categories = foundation.repositories.categories
        self._events = foundation.events
        self._clock = foundation.clock
        self._parts = parts
        self._revisions = revisions
        self._audit = audit
        self._views = views

    async def update(
        self, connection: AsyncConnection, caller: Caller, request: pb.UpdatePostRequest
    ) -> pb.UpdatePostResponse:
        """Change the given fields; the time of the last edit is set even if none is given.

        Raises:
            PostNotFound: There is none for the caller (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotPostAuthor: It is another user's, and the caller is no moderator (NOT_POST_AUTHOR).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            VersionMismatch: It was edited meanwhile (VERSION_MISMATCH).
            CategoryNotFound: There is none for the caller (CATEGORY_NOT_FOUND).
            CategoryReadOnly: The caller may not write there (CATEGORY_READ_ONLY).
            TagNotAllowed: Nor use or make such a tag (TAG_NOT_ALLOWED).
            NewUserLinkLimit: They are new and it has too many links (NEW_USER_LINK_LIMIT).
            ContentRejected: A word filter refuses it (CONTENT_REJECTED).
        """
        post = await self._parts.reads.lock_readable(connection, caller, request.post_id)
        writer = await self._parts.writers.require(connection, caller)
        if post.author_id != writer.user_id and writer.rank < MODERATOR:
            raise NotPostAuthor
        found = [*violations_of(request), *check(request), *names_violations(request.tags)]
        refuse(in_order(request, found))
        if request.expected_version not in (0, post.version):
            raise VersionMismatch
        category_id = request.category_id or post.category_id
        if category_id != post.category_id:
            await self._parts.rules.check_place(category_id, writer.rank)
        text = await self._edit_text(connection, post, writer, request)
        values = {"updated_time": self._clock(), "category_id": category_id, **text.values}
        await self._posts.update(connection, post.id, values)
        if request.replace_tags:
            await self._parts.tags.set_for_post(connection, post.id, request.tags, writer)
        if writer.user_id != post.author_id:
            target = (TARGET_KIND_POST, post.id)
            await self._audit.record(connection, writer.user_id, action="content.edit", target=target)
        if category_id != post.category_id:
            await self._count_move(connection, post, category_id)
        updated = events_pb.PostUpdated(
            post_id=post.id,
            editor_id=writer.user_id,
            version=text.values.get("version", post.version),
            mentioned_user_ids=text.new_mentions,
        )
        await self._events.about_post(connection, post.id, updated)
        if text.must_hold:
            await self._hold(connection, post, writer)
        return pb.UpdatePostResponse(post=await self._views.get(connection, caller, post.id))

    async def _edit_text(
        self, connection: AsyncConnection, post: PostRow, writer: Writer, request: pb.UpdatePostRequest
    ) -> _Text:
        """Return what a changed title or content means, and keep the revision."""
        unchanged = _Text({}, must_hold=False, new_mentions=())
        if not (request.HasField("title") or request.HasField("content")):
            return unchanged
        old_content = await self._posts.find_content(connection, post.id)
        title = request.title if request.HasField("title") else post.title
        content = request.content if request.HasField("content") else old_content
        if (title, content) == (post.title, old_content):
            return unchanged
        values: dict[str, Any] = {
            "title": title,
            "content_hash": content_hash(title, content),
            "version": post.version + 1,
        }
        new_mentions: tuple[int, ...] = ()
        if content != old_content:
            rendered = await self._parts.rules.render(connection, content)
            self._parts.new_users.check_links(writer, rendered.link_count)
            values |= {"content": content, "content_html": rendered.html, "excerpt": rendered.excerpt}
            if rendered.mentions:
                known = (await self._parts.rules.render(connection, old_content)).mentions
                new_mentions = tuple(user_id for user_id in rendered.mentions if user_id not in known)
        must_hold = await self._parts.rules.must_hold(title, content, rank=writer.rank)
        old = Version(post.version, post.author_id, post.title, old_content, post.created_time)
        await self._revisions.keep(
            connection,
            target=(TARGET_KIND_POST, post.id),
            old=old if post.version == 1 else None,
            new=Version(post.version + 1, writer.user_id, title, content, self._clock()),
        )
        return _Text(values, must_hold, new_mentions)

    async def _count_move(self, connection: AsyncConnection, post: PostRow, category_id: int) -> None:
        """Count a post where it is now, and no longer where it was; rows are taken in ascending order."""
        live = int(post.status == CONTENT_STATUS_LIVE)
        for moved_id, by in sorted(((post.category_id, -live), (category_id, live))):
            await self._categories.count_posts(connection, moved_id, by=by, is_change=bool(live))

    async def _hold(self, connection: AsyncConnection, post: PostRow, writer: Writer) -> None:
        """Take an edited post out of sight until it is reviewed, unless it is out of sight for good."""
        if post.status not in (CONTENT_STATUS_LIVE, CONTENT_STATUS_HELD):
            return
        await self._parts.removal.remove_post(connection, post, status=CONTENT_STATUS_HELD, actor_id=writer.user_id)
        await self._parts.cases.hold(connection, target=(TARGET_KIND_POST, post.id), post_id=post.id)
