"""What every use case stands on."""

from dataclasses import dataclass

from auth.clock import Clock
from auth.events import Events
from auth.repository.attempts import AttemptRepository
from auth.repository.mails import MailRepository
from auth.repository.profiles import ProfileRepository
from auth.repository.recovery_codes import RecoveryCodeRepository
from auth.repository.resumes import ResumeRepository
from auth.repository.revocations import RevocationRepository
from auth.repository.sessions import SessionRepository
from auth.repository.users import UserRepository
from plaza_kit.db import Database
from plaza_kit.page_token import PageTokens
from plaza_kit.sealing import Sealer


@dataclass(frozen=True)
class Repositories:
    """All SQL, by aggregate."""

    users: UserRepository
    sessions: SessionRepository
    recovery_codes: RecoveryCodeRepository
    revocations: RevocationRepository
    attempts: AttemptRepository
    mails: MailRepository
    profiles: ProfileRepository
    resumes: ResumeRepository


@dataclass(frozen=True)
class Foundation:
    """The database with its repositories, the time, and what seals, signs pages and announces.

    Attributes:
        database: Opens units of work.
        repositories: The SQL in them.
        events: What the other services learn, written in the same transaction.
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
