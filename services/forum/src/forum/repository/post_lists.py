"""Lists of posts in every order and with every filter, each from an index.

A list is made of sources, from each of which the ids of as many posts are taken as a page has: all posts, those of a
category, of a tag, of a user. Where an index of the source has the order of the list, only a page of it is read. Where
none has, the list is made of the source's newest `CANDIDATES_MAX` posts; which is so for TOP of a day or week, for
ACTIVE and TOP of a tag or a user, and for what is unread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import blocks, follows, post_reads, post_tags, posts, read_horizons
from forum.repository.posts import AuthoredPost, authored, authored_posts, html_columns
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_LIVE, PIN_SCOPE_CATEGORY, PIN_SCOPE_GLOBAL
from plaza.forum.v1.target_pb2 import (
    TARGET_KIND_CATEGORY,
    TARGET_KIND_POST,
    TARGET_KIND_TAG,
    TARGET_KIND_USER,
    TargetKind,
)

CANDIDATES_MAX = 5000
FOLLOWS_MAX = 100
"""Categories and tags, the last followed ones, that a list of what is followed is made of."""

Sort = Literal["new", "active", "top", "unanswered"]

_KEYS: dict[Sort, ColumnElement[Any]] = {
    "new": posts.c.created_time,
    "unanswered": posts.c.created_time,
    "active": posts.c.last_activity_time,
    "top": posts.c.score,
}


class Followed(NamedTuple):
    """What a user follows, besides posts and users, which the statement itself looks up."""

    category_ids: Sequence[int]
    tag_ids: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which posts, and in which order.

    Attributes:
        sort: The order.
        limit: How many at most.
        reader_id: Whose blocks, follows and reading count; 0 is nobody.
        hidden: Categories that do not exist for the reader.
        category_ids: Only in one of these; empty is all.
        author_id: Only of this user; 0 is all.
        tag_id: Only with this tag; 0 is all.
        since: Only those written later.
        followed: Only what the reader follows.
        unread_since: Only what the reader has not read and was active later.
        position: The key of the last post of the page before: value and id, or the id alone if `is_by_id`.
        with_html: With `content_html`.
    """

    sort: Sort
    limit: int
    reader_id: int = 0
    hidden: frozenset[int] = frozenset()
    category_ids: Sequence[int] = ()
    author_id: int = 0
    tag_id: int = 0
    since: datetime | None = None
    followed: Followed | None = None
    unread_since: datetime | None = None
    position: tuple[Any, ...] = ()
    with_html: bool = False

    @property
    def is_by_id(self) -> bool:
        """Tell whether the order of writing is that of the ids: the index of a tag's posts knows no moments."""
        is_of_tag = self.tag_id and not self.author_id and self.followed is None
        return bool(is_of_tag) and self.sort in ("new", "unanswered")


@dataclass(frozen=True, slots=True)
class _Source:
    """Posts that an index leads to.

    Attributes:
        order: What the index orders them by, before the id.
        conditions: What the index is asked.
        of: The tables.
    """

    order: ColumnElement[Any]
    conditions: Sequence[ColumnElement[bool]] = field(default=())
    of: FromClause = posts


class PostListRepository:
    """All SQL about lists of posts."""

    async def list_page(self, connection: AsyncConnection, selection: Selection) -> list[AuthoredPost]:
        """Return posts with their authors, in the order of the selection."""
        return authored_posts(await connection.execute(list_statement(selection)))

    async def list_pinned(
        self, connection: AsyncConnection, selection: Selection, *, category_id: int, limit: int
    ) -> list[AuthoredPost]:
        """Return what is pinned, newest first: in a category, or with 0 everywhere; the reader's blocks count."""
        if category_id:
            where = [posts.c.pin_scope.in_((PIN_SCOPE_CATEGORY, PIN_SCOPE_GLOBAL)), posts.c.category_id == category_id]
        else:
            where = [posts.c.pin_scope == PIN_SCOPE_GLOBAL]
        statement = authored(*html_columns(selection.with_html)).where(*where, *_in_sight(selection))
        newest = statement.order_by(posts.c.created_time.desc(), posts.c.id.desc()).limit(limit)
        return authored_posts(await connection.execute(newest))

    async def find_followed(self, connection: AsyncConnection, user_id: int) -> Followed:
        """Return the categories and tags that a user followed last."""
        kinds = (TARGET_KIND_CATEGORY, TARGET_KIND_TAG)
        found = (
            select(follows.c.target_kind, follows.c.target_id)
            .where(follows.c.user_id == user_id, follows.c.target_kind.in_(kinds))
            .order_by(follows.c.id.desc())
            .limit(FOLLOWS_MAX)
        )
        rows = (await connection.execute(found)).all()
        ids = {kind: [row.target_id for row in rows if row.target_kind == kind] for kind in kinds}
        return Followed(ids[TARGET_KIND_CATEGORY], ids[TARGET_KIND_TAG])

    async def find_horizon(self, connection: AsyncConnection, user_id: int) -> datetime | None:
        """Return when a user marked everything as read."""
        found = select(read_horizons.c.read_time).where(read_horizons.c.user_id == user_id)
        return (await connection.execute(found)).scalar_one_or_none()


