"""The repositories that together hold one account."""

from dataclasses import dataclass

from auth.repository.mails import MailRepository
from auth.repository.recovery_codes import RecoveryCodeRepository
from auth.repository.resumes import ResumeRepository
from auth.repository.sessions import SessionRepository
from auth.repository.users import UserRepository


@dataclass(frozen=True, slots=True)
class AccountRepositories:
    """Where an account's data are."""

    users: UserRepository
    sessions: SessionRepository
    recovery_codes: RecoveryCodeRepository
    resumes: ResumeRepository
    mails: MailRepository
