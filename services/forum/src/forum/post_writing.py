"""Posts are written and deleted.

Statements of a new post without tags and mentions: its writer with what they wrote lately, the post, its category's
counter, the event. The counter comes last but for the event, because all writers of a category wait for its row.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.cases import Cases
from forum.content import content_hash
from forum.errors import NotPostAuthor, PostNotFound, TitleAndContentRequired, VersionMismatch
from forum.foundation import Foundation
from forum.new_users import NewUserRules
from forum.post_rules import PostRules
from forum.posts import PostReads
from forum.removal import Removal
from forum.tags import Tags, names_violations
from forum.writers import Writers
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1 import post_service_pb2 as pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_DELETED, CONTENT_STATUS_HELD, CONTENT_STATUS_LIVE
from plaza.forum.v1.target_pb2 import TARGET_KIND_POST
from plaza_kit.caller import Caller
from plaza_kit.errors import Violation
from plaza_kit.field_values import in_order, refuse
from plaza_kit.fields import check, missing, violations_of

_TEXTS = ("title", "content")


@dataclass(frozen=True, slots=True)
class PostParts:
    """What writing and editing posts takes."""

    reads: PostReads
    writers: Writers
    rules: PostRules
    new_users: NewUserRules
    tags: Tags
    cases: Cases
    removal: Removal


class PostWriting:
    """Creates and deletes posts."""

    def __init__(self, foundation: Foundation, parts: PostParts, *, default_category_id: int) -> None:
        self._posts = foundation.repositories.posts
        self._categories = foundation.repositories.categories
        self._events = foundation.events
        self._clock = foundation.clock
        self._parts = parts
        self._default_category_id = default_category_id

    async def create(
        self, connection: AsyncConnection, caller: Caller, request: pb.CreatePostRequest
    ) -> pb.CreatePostResponse:
        """Write a post; held for review if a word filter says so.

        Raises:
            UserBanned: (USER_BANNED.)
            TitleAndContentRequired: One of them is absent or empty (TITLE_AND_CONTENT_REQUIRED).
            InvalidArgument: A field is broken (INVALID_REQUEST).
            CategoryNotFound: There is none for the caller (CATEGORY_NOT_FOUND).
            CategoryReadOnly: The caller may not write there (CATEGORY_READ_ONLY).
            TagNotAllowed: Nor use or make such a tag (TAG_NOT_ALLOWED).
            DuplicatePost: They wrote the same a moment ago (DUPLICATE_POST).
            NewUserRateLimit: They are new and wrote enough (NEW_USER_RATE_LIMIT).
            NewUserLinkLimit: Or have too many links in it (NEW_USER_LINK_LIMIT).
            ContentRejected: A word filter refuses it (CONTENT_REJECTED).
        """
        text_hash = content_hash(request.title, request.content)
        writer = await self._parts.writers.require(connection, caller, content_hash=text_hash)
        _check_fields(request)
        rules = self._parts.rules
        category_id = request.category_id or self._default_category_id
        await rules.check_place(category_id, writer.rank)
        rendered = await rules.render(connection, request.content)
        await self._parts.new_users.check(connection, writer, link_count=rendered.link_count)
        must_hold = await rules.must_hold(request.title, request.content, rank=writer.rank)
        status = CONTENT_STATUS_HELD if must_hold else CONTENT_STATUS_LIVE
        now = self._clock()
        values = {
            "author_id": writer.user_id,
            "category_id": category_id,
            "title": request.title,
            "content": request.content,
            "content_html": rendered.html,
            "content_hash": text_hash,
            "excerpt": rendered.excerpt,
            "status": status,
            "created_time": now,
            "updated_time": now,
            "last_activity_time": now,
        }
        post_id = await self._posts.insert(connection, values)
        if request.tags:
            await self._parts.tags.set_for_post(connection, post_id, request.tags, writer)
        if status == CONTENT_STATUS_HELD:
            await self._parts.cases.hold(connection, target=(TARGET_KIND_POST, post_id), post_id=post_id)
        await self._categories.count_posts(
            connection, category_id, by=int(status == CONTENT_STATUS_LIVE), is_change=False
        )
        created = events_pb.PostCreated(
            post_id=post_id,
            author_id=writer.user_id,
            category_id=category_id,
            status=status,
            mentioned_user_ids=rendered.mentions,
        )
        await self._events.about_post(connection, post_id, created)
        return pb.CreatePostResponse(post_id=post_id, status=status)

    async def delete(
        self, connection: AsyncConnection, caller: Caller, request: pb.DeletePostRequest
    ) -> pb.DeletePostResponse:
        """Take the caller's own post out of sight, with its replies.

        Raises:
            PostNotFound: There is none for the caller, or it is gone already (POST_NOT_FOUND).
            UserBanned: (USER_BANNED.)
            NotPostAuthor: It is another user's (NOT_POST_AUTHOR).
            VersionMismatch: It was edited meanwhile (VERSION_MISMATCH).
        """
        post = await self._parts.reads.lock_readable(connection, caller, request.post_id)
        if post.status not in (CONTENT_STATUS_LIVE, CONTENT_STATUS_HELD):
            raise PostNotFound
        await self._parts.writers.require(connection, caller)
        if post.author_id != caller.user_id:
            raise NotPostAuthor
        if request.expected_version not in (0, post.version):
            raise VersionMismatch
        await self._parts.removal.remove_post(connection, post, status=CONTENT_STATUS_DELETED, actor_id=caller.user_id)
        return pb.DeletePostResponse()


def _check_fields(request: pb.CreatePostRequest) -> None:
    reported, broken = violations_of(request), check(request)
    absent = missing(request, reported)
    empty = [found for found in broken if found.field in _TEXTS and found.code == "BLANK"]
    required = [Violation(found.field, found.code) for found in in_order(request, [*absent, *empty])]
    if required:
        raise TitleAndContentRequired(violations=required)
    refuse(in_order(request, [*reported, *broken, *absent, *names_violations(request.tags)]))