def list_statement(selection: Selection) -> Select[Any]:
    """Return the statement that reads a page."""
    key = None if selection.is_by_id else _KEYS[selection.sort]
    branches = [_branch(selection, source, key) for source in _sources(selection)]
    if len(branches) == 1:
        page = branches[0].subquery("page")
    else:
        page = union(*(select(branch.subquery().c.id) for branch in branches)).subquery("page")
    order = [posts.c.id.desc()] if key is None else [key.desc(), posts.c.id.desc()]
    statement = authored(*html_columns(selection.with_html)).join(page, page.c.id == posts.c.id)
    return statement.order_by(*order).limit(selection.limit)


def _branch(selection: Selection, source: _Source, key: ColumnElement[Any] | None) -> Select[Any]:
    """Return the ids of the first posts of one source, in the order of the list."""
    found = select(posts.c.id).select_from(source.of).where(*source.conditions, *_filters(selection))
    if key is None:
        before = [source.order < selection.position[0]] if selection.position else []
        return found.where(*before).order_by(source.order.desc()).limit(selection.limit)
    if source.order is not key:
        newest = found.order_by(source.order.desc(), posts.c.id.desc()).limit(CANDIDATES_MAX).subquery()
        found = select(posts.c.id).join(newest, newest.c.id == posts.c.id)
    if selection.position:
        value, post_id = selection.position
        found = found.where(key <= value, or_(key < value, posts.c.id < post_id))
    return found.order_by(key.desc(), posts.c.id.desc()).limit(selection.limit)


def _sources(selection: Selection) -> list[_Source]:
    key = _KEYS[selection.sort]
    if selection.followed is not None:
        return _followed_sources(selection, selection.followed)
    if selection.author_id:
        return [_Source(posts.c.created_time, [posts.c.author_id == selection.author_id])]
    if selection.tag_id:
        return [_tag_source(selection.tag_id)]
    if selection.unread_since is not None:
        key = posts.c.last_activity_time
    elif selection.since is not None:
        key = posts.c.created_time
    if selection.category_ids:
        return [_Source(key, [posts.c.category_id == category_id]) for category_id in selection.category_ids]
    return [_Source(key)]


def _followed_sources(selection: Selection, followed: Followed) -> list[_Source]:
    key = _KEYS[selection.sort]
    return [
        _Source(key, [posts.c.id.in_(_followed_ids(selection.reader_id, TARGET_KIND_POST))]),
        _Source(posts.c.created_time, [posts.c.author_id.in_(_followed_ids(selection.reader_id, TARGET_KIND_USER))]),
        *(_Source(key, [posts.c.category_id == category_id]) for category_id in followed.category_ids),
        *(_tag_source(tag_id) for tag_id in followed.tag_ids),
    ]


def _tag_source(tag_id: int) -> _Source:
    of = post_tags.join(posts, posts.c.id == post_tags.c.post_id)
    return _Source(post_tags.c.post_id, [post_tags.c.tag_id == tag_id], of)


def _followed_ids(user_id: int, kind: "TargetKind.ValueType") -> Select[Any]:
    return select(follows.c.target_id).where(follows.c.user_id == user_id, follows.c.target_kind == kind)


def _in_sight(selection: Selection) -> list[ColumnElement[bool]]:
    """Return what holds for every post that the reader meets."""
    conditions = [posts.c.status == CONTENT_STATUS_LIVE]
    if selection.hidden:
        conditions.append(posts.c.category_id.not_in(sorted(selection.hidden)))
    if selection.reader_id:
        blocked = (blocks.c.user_id == selection.reader_id, blocks.c.blocked_user_id == posts.c.author_id)
        conditions.append(~exists().where(*blocked).correlate(posts))
    return conditions


def _filters(selection: Selection) -> list[ColumnElement[bool]]:
    conditions = _in_sight(selection)
    is_narrowed = selection.author_id or selection.followed is not None
    if selection.sort == "unanswered":
        conditions.append(posts.c.reply_count == 0)
    if selection.since is not None:
        conditions.append(posts.c.created_time > selection.since)
    if selection.author_id and selection.followed is not None:
        conditions.append(posts.c.author_id == selection.author_id)
    if selection.category_ids and (is_narrowed or selection.tag_id):
        conditions.append(posts.c.category_id.in_(selection.category_ids))
    if selection.tag_id and is_narrowed:
        tagged = post_tags.alias()  # a source may read the same table for another tag
        has_tag = (tagged.c.post_id == posts.c.id, tagged.c.tag_id == selection.tag_id)
        conditions.append(exists().where(*has_tag).correlate(posts))
    if selection.unread_since is not None:
        read = and_(
            post_reads.c.user_id == selection.reader_id,
            post_reads.c.post_id == posts.c.id,
            post_reads.c.last_read_number >= posts.c.reply_seq,
        )
        conditions += [posts.c.last_activity_time > selection.unread_since, ~exists().where(read).correlate(posts)]
    return conditions
