"""The composition root: the only module that builds the domain and knows how its parts fit together."""

import os
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from forum import models
from forum.addresses import AddressGuard, SystemLookup
from forum.answers import Answers
from forum.audit import Audit
from forum.audit_log import AuditLog
from forum.blocks import Blocks
from forum.bookmarks import Bookmarks
from forum.case_lists import CaseLists
from forum.case_work import CaseWork
from forum.cases import Cases
from forum.categories import CategoryDirectory
from forum.category_changes import CategoryChanges
from forum.clock import Clock, utc_now
from forum.content import Renderer
from forum.drafts import Drafts
from forum.erasure import Erasure
from forum.events import Events
from forum.follows import Follows
from forum.foundation import Foundation, Repositories
from forum.housekeeping import Housekeeping
from forum.indexing import Indexing
from forum.merging import Merging
from forum.moderation import ContentModeration, PostModeration
from forum.new_users import NewUserRules
from forum.notices import Notices
from forum.notifications import Notifications
from forum.notifying import Notifying
from forum.own_events import OwnEvents
from forum.post_edits import PostEdits
from forum.post_lists import PostLists
from forum.post_pages import PostPages
from forum.post_rules import PostRules
from forum.post_views import PostViews
from forum.post_writing import PostParts, PostWriting
from forum.posts import PostReads
from forum.ranks import RANKS
from forum.reactions import Reactions
from forum.reading import Reading
from forum.removal import Removal
from forum.replies import Replies, ReplyParts
from forum.reply_edits import ReplyEdits
from forum.reply_lists import ReplyLists
from forum.reply_views import ReplyViews
from forum.reply_writing import ReplyWriting
from forum.reports import Reports
from forum.revision_history import Editing, RevisionHistory
from forum.revisions import Revisions
from forum.search import Search
from forum.servicers.categories import CategoryServicer
from forum.servicers.drafts import DraftServicer
from forum.servicers.engagement import EngagementParts, EngagementServicer
from forum.servicers.moderation import ModerationParts, ModerationServicer
from forum.servicers.notifications import NotificationServicer
from forum.servicers.posts import PostServicer, PostUseCases
from forum.servicers.replies import ReplyServicer, ReplyUseCases
from forum.servicers.revisions import RevisionServicer
from forum.servicers.search import SearchServicer
from forum.servicers.tags import TagServicer
from forum.servicers.webhooks import WebhookServicer
from forum.settings import ForumSettings
from forum.summaries import Summaries
from forum.tag_changes import TagChanges
from forum.tags import Tags
from forum.targets import Targets
from forum.threads import Threads
from forum.tree import Trees
from forum.user_events import UserEvents
from forum.viewers import Viewers
from forum.votes import Votes
from forum.webhook_events import WebhookEvents
from forum.webhook_requests import CONNECT_SECONDS, WebhookRequests
from forum.webhook_sender import WebhookSender
from forum.webhooks import Webhooks
from forum.word_filter_changes import WordFilterChanges
from forum.word_filters import WordFilters
from forum.writers import Writers, WritingLimits
from plaza.forum.v1 import (
    category_service_pb2_grpc,
    draft_service_pb2_grpc,
    engagement_service_pb2_grpc,
    moderation_service_pb2_grpc,
    notification_service_pb2_grpc,
    post_service_pb2_grpc,
    reply_service_pb2_grpc,
    revision_service_pb2_grpc,
    search_service_pb2_grpc,
    tag_service_pb2_grpc,
    webhook_service_pb2_grpc,
)
from plaza_kit.db import Database
from plaza_kit.event_stream import stream_name
from plaza_kit.grpc_server import Registration as RegisterServicer
from plaza_kit.idempotency import Idempotency
from plaza_kit.outbox import Outbox
from plaza_kit.page_token import PageTokens
from plaza_kit.sealing import Sealer

SERVICE = "forum"

TEXT_QUEUE = 64
"""Long texts that may wait to be rendered; at the largest, these are some seconds of work."""

SEARCH_THREADS = 2
SEARCH_QUEUE = 64
"""Searches that may wait for a thread; each takes milliseconds."""


