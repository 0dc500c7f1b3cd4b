"""The composition root: the only module that builds the domain and knows how its parts fit together."""

from collections.abc import Sequence
from functools import partial

from forum import models
from forum.audit import Audit
from forum.audit_log import AuditLog
from forum.case_lists import CaseLists
from forum.case_work import CaseWork
from forum.cases import Cases
from forum.categories import CategoryDirectory
from forum.category_changes import CategoryChanges
from forum.clock import Clock, utc_now
from forum.events import Events
from forum.foundation import Foundation, Repositories
from forum.merging import Merging
from forum.moderation import ContentModeration, PostModeration
from forum.new_users import NewUserRules
from forum.posts import PostReads
from forum.ranks import RANKS
from forum.removal import Removal
from forum.reports import Reports
from forum.repository.audit import AuditRepository
from forum.repository.cases import CaseRepository
from forum.repository.categories import CategoryRepository
from forum.repository.merging import MergingRepository
from forum.repository.posts import PostRepository
from forum.repository.removal import RemovalRepository
from forum.repository.replies import ReplyRepository
from forum.repository.reply_lists import ReplyListRepository
from forum.repository.reports import ReportRepository
from forum.repository.tags import TagRepository
from forum.repository.users import UserRepository
from forum.repository.viewers import ViewerRepository
from forum.repository.word_filters import WordFilterRepository
from forum.servicers.categories import CategoryServicer
from forum.servicers.moderation import ModerationParts, ModerationServicer
from forum.servicers.tags import TagServicer
from forum.settings import ForumSettings
from forum.summaries import Summaries
from forum.tag_changes import TagChanges
from forum.tags import Tags
from forum.targets import Targets
from forum.viewers import Viewers
from forum.word_filter_changes import WordFilterChanges
from forum.word_filters import WordFilters
from forum.writers import Writers, WritingLimits
from plaza.forum.v1 import category_service_pb2_grpc, moderation_service_pb2_grpc, tag_service_pb2_grpc
from plaza_kit.db import Database
from plaza_kit.grpc_server import Registration as RegisterServicer
from plaza_kit.idempotency import Idempotency
from plaza_kit.outbox import Outbox
from plaza_kit.page_token import PageTokens
from plaza_kit.sealing import Sealer

SERVICE = "forum"


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
        self._build_writers()
        self._build_places()
        self._build_order()

    async def close(self) -> None:
        """Close the database."""
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

    def _build_places(self) -> None:
        self.category_changes = CategoryChanges(
            self.foundation, self.writers, self.audit, default_category_id=self.settings.default_category_id
        )
        self.tag_changes = TagChanges(self.foundation, self.writers, self.audit)

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

    def registrations(self) -> Sequence[RegisterServicer]:
        """Return what registers each servicer with a server."""
        database, writes = self.foundation.database, self.idempotency
        return (
            partial(
                category_service_pb2_grpc.add_CategoryServiceServicer_to_server,
                CategoryServicer(database, writes, directory=self.categories, changes=self.category_changes),
            ),
            partial(
                moderation_service_pb2_grpc.add_ModerationServiceServicer_to_server,
                ModerationServicer(database, writes, self.moderation),
            ),
            partial(
                tag_service_pb2_grpc.add_TagServiceServicer_to_server,
                TagServicer(database, writes, tags=self.tags, changes=self.tag_changes),
            ),
        )


def _foundation(settings: ForumSettings, clock: Clock) -> Foundation:
    sealer = Sealer.from_file(settings.data_key_file)
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    return Foundation(
        database=database,
        repositories=Repositories(
            audit=AuditRepository(),
            cases=CaseRepository(),
            categories=CategoryRepository(),
            merging=MergingRepository(),
            removal=RemovalRepository(),
            replies=ReplyRepository(),
            posts=PostRepository(database),
            reply_lists=ReplyListRepository(),
            reports=ReportRepository(),
            tags=TagRepository(),
            users=UserRepository(),
            viewers=ViewerRepository(),
            word_filters=WordFilterRepository(),
        ),
        events=Events(Outbox(models.outbox, source=SERVICE)),
        clock=clock,
        sealer=sealer,
        page_tokens=PageTokens(sealer.fingerprint(b"page-tokens")),
    )
