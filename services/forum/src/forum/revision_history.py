"""The edit history of posts and replies: everybody who may read them may read it.

A text that nobody has edited has one version, which stands in the text itself.
"""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.differences import difference, lines_of
from forum.errors import RevisionNotFound
from forum.foundation import Foundation
from forum.paging import page_size
from forum.post_edits import PostEdits
from forum.posts import PostReads
from forum.replies import Replies
from forum.reply_edits import ReplyEdits
from forum.revisions import Version
from forum.threads import Threads
from forum.times import timestamp
from forum.writers import Writers
from plaza.forum.v1 import revision_service_pb2 as pb
from plaza.forum.v1.post_service_pb2 import UpdatePostRequest
from plaza.forum.v1.reply_service_pb2 import UpdateReplyRequest
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST, TARGET_KIND_REPLY, Target
from plaza_kit.caller import Caller
from plaza_kit.errors import InvalidArgument, Violation
from plaza_kit.page_token import PageTokenInvalid

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100

INLINE_LINES_MAX = 200
"""Lines of both texts that are compared on the event loop; more go to a thread."""

_NEWEST = 2**62


class Editing(NamedTuple):
    """What reads and edits posts and replies."""

    posts: PostReads
    replies: Replies
    post_edits: PostEdits
    reply_edits: ReplyEdits


class RevisionHistory:
    """Shows and restores versions."""

    def __init__(self, foundation: Foundation, editing: Editing, *, writers: Writers, threads: Threads) -> None:
        self._revisions = foundation.repositories.revisions
        self._posts = foundation.repositories.posts
        self._page_tokens = foundation.page_tokens
        self._editing = editing
        self._writers = writers
        self._threads = threads

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListRevisionsRequest
    ) -> pb.ListRevisionsResponse:
        """Return a page of versions without their text, newest first.

        Raises:
            PostNotFound: There is none that the caller may read (POST_NOT_FOUND).
            ReplyNotFound: (REPLY_NOT_FOUND.)
            InvalidArgument: Another kind of target, or a negative page size (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list (PAGE_TOKEN_INVALID).
        """
        target = request.target
        standing = await self._standing(connection, caller, target)
        size = page_size(request.page_size, PAGE_SIZE, PAGE_SIZE_MAX)
        list_name = f"revisions:{target.kind}:{target.id}"
        before = self._before(list_name, request.page_token)
        rows = await self._revisions.list_before(connection, (target.kind, target.id), before, count=size + 1)
        if not rows and not request.page_token:
            rows = [(standing.version, standing.editor_id, standing.title, standing.created_time)]
        editors = await self._writers.authors(connection, {row[1] for row in rows[:size]})
        response = pb.ListRevisionsResponse()
        for version, editor_id, title, created_time in rows[:size]:
            response.revisions.add(
                version=version, editor=editors.get(editor_id), created_time=timestamp(created_time), title=title
            )
        if len(rows) > size:
            response.next_page_token = self._page_tokens.encode(list_name, rows[size - 1][0])
        return response

    async def get(self, connection: AsyncConnection, caller: Caller, request: pb.GetRevisionRequest) -> pb.Revision:
        """Return a version with what it changed against the one before.

        Raises:
            PostNotFound: There is none that the caller may read (POST_NOT_FOUND).
            ReplyNotFound: (REPLY_NOT_FOUND.)
            InvalidArgument: Another kind of target (INVALID_REQUEST).
            RevisionNotFound: It never had that version (REVISION_NOT_FOUND).
            Unavailable: Too many long texts are waiting (UNAVAILABLE).
        """
        found, before = await self._pair(connection, caller, request.target, request.version)
        editors = await self._writers.authors(connection, [found.editor_id])
        return pb.Revision(
            version=found.version,
            editor=editors.get(found.editor_id),
            created_time=timestamp(found.created_time),
            title=found.title,
            content=found.content,
            diff=[] if before is None else await self._difference(before.content, found.content),
        )

    async def restore(
        self, connection: AsyncConnection, caller: Caller, request: pb.RestoreRevisionRequest
    ) -> pb.RestoreRevisionResponse:
        """Make an old version the newest one, by an edit.

        Raises:
            RevisionNotFound: It never had that version (REVISION_NOT_FOUND).
            PlazaError: For the reasons of `get`, `PostEdits.update` and `ReplyEdits.update`.
        """
        target = request.target
        found, _ = await self._pair(connection, caller, target, request.version)
        expected = request.expected_version
        if target.kind == TARGET_KIND_REPLY:
            edit = UpdateReplyRequest(reply_id=target.id, content=found.content, expected_version=expected)
            reply = await self._editing.reply_edits.update(connection, caller, edit)
            return pb.RestoreRevisionResponse(version=reply.version)
        change = UpdatePostRequest(
            post_id=target.id, title=found.title, content=found.content, expected_version=expected
        )
        response = await self._editing.post_edits.update(connection, caller, change)
        return pb.RestoreRevisionResponse(version=response.post.summary.version)

    def _before(self, list_name: str, page_token: str) -> int:
        if not page_token:
            return _NEWEST
        match self._page_tokens.decode(list_name, page_token):
            case [int(version)]:
                return version
            case _:
                raise PageTokenInvalid

    async def _pair(
        self, connection: AsyncConnection, caller: Caller, target: Target, version: int
    ) -> tuple[Version, Version | None]:
        """Return a version and the one before it; errors as `get`."""
        standing = await self._standing(connection, caller, target, with_content=True)
        rows = await self._revisions.list_pair(connection, (target.kind, target.id), version)
        versions = [Version(*row) for row in rows] or [standing]
        if versions[0].version != version:
            raise RevisionNotFound
        return versions[0], versions[1] if len(versions) > 1 else None

    async def _standing(
        self, connection: AsyncConnection, caller: Caller, target: Target, *, with_content: bool = False
    ) -> Version:
        """Return what stands in a target that nobody has edited: its only version.

        It is read before the kept versions: if there are none then, nobody had edited it by now.
        """
        if target.kind == TARGET_KIND_POST:
            post = await self._editing.posts.require_readable(connection, caller, target.id)
            is_wanted = with_content and post.version == 1
            content = await self._posts.find_content(connection, target.id) if is_wanted else ""
            return Version(post.version, post.author_id, post.title, content, post.created_time)
        if target.kind == TARGET_KIND_REPLY:
            reply = await self._editing.replies.require_readable(connection, caller, target.id)
            return Version(reply.version, reply.author_id, "", reply.content, reply.created_time)
        raise InvalidArgument("neither a post nor a reply", violations=[Violation("target", "NOT_ALLOWED")])

    async def _difference(self, old: str, new: str) -> list[pb.DiffLine]:
        sides = lines_of(old), lines_of(new)
        if sum(map(len, sides)) <= INLINE_LINES_MAX:
            return difference(*sides)
        return await self._threads.run(difference, *sides)
