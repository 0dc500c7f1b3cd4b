"""The composition root: the only module that builds the domain and knows how its parts fit together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from auth import models
from auth.accounts import Accounts
from auth.clock import Clock, utc_now
from auth.credentials import CredentialCheck
from auth.events import Events
from auth.housekeeping import Housekeeping, purges_of
from auth.keys import KeyRing
from auth.login import Login
from auth.mail import LogTransport, Mailbox, MailSender, MailTransport, SmtpServer, SmtpTransport
from auth.mailed_tokens import MailedTokens, MailRules
from auth.passwords import PasswordHasher
from auth.profiles import Profiles
from auth.registration import Registration
from auth.repository.accounts import AccountRepositories
from auth.repository.attempts import AttemptRepository
from auth.repository.mails import MailRepository
from auth.repository.profiles import ProfileRepository
from auth.repository.recovery_codes import RecoveryCodeRepository
from auth.repository.resumes import ResumeRepository
from auth.repository.revocations import RevocationRepository
from auth.repository.sessions import SessionRepository
from auth.repository.users import UserRepository
from auth.resumes import Resumes
from auth.revocations import Revocations
from auth.second_factor import SecondFactor
from auth.servicers.accounts import AccountServicer
from auth.servicers.auth import AuthServicer
from auth.servicers.profiles import ProfileServicer
from auth.servicers.resumes import ResumeServicer
from auth.servicers.sessions import SessionServicer
from auth.servicers.users import UserServicer
from auth.servicers.writes import Writes
from auth.sessions import SessionRules, Sessions
from auth.settings import AuthSettings
from auth.throttle import SignInBuckets, SignInLimits, Throttle
from auth.tokens import AccessTokens
from auth.users import Users
from plaza.auth.v1 import (
    account_service_pb2_grpc,
    auth_service_pb2_grpc,
    profile_service_pb2_grpc,
    resume_service_pb2_grpc,
    session_service_pb2_grpc,
    user_service_pb2_grpc,
)
from plaza_kit.db import Database
from plaza_kit.grpc_server import Registration as RegisterServicer
from plaza_kit.idempotency import Idempotency
from plaza_kit.outbox import Outbox
from plaza_kit.page_token import PageTokens
from plaza_kit.sealing import Sealer

SERVICE = "auth"
MAIL_WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Base:
    """What everything else stands on."""

    settings: AuthSettings
    clock: Clock
    database: Database
    sealer: Sealer
    page_tokens: PageTokens
    keys: KeyRing
    outbox: Outbox
    idempotency: Idempotency
    hasher: PasswordHasher
    events: Events


@dataclass(frozen=True)
class Repositories:
    """All SQL."""

    users: UserRepository
    sessions: SessionRepository
    recovery_codes: RecoveryCodeRepository
    revocations: RevocationRepository
    attempts: AttemptRepository
    mails: MailRepository
    profiles: ProfileRepository
    resumes: ResumeRepository


@dataclass(frozen=True)
class SignIn:
    """What proves who somebody is."""

    revocations: Revocations
    sessions: Sessions
    second_factor: SecondFactor
    credentials: CredentialCheck
    registration: Registration


class Service:
    """Everything that answers and everything that runs beside it, built once.

    Args:
        settings: What was configured.
        clock: The time; a test hands in its own.
        transport: How mails leave; by default what the settings say.

    Raises:
        ValueError: The data key or the database's URL is not usable.
        KeyDirectoryError: The signing keys are not usable.
        OSError: A key file cannot be read.
    """

    def __init__(
        self, settings: AuthSettings, *, clock: Clock = utc_now, transport: MailTransport | None = None
    ) -> None:
        base = _build_base(settings, clock)
        repositories = Repositories(
            users=UserRepository(),
            sessions=SessionRepository(),
            recovery_codes=RecoveryCodeRepository(),
            revocations=RevocationRepository(),
            attempts=AttemptRepository(),
            mails=MailRepository(),
            profiles=ProfileRepository(base.database),
            resumes=ResumeRepository(),
        )
        self.base = base
        self.repositories = repositories
        self.sign_in = _build_sign_in(base, repositories)
        self.users = Users(
            users=repositories.users,
            revocations=self.sign_in.revocations,
            events=base.events,
            page_tokens=base.page_tokens,
            clock=clock,
        )
        self.registrations = _build_servicers(base, repositories, self.sign_in, self.users)
        self.mail_sender = MailSender(
            database=base.database,
            repository=repositories.mails,
            transport=transport or _transport(settings),
            sealer=base.sealer,
            clock=clock,
            attempts=settings.mail_attempts,
        )
        self.housekeeping = _build_housekeeping(base, repositories)

    async def close(self) -> None:
        """Close the database and stop the hashing threads."""
        await self.base.database.close()
        self.base.hasher.close()


def _build_base(settings: AuthSettings, clock: Clock) -> Base:
    sealer = Sealer.from_file(settings.data_key_file)
    keys = KeyRing(settings.signing_keys_dir)
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    outbox = Outbox(models.outbox, source=SERVICE)
    return Base(
        settings=settings,
        clock=clock,
        database=database,
        sealer=sealer,
        page_tokens=PageTokens(sealer.fingerprint(b"page-tokens")),
        keys=keys,
        outbox=outbox,
        idempotency=Idempotency(database, models.idempotency, sealer),
        hasher=PasswordHasher(
            workers=settings.password_workers or os.cpu_count() or 1, queue_limit=settings.password_queue
        ),
        events=Events(outbox),
    )


def _build_sign_in(base: Base, repositories: Repositories) -> SignIn:
    settings = base.settings
    revocations = Revocations(
        users=repositories.users,
        sessions=repositories.sessions,
        revocations=repositories.revocations,
        events=base.events,
        clock=base.clock,
        access_ttl=settings.login_access_ttl,
    )
    sessions = Sessions(
        database=base.database,
        users=repositories.users,
        sessions=repositories.sessions,
        revocations=revocations,
        access_tokens=AccessTokens(base.keys, settings.login_access_ttl),
        sealer=base.sealer,
        clock=base.clock,
        rules=SessionRules(settings.session_ttl, settings.refresh_grace, settings.sessions_max),
    )
    throttle = Throttle(base.database, repositories.attempts, clock=base.clock, window=settings.throttle_window)
    second_factor = SecondFactor(
        database=base.database,
        users=repositories.users,
        codes=repositories.recovery_codes,
        throttle=throttle,
        sealer=base.sealer,
        clock=base.clock,
    )
    limits = SignInLimits(settings.throttle_account_address, settings.throttle_account, settings.throttle_address)
    credentials = CredentialCheck(
        database=base.database,
        users=repositories.users,
        hasher=base.hasher,
        second_factor=second_factor,
        throttle=throttle,
        buckets=SignInBuckets(base.sealer, limits),
    )
    registration = Registration(
        database=base.database,
        users=repositories.users,
        hasher=base.hasher,
        events=base.events,
        clock=base.clock,
        password_min_length=settings.password_min_length,
    )
    return SignIn(revocations, sessions, second_factor, credentials, registration)


def _build_servicers(
    base: Base, repositories: Repositories, sign_in: SignIn, users: Users
) -> Sequence[RegisterServicer]:
    writes = Writes(base.idempotency)
    database = base.database
    auth = AuthServicer(
        database=database,
        writes=writes,
        registration=sign_in.registration,
        login=_build_login(base, repositories, sign_in),
        sessions=sign_in.sessions,
        revocations=sign_in.revocations,
        keys=base.keys,
        page_tokens=base.page_tokens,
    )
    accounts = AccountServicer(
        database=database,
        writes=writes,
        accounts=_build_accounts(base, repositories, sign_in),
        mailed_tokens=_build_mailed_tokens(base, repositories, sign_in),
    )
    profiles = Profiles(users=repositories.users, profiles=repositories.profiles, events=base.events, clock=base.clock)
    resumes = Resumes(users=repositories.users, resumes=repositories.resumes, clock=base.clock)
    return (
        partial(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, auth),
        partial(
            session_service_pb2_grpc.add_SessionServiceServicer_to_server,
            SessionServicer(database=database, writes=writes, sessions=sign_in.sessions),
        ),
        partial(account_service_pb2_grpc.add_AccountServiceServicer_to_server, accounts),
        partial(
            user_service_pb2_grpc.add_UserServiceServicer_to_server,
            UserServicer(database=database, writes=writes, users=users),
        ),
        partial(
            profile_service_pb2_grpc.add_ProfileServiceServicer_to_server,
            ProfileServicer(writes=writes, profiles=profiles),
        ),
        partial(
            resume_service_pb2_grpc.add_ResumeServiceServicer_to_server,
            ResumeServicer(database=database, writes=writes, resumes=resumes),
        ),
    )


def _build_login(base: Base, repositories: Repositories, sign_in: SignIn) -> Login:
    return Login(
        database=base.database,
        users=repositories.users,
        credentials=sign_in.credentials,
        second_factor=sign_in.second_factor,
        sessions=sign_in.sessions,
        clock=base.clock,
        failure_floor=base.settings.login_failure_floor,
    )


def _build_accounts(base: Base, repositories: Repositories, sign_in: SignIn) -> Accounts:
    return Accounts(
        database=base.database,
        repositories=AccountRepositories(
            users=repositories.users,
            sessions=repositories.sessions,
            recovery_codes=repositories.recovery_codes,
            resumes=repositories.resumes,
            mails=repositories.mails,
        ),
        credentials=sign_in.credentials,
        second_factor=sign_in.second_factor,
        hasher=base.hasher,
        revocations=sign_in.revocations,
        events=base.events,
        clock=base.clock,
        password_min_length=base.settings.password_min_length,
    )


def _build_mailed_tokens(base: Base, repositories: Repositories, sign_in: SignIn) -> MailedTokens:
    settings = base.settings
    return MailedTokens(
        users=repositories.users,
        mails=repositories.mails,
        mailbox=Mailbox(
            repositories.mails,
            base.sealer,
            base.clock,
            is_open=bool(settings.smtp_host) or settings.environment == "development",
        ),
        hasher=base.hasher,
        revocations=sign_in.revocations,
        throttle=Throttle(base.database, repositories.attempts, clock=base.clock, window=MAIL_WINDOW),
        sealer=base.sealer,
        clock=base.clock,
        rules=MailRules(
            public_url=settings.public_url,
            limit=settings.mail_limit,
            answer_floor=settings.login_failure_floor,
            password_min_length=settings.password_min_length,
        ),
    )


def _build_housekeeping(base: Base, repositories: Repositories) -> Housekeeping:
    purges = purges_of(
        sessions=repositories.sessions,
        revocations=repositories.revocations,
        attempts=repositories.attempts,
        mails=repositories.mails,
        idempotency=base.idempotency,
        clock=base.clock,
        attempts_kept=max(base.settings.throttle_window, MAIL_WINDOW),
    )
    return Housekeeping(base.database, purges)


def _transport(settings: AuthSettings) -> MailTransport:
    if not settings.smtp_host:
        return LogTransport()
    return SmtpTransport(
        SmtpServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value(),
            sender=settings.mail_from,
            timeout_seconds=settings.smtp_timeout.total_seconds(),
        )
    )