class Service:
    """Everything that answers and everything that runs beside it, built once.

    Args:
        settings: What was configured.
        clock: The time; a test hands in its own.

    Raises:
        ValueError: The data key or the database's URL is not usable.
        OSError: A key file cannot be read.
    """

    def __init__(self, settings: ForumSettings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.foundation = _foundation(settings, clock)
        self.idempotency = Idempotency(self.foundation.database, models.idempotency, self.foundation.sealer)
        self.audit = Audit(self.foundation)
        self.categories = CategoryDirectory(self.foundation)
        self.post_reads = PostReads(self.foundation, self.categories)
        self.viewers = Viewers(self.foundation)
        self.summaries = Summaries(self.foundation, self.categories, self.viewers)
        self.word_filters = WordFilters(self.foundation)
        self.cases = Cases(self.foundation, self.audit)
        self.tags = Tags(self.foundation, create_rank=RANKS[settings.tag_create_role])
        self.revisions = Revisions(self.foundation)
        self._build_writers()
        self._build_places()
        self._build_posts()
        self._build_replies()
        self._build_revisions()
        self._build_notifications()
        self._build_webhooks()
        self.own_events = OwnEvents(self.foundation, self.notifying, WebhookEvents(self.foundation))
        self.housekeeping = Housekeeping(self.foundation, self.idempotency)
        self._build_engagement()
        self._build_order()
        self._build_search()

    async def close(self) -> None:
        """Close the database, what webhooks are sent with, and the threads."""
        self._threads.close()
        self._search_threads.close()
        self.indexing.close()
        await self.webhook_requests.close()
        self._lookup.close()
        await self.foundation.database.close()

    def _build_writers(self) -> None:
        settings = self.settings
        limits = WritingLimits(
            new_user_age=settings.new_user_age,
            texts_per_hour=settings.new_user_posts_per_hour,
            links=settings.new_user_links,
            duplicate_window=settings.duplicate_window,
        )
        self.writers = Writers(self.foundation, limits)
        self.new_users = NewUserRules(self.foundation, limits)
        self.removal = Removal(self.foundation)
        self.drafts = Drafts(self.foundation, self.writers)
        self.user_events = UserEvents(self.foundation)
        self.erasure = Erasure(self.foundation)

    def _build_places(self) -> None:
        self.category_changes = CategoryChanges(
            self.foundation, self.writers, self.audit, default_category_id=self.settings.default_category_id
        )
        self.tag_changes = TagChanges(self.foundation, self.writers, self.audit)
        settings = self.settings
        self.trees = Trees(
            self.foundation, self.categories, limit=settings.tree_limit, size_limit=settings.tree_limit_bytes
        )

    def _build_engagement(self) -> None:
        foundation, posts, writers = self.foundation, self.post_reads, self.writers
        targets = Targets(foundation, posts)
        self.engagement = EngagementParts(
            votes=Votes(foundation, targets, writers),
            reactions=Reactions(foundation, targets, writers),
            answers=Answers(foundation, posts, writers),
            bookmarks=Bookmarks(foundation, targets, writers=writers, summaries=self.summaries, views=self.reply_views),
            follows=Follows(foundation, self.categories, posts=posts, writers=writers),
            blocks=Blocks(foundation, writers),
            reading=Reading(foundation, posts, writers),
        )

    def _build_posts(self) -> None:
        foundation, settings = self.foundation, self.settings
        self._threads = Threads(workers=os.cpu_count() or 1, queue_limit=TEXT_QUEUE)
        self.renderer = Renderer(foundation, self._threads)
        parts = PostParts(
            reads=self.post_reads,
            writers=self.writers,
            rules=PostRules(self.categories, self.renderer, self.word_filters),
            new_users=self.new_users,
            tags=self.tags,
            cases=self.cases,
            removal=self.removal,
        )
        views = PostViews(foundation, self.categories, summaries=self.summaries, viewers=self.viewers)
        self.posts = PostUseCases(
            writing=PostWriting(foundation, parts, default_category_id=settings.default_category_id),
            edits=PostEdits(foundation, parts, revisions=self.revisions, audit=self.audit, views=views),
            views=views,
            trees=self.trees,
            lists=PostLists(foundation, self.categories, summaries=self.summaries, tags=self.tags),
            pages=PostPages(foundation, self.categories, page_size_max=settings.posts_page_size_max),
        )

    def _build_replies(self) -> None:
        foundation = self.foundation
        views = self.reply_views = ReplyViews(foundation, self.viewers)
        parts = ReplyParts(
            directory=self.categories,
            writers=self.writers,
            new_users=self.new_users,
            word_filters=self.word_filters,
            renderer=self.renderer,
            removal=self.removal,
            cases=self.cases,
            views=views,
        )
        replies = Replies(foundation, parts)
        self.replies = ReplyUseCases(
            replies=replies,
            writing=ReplyWriting(foundation, parts, replies=replies, levels=self.settings.reply_depth_max),
            edits=ReplyEdits(foundation, parts, replies=replies, revisions=self.revisions, audit=self.audit),
            lists=ReplyLists(foundation, self.post_reads, views),
        )

    def _build_revisions(self) -> None:
        editing = Editing(self.post_reads, self.replies.replies, self.posts.edits, self.replies.edits)
        self.revision_history = RevisionHistory(self.foundation, editing, writers=self.writers, threads=self._threads)

    def _build_order(self) -> None:
        foundation, writers, audit = self.foundation, self.writers, self.audit
        targets = Targets(foundation, self.post_reads)
        contents = ContentModeration(targets, self.removal, self.cases, writers=writers, audit=audit)
        lists = CaseLists(foundation, directory=self.categories, writers=writers)
        self.moderation = ModerationParts(
            posts=PostModeration(
                foundation, posts=self.post_reads, directory=self.categories, writers=writers, audit=audit
            ),
            contents=contents,
            merging=Merging(foundation, self.post_reads, writers=writers, audit=audit),
            reports=Reports(foundation, targets=targets, cases=self.cases, writers=writers),
            case_lists=lists,
            case_work=CaseWork(foundation, lists, self.cases, contents=contents, writers=writers),
            audit_log=AuditLog(foundation),
            word_filters=self.word_filters,
            word_filter_changes=WordFilterChanges(foundation, writers, audit),
        )

    def _build_notifications(self) -> None:
        self.notifications = Notifications(self.foundation, self.writers)
        self.notifying = Notifying(self.foundation, Notices(self.foundation))

    def _build_search(self) -> None:
        settings = self.settings
        url = urlsplit(settings.database_url.get_secret_value())
        self.indexing = Indexing(
            self.foundation,
            database=f"{url.hostname or ''}:{url.port or ''}{url.path}",
            folder=settings.search_index_dir,
            streams=[stream_name(SERVICE, shard) for shard in range(Outbox(models.outbox, source=SERVICE).shards)],
        )
        self._search_threads = Threads(workers=SEARCH_THREADS, queue_limit=SEARCH_QUEUE)
        self.search = Search(
            self.foundation,
            self.categories,
            tags=self.tags,
            indexing=self.indexing,
            threads=self._search_threads,
        )

    def _build_webhooks(self) -> None:
        settings = self.settings
        self._lookup = SystemLookup(CONNECT_SECONDS)
        self.webhook_guard = AddressGuard(
            self._lookup, allow_http=settings.webhook_allow_http, allowed_networks=settings.webhook_allowed_networks
        )
        self.webhook_requests = WebhookRequests(self.webhook_guard)
        self.webhooks = Webhooks(self.foundation, self.writers, audit=self.audit, guard=self.webhook_guard)
        self.webhook_sender = WebhookSender(self.foundation, self.webhook_requests)

    def registrations(self) -> Sequence[RegisterServicer]:
        """Return what registers each servicer with a server."""
        database, writes = self.foundation.database, self.idempotency
        return (
            partial(
                category_service_pb2_grpc.add_CategoryServiceServicer_to_server,
                CategoryServicer(database, writes, directory=self.categories, changes=self.category_changes),
            ),
            partial(
                draft_service_pb2_grpc.add_DraftServiceServicer_to_server,
                DraftServicer(database, writes, self.drafts),
            ),
            partial(
                engagement_service_pb2_grpc.add_EngagementServiceServicer_to_server,
                EngagementServicer(database, writes, self.engagement),
            ),
            partial(
                moderation_service_pb2_grpc.add_ModerationServiceServicer_to_server,
                ModerationServicer(database, writes, self.moderation),
            ),
            partial(
                post_service_pb2_grpc.add_PostServiceServicer_to_server,
                PostServicer(database, writes, self.posts),
            ),
            partial(
                reply_service_pb2_grpc.add_ReplyServiceServicer_to_server,
                ReplyServicer(database, writes, self.replies),
            ),
            partial(
                revision_service_pb2_grpc.add_RevisionServiceServicer_to_server,
                RevisionServicer(database, writes, self.revision_history),
            ),
            partial(
                search_service_pb2_grpc.add_SearchServiceServicer_to_server,
                SearchServicer(self.search),
            ),
            partial(
                tag_service_pb2_grpc.add_TagServiceServicer_to_server,
                TagServicer(database, writes, tags=self.tags, changes=self.tag_changes),
            ),
            partial(
                notification_service_pb2_grpc.add_NotificationServiceServicer_to_server,
                NotificationServicer(database, writes, self.notifications),
            ),
            partial(
                webhook_service_pb2_grpc.add_WebhookServiceServicer_to_server,
                WebhookServicer(database, writes, self.webhooks),
            ),
        )


def _foundation(settings: ForumSettings, clock: Clock) -> Foundation:
    sealer = Sealer.from_file(settings.data_key_file)
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    return Foundation(
        database=database,
        repositories=Repositories.of(database),
        events=Events(Outbox(models.outbox, source=SERVICE)),
        clock=clock,
        sealer=sealer,
        page_tokens=PageTokens(sealer.fingerprint(b"page-tokens")),
    )
