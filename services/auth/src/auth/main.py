"""The composition root: the only module that builds the domain and knows how its parts fit together."""

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from auth import models
from auth.accounts import Accounts
from auth.admins import Admins
from auth.clock import Clock, utc_now
from auth.credentials import CredentialCheck
from auth.events import Events
from auth.foundation import Foundation, Repositories
from auth.housekeeping import Housekeeping
from auth.keys import KeyRing
from auth.login import Login
from auth.mail import LogTransport, Mailbox, MailRules, MailSender, MailTransport, SmtpServer, SmtpTransport
from auth.mailed_tokens import MailedTokens
from auth.passwords import PasswordHasher
from auth.profiles import Profiles
from auth.registration import Registration
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
from auth.sign_in import SignIn
from auth.throttle import SignInLimits, SignInThrottle, Throttle
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
        self.settings = settings
        self.keys = KeyRing(settings.signing_keys_dir)
        self.foundation = _foundation(settings, clock)
        self._hasher = PasswordHasher(
            workers=settings.password_workers or os.cpu_count() or 1,
            queue_limit=settings.password_queue,
            least_length=settings.password_min_length,
        )
        idempotency = Idempotency(self.foundation.database, models.idempotency, self.foundation.sealer)
        self._writes = Writes(idempotency)
        self._build_use_cases()
        self.mail_sender = MailSender(
            self.foundation, transport or _transport(settings), attempts=settings.mail_attempts
        )
        self.housekeeping = Housekeeping(
            self.foundation, idempotency, attempts_kept=max(settings.throttle_window, MAIL_WINDOW)
        )

    async def close(self) -> None:
        """Close the database and stop the hashing threads."""
        await self.foundation.database.close()
        self._hasher.close()

    def registrations(self) -> Sequence[RegisterServicer]:
        """Return what registers each servicer with a server."""
        database, writes = self.foundation.database, self._writes
        return (
            partial(
                auth_service_pb2_grpc.add_AuthServiceServicer_to_server,
                AuthServicer(database, writes, self.sign_in),
            ),
            partial(
                session_service_pb2_grpc.add_SessionServiceServicer_to_server,
                SessionServicer(database, writes, self.sign_in.sessions),
            ),
            partial(
                account_service_pb2_grpc.add_AccountServiceServicer_to_server,
                AccountServicer(database, writes, accounts=self._accounts, mailed_tokens=self._mailed_tokens()),
            ),
            partial(
                user_service_pb2_grpc.add_UserServiceServicer_to_server,
                UserServicer(database, writes, self.users),
            ),
            partial(
                profile_service_pb2_grpc.add_ProfileServiceServicer_to_server,
                ProfileServicer(writes, Profiles(self.foundation)),
            ),
            partial(
                resume_service_pb2_grpc.add_ResumeServiceServicer_to_server,
                ResumeServicer(database, writes, Resumes(self.foundation)),
            ),
        )

    def _build_use_cases(self) -> None:
        settings, foundation = self.settings, self.foundation
        revocations = Revocations(foundation, settings.login_access_ttl)
        sessions = Sessions(
            foundation,
            revocations=revocations,
            access_tokens=AccessTokens(self.keys, settings.login_access_ttl),
            rules=SessionRules(settings.session_ttl, settings.refresh_grace, settings.sessions_max),
        )
        throttle = _sign_in_throttle(settings, foundation)
        factor = SecondFactor(foundation, throttle)
        credentials = CredentialCheck(foundation, hasher=self._hasher, second_factor=factor, throttle=throttle)
        login = Login(
            foundation,
            credentials=credentials,
            second_factor=factor,
            sessions=sessions,
            failure_floor=settings.login_failure_floor,
        )
        registration = Registration(foundation, self._hasher)
        self.sign_in = SignIn(registration, login, sessions, revocations, self.keys)
        self.users = Users(foundation, revocations)
        self.admins = Admins(foundation, registration, self.users)
        self._accounts = Accounts(
            foundation,
            credentials=credentials,
            second_factor=factor,
            hasher=self._hasher,
            revocations=revocations,
        )

    def _mailed_tokens(self) -> MailedTokens:
        settings = self.settings
        rules = MailRules(
            is_open=bool(settings.smtp_host) or settings.environment == "development",
            limit=settings.mail_limit,
            public_url=settings.public_url,
        )
        return MailedTokens(
            self.foundation,
            mailbox=Mailbox(self.foundation, Throttle(self.foundation, MAIL_WINDOW), rules),
            hasher=self._hasher,
            revocations=self.sign_in.revocations,
            answer_floor=settings.login_failure_floor,
        )


def _foundation(settings: AuthSettings, clock: Clock) -> Foundation:
    sealer = Sealer.from_file(settings.data_key_file)
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    return Foundation(
        database=database,
        repositories=Repositories(
            users=UserRepository(),
            sessions=SessionRepository(),
            recovery_codes=RecoveryCodeRepository(),
            revocations=RevocationRepository(),
            attempts=AttemptRepository(),
            mails=MailRepository(),
            profiles=ProfileRepository(database),
            resumes=ResumeRepository(),
        ),
        events=Events(Outbox(models.outbox, source=SERVICE)),
        clock=clock,
        sealer=sealer,
        page_tokens=PageTokens(sealer.fingerprint(b"page-tokens")),
    )


def _sign_in_throttle(settings: AuthSettings, foundation: Foundation) -> SignInThrottle:
    limits = SignInLimits(settings.throttle_account_address, settings.throttle_account, settings.throttle_address)
    return SignInThrottle(Throttle(foundation, settings.throttle_window), foundation.sealer, limits)


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
