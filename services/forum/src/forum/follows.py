"""Follows: posts, categories, tags and users of which somebody wants to hear."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.collected import Collected, CollectionLimits
from forum.errors import CategoryNotFound, OwnContent, TagNotFound, UserNotFound
from forum.foundation import Foundation
from forum.posts import PostReads, is_readable
from forum.ranks import rank_of
from forum.repository.collected import CollectedRow, Key
from forum.times import timestamp
from forum.writers import Writers
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_TAG,
    TARGET_KIND_UNSPECIFIED,
    TARGET_KIND_USER,
    Target,
)
from plaza_kit.caller import Caller
from plaza_kit.errors import InvalidArgument, Violation
from plaza_kit.field_values import refuse

LIMITS = CollectionLimits(most=1000, page_size=50, page_size_max=200)

_KINDS = (TARGET_KIND_POST, TARGET_KIND_CATEGORY, TARGET_KIND_TAG, TARGET_KIND_USER)


class Follows:
    """Keeps and lists what is followed.

    Args:
        foundation: What to stand on.
        directory: Knows categories.
        posts: Finds posts.
        writers: Knows users, and who is banned.
    """

    def __init__(
        self, foundation: Foundation, directory: CategoryDirectory, *, posts: PostReads, writers: Writers
    ) -> None:
        self._repositories = foundation.repositories
        self._collected = Collected(foundation, foundation.repositories.follows, name="follows", limits=LIMITS)
        self._directory = directory
        self._posts = posts
        self._writers = writers

    async def add(self, connection: AsyncConnection, caller: Caller, request: pb.FollowRequest) -> pb.FollowResponse:
        """Follow a target.

        Raises:
            NotFound: There is no such target for the caller; the reason is the kind's.
            InvalidArgument: It is of another kind (INVALID_REQUEST).
            UserBanned: (USER_BANNED.)
            OwnContent: It is the caller (OWN_CONTENT).
            LimitReached: There are 1,000 of the kind (LIMIT_REACHED).
        """
        kind, target_id = request.target.kind, request.target.id
        await self._require(connection, caller, request.target)
        await self._writers.require(connection, caller)
        if (kind, target_id) == (TARGET_KIND_USER, caller.user_id):
            raise OwnContent
        await self._collected.add(connection, caller.user_id, (kind, target_id), counted_kinds=(kind,))
        return pb.FollowResponse()

    async def remove(
        self, connection: AsyncConnection, caller: Caller, request: pb.UnfollowRequest
    ) -> pb.UnfollowResponse:
        """Stop following a target, be it out of the caller's sight by now; errors as `add`, if it was not followed."""
        key = (request.target.kind, request.target.id)
        if not await self._collected.remove(connection, caller.user_id, key):
            await self._require(connection, caller, request.target)
        await self._writers.require(connection, caller)
        return pb.UnfollowResponse()

    async def list_page(
        self, connection: AsyncConnection, caller: Caller, request: pb.ListFollowsRequest
    ) -> pb.ListFollowsResponse:
        """Return a page of what the caller follows, without what they may no longer read.

        Raises:
            InvalidArgument: A negative page size, or a kind that cannot be followed (INVALID_REQUEST).
            PageTokenInvalid: The token is not from this list with this kind (PAGE_TOKEN_INVALID).
        """
        if request.kind not in (*_KINDS, TARGET_KIND_UNSPECIFIED):
            refuse([Violation("kind", "NOT_ALLOWED")])
        rows, next_page_token = await self._collected.list_page(
            connection,
            caller.user_id,
            (request.kind,) if request.kind else _KINDS,
            requested_size=request.page_size,
            page_token=request.page_token,
        )
        names = await self._names(connection, caller, rows)
        follows = [
            pb.FollowedTarget(
                target=Target(kind=row.kind, id=row.target_id),
                name=names[row.kind, row.target_id],
                created_time=timestamp(row.created_time),
            )
            for row in rows
            if (row.kind, row.target_id) in names
        ]
        return pb.ListFollowsResponse(follows=follows, next_page_token=next_page_token)

    async def _require(self, connection: AsyncConnection, caller: Caller, target: Target) -> None:
        if target.kind == TARGET_KIND_POST:
            await self._posts.require_readable(connection, caller, target.id)
        elif target.kind == TARGET_KIND_CATEGORY:
            if not (await self._directory.current()).may_read(target.id, rank_of(caller)):
                raise CategoryNotFound
        elif target.kind == TARGET_KIND_TAG:
            if await self._repositories.tags.find(connection, target.id) is None:
                raise TagNotFound
        elif target.kind == TARGET_KIND_USER:
            if not await self._writers.exists(connection, target.id):
                raise UserNotFound
        else:
            raise InvalidArgument("not to be followed", violations=[Violation("target", "NOT_ALLOWED")])

    async def _names(
        self, connection: AsyncConnection, caller: Caller, rows: Sequence[CollectedRow]
    ) -> Mapping[Key, str]:
        """Return the names of the targets that the caller may read, in at most one statement for each kind."""
        ids: dict[int, list[int]] = {kind: [row.target_id for row in rows if row.kind == kind] for kind in _KINDS}
        categories, rank = await self._directory.current(), rank_of(caller)
        names: dict[Key, str] = {}
        for category_id in ids[TARGET_KIND_CATEGORY]:
            category = categories.get(category_id)
            if category is not None and category.read_rank <= rank:
                names[TARGET_KIND_CATEGORY, category_id] = category.name
        if ids[TARGET_KIND_POST]:
            for post in await self._repositories.posts.list_by_ids(connection, ids[TARGET_KIND_POST], with_html=False):
                if is_readable(post.row, caller, categories):
                    names[TARGET_KIND_POST, post.row.id] = post.row.title
        if ids[TARGET_KIND_TAG]:
            for tag in await self._repositories.tags.list_by_ids(connection, ids[TARGET_KIND_TAG]):
                names[TARGET_KIND_TAG, tag.id] = tag.name
        for user_id, author in (await self._writers.authors(connection, ids[TARGET_KIND_USER])).items():
            names[TARGET_KIND_USER, user_id] = author.username
        return names
