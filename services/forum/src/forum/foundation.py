"""What every use case stands on."""

from dataclasses import dataclass

from forum import models
from forum.clock import Clock
from forum.events import Events
from forum.repository.audit import AuditRepository
from forum.repository.bookmarks import BookmarkRepository
from forum.repository.cases import CaseRepository
from forum.repository.categories import CategoryRepository
from forum.repository.collected import CollectedRepository
from forum.repository.deliveries import DeliveryRepository
from forum.repository.drafts import DraftRepository
from forum.repository.erasure import ErasureRepository
from forum.repository.held_notices import HeldNoticeRepository
from forum.repository.mentions import MentionRepository
from forum.repository.merging import MergingRepository
from forum.repository.notifications import NotificationRepository
from forum.repository.occasions import OccasionRepository
from forum.repository.post_lists import PostListRepository
from forum.repository.post_pages import PostPageRepository
from forum.repository.posts import PostRepository
from forum.repository.reactions import ReactionRepository
from forum.repository.reading import ReadingRepository
from forum.repository.recipients import RecipientRepository
from forum.repository.removal import RemovalRepository
from forum.repository.replies import ReplyRepository
from forum.repository.reply_lists import ReplyListRepository
from forum.repository.reports import ReportRepository
from forum.repository.revisions import RevisionRepository
from forum.repository.search import SearchRepository
from forum.repository.tags import TagRepository
from forum.repository.trees import TreeRepository
from forum.repository.users import UserRepository
from forum.repository.viewers import ViewerRepository
from forum.repository.votes import VoteRepository
from forum.repository.webhooks import WebhookRepository
from forum.repository.word_filters import WordFilterRepository
from plaza_kit.db import Database
from plaza_kit.page_token import PageTokens
from plaza_kit.sealing import Sealer


@dataclass(frozen=True)
class Repositories:
    """All SQL, by aggregate."""

    audit: AuditRepository
    mentions: MentionRepository
    blocks: CollectedRepository
    bookmarks: BookmarkRepository
    cases: CaseRepository
    categories: CategoryRepository
    deliveries: DeliveryRepository
    held_notices: HeldNoticeRepository
    notifications: NotificationRepository
    occasions: OccasionRepository
    recipients: RecipientRepository
    merging: MergingRepository
    removal: RemovalRepository
    replies: ReplyRepository
    post_lists: PostListRepository
    post_pages: PostPageRepository
    posts: PostRepository
    reply_lists: ReplyListRepository
    reports: ReportRepository
    revisions: RevisionRepository
    follows: CollectedRepository
    reactions: ReactionRepository
    reading: ReadingRepository
    search: SearchRepository
    tags: TagRepository
    votes: VoteRepository
    drafts: DraftRepository
    erasure: ErasureRepository
    trees: TreeRepository
    users: UserRepository
    viewers: ViewerRepository
    webhooks: WebhookRepository
    word_filters: WordFilterRepository

    @classmethod
    def of(cls, database: Database) -> "Repositories":
        """Return the repositories of a database."""
        return cls(
            audit=AuditRepository(),
            mentions=MentionRepository(),
            cases=CaseRepository(),
            categories=CategoryRepository(database),
            deliveries=DeliveryRepository(),
            held_notices=HeldNoticeRepository(),
            notifications=NotificationRepository(),
            occasions=OccasionRepository(),
            recipients=RecipientRepository(),
            merging=MergingRepository(),
            removal=RemovalRepository(),
            replies=ReplyRepository(),
            post_lists=PostListRepository(),
            post_pages=PostPageRepository(database),
            posts=PostRepository(database),
            reply_lists=ReplyListRepository(),
            reports=ReportRepository(),
            revisions=RevisionRepository(),
            blocks=CollectedRepository(models.blocks),
            bookmarks=BookmarkRepository(),
            follows=CollectedRepository(models.follows),
            reactions=ReactionRepository(),
            reading=ReadingRepository(),
            search=SearchRepository(),
            tags=TagRepository(),
            votes=VoteRepository(),
            drafts=DraftRepository(),
            erasure=ErasureRepository(),
            trees=TreeRepository(database),
            users=UserRepository(database),
            viewers=ViewerRepository(),
            webhooks=WebhookRepository(),
            word_filters=WordFilterRepository(),
        )


@dataclass(frozen=True)
class Foundation:
    """The database with its repositories, the time, and what seals, signs pages and announces.

    Attributes:
        database: Opens units of work.
        repositories: The SQL in them.
        events: What is announced, written in the same transaction.
        clock: The time.
        sealer: Secrets at rest, and keyed hashes.
        page_tokens: Where the next page begins.
    """

    database: Database
    repositories: Repositories
    events: Events
    clock: Clock
    sealer: Sealer
    page_tokens: PageTokens
