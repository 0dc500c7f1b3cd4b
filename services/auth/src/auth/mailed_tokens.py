"""Proving an address and getting back into an account, both by a token that is mailed and good for one use."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import EmailAlreadyVerified, EmailMissing, MailTokenInvalid
from auth.foundation import Foundation
from auth.mail import Mail, Mailbox
from auth.passwords import PasswordHasher
from auth.repository.mails import MailToken, Purpose
from auth.repository.users import User
from auth.revocations import Revocations
from auth.signed_in import lock_user
from auth.tokens import RESET_PASSWORD_PREFIX, VERIFY_EMAIL_PREFIX, hash_token, new_opaque_token
from auth.usernames import key_of
from plaza.auth.v1 import account_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.field_values import refuse_broken

KINDS: dict[Purpose, tuple[str, timedelta]] = {
    "verify_email": (VERIFY_EMAIL_PREFIX, timedelta(hours=24)),
    "reset_password": (RESET_PASSWORD_PREFIX, timedelta(hours=1)),
}
"""Prefix and life of a token, by what it is for."""


class MailedTokens:
    """Hands out and takes back mailed tokens."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        mailbox: Mailbox,
        hasher: PasswordHasher,
        revocations: Revocations,
        answer_floor: timedelta,
    ) -> None:
        self._users = foundation.repositories.users
        self._mails = foundation.repositories.mails
        self._clock = foundation.clock
        self._mailbox = mailbox
        self._hasher = hasher
        self._revocations = revocations
        self._answer_floor = answer_floor

    async def request_verification(self, connection: AsyncConnection, caller: Caller) -> None:
        """Mail a token to the address in the caller's profile.

        Raises:
            EmailMissing: There is none (EMAIL_MISSING).
            EmailAlreadyVerified: It is proven (EMAIL_ALREADY_VERIFIED).
            MailNotConfigured: (MAIL_NOT_CONFIGURED.)
            ResourceExhausted: Too many were asked for (RATE_LIMITED).
        """
        user = await lock_user(self._users, connection, caller.user_id, self._clock())
        if not user.email:
            raise EmailMissing
        if user.verified_email_key is not None:
            raise EmailAlreadyVerified
        self._mailbox.check_open()
        account = str(user.id).encode()
        await self._mailbox.count(connection, "verify_email", account, address=caller.address)
        token = await self._issue(connection, user, "verify_email")
        await self._mailbox.put(connection, user.id, verification_mail(user, self._mailbox.link("verify-email", token)))

    async def verify_email(self, connection: AsyncConnection, request: pb.VerifyEmailRequest) -> None:
        """Take a token back: the address it was sent to is its user's.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            MailTokenInvalid: Unknown, used, expired, or the profile has another address by now (MAIL_TOKEN_INVALID).
            EmailTaken: Another account has proven the address (EMAIL_TAKEN).
        """
        refuse_broken(request)
        spent = await self._spend(connection, request.token, "verify_email")
        user = await self._users.lock(connection, spent.user_id)
        if user is None or user.is_deleted or key_of(user.email) != spent.email_key:
            raise MailTokenInvalid
        await self._users.set_verified_email(connection, user.id, spent.email_key)
        await self._mails.drop_tokens(connection, user.id, "verify_email")

    async def request_reset(
        self, connection: AsyncConnection, request: pb.RequestPasswordResetRequest, caller: Caller
    ) -> None:
        """Mail a token to a proven address, if some account has it; nothing in the answer tells.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            MailNotConfigured: (MAIL_NOT_CONFIGURED.)
            ResourceExhausted: Too many were asked for (RATE_LIMITED).
        """
        refuse_broken(request)
        self._mailbox.check_open()
        email_key = key_of(request.email)
        await self._mailbox.count(connection, "reset_password", email_key, address=caller.address)
        user = await self._users.find_by_verified_email(connection, email_key)
        if user is None or not user.may_sign_in(self._clock()):
            return
        token = await self._issue(connection, user, "reset_password")
        await self._mailbox.put(connection, user.id, reset_mail(user, self._mailbox.link("reset-password", token)))

    def answer_time(self) -> float:
        """Return the loop time before which a reset request is not answered, so that its duration tells nothing."""
        return asyncio.get_running_loop().time() + self._answer_floor.total_seconds()

    async def prepare_reset(self, request: pb.ResetPasswordRequest) -> str:
        """Check the fields of a reset and return the hash of the new password.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            PasswordTooShort: (PASSWORD_TOO_SHORT.)
            Unavailable: Too many passwords wait to be hashed (UNAVAILABLE).
        """
        refuse_broken(request)
        self._hasher.check_new(request.new_password, "new_password")
        return await self._hasher.hash(request.new_password)

    async def reset_password(self, connection: AsyncConnection, token: str, password_hash: str) -> None:
        """Take a token back: set the password and end all sessions.

        Raises:
            MailTokenInvalid: Unknown, used, expired, or the account has another address by now (MAIL_TOKEN_INVALID).
        """
        spent = await self._spend(connection, token, "reset_password")
        user = await self._users.lock(connection, spent.user_id)
        if user is None or user.verified_email_key != spent.email_key:
            raise MailTokenInvalid
        await self._users.update(connection, user.id, {"password_hash": password_hash})
        await self._mails.drop_tokens(connection, user.id, "reset_password")
        await self._revocations.end_all(connection, user)

    async def _issue(self, connection: AsyncConnection, user: User, purpose: Purpose) -> str:
        prefix, ttl = KINDS[purpose]
        token = new_opaque_token(prefix)
        expire_time = self._clock() + ttl
        await self._mails.insert_token(
            connection, MailToken(hash_token(token), user.id, purpose, key_of(user.email), expire_time)
        )
        return token

    async def _spend(self, connection: AsyncConnection, token: str, purpose: Purpose) -> MailToken:
        spent = await self._mails.spend_token(connection, hash_token(token), purpose)
        if spent is None or spent.expire_time <= self._clock():
            raise MailTokenInvalid
        return spent


def verification_mail(user: User, link: str) -> Mail:
    """Return the message that asks to prove an address."""
    text = (
        f"{user.username}:\n\n"
        f"Open this link within 24 hours to confirm your e-mail address at Plaza:\n{link}\n\n"
        f"请在24小时内打开上面的链接，确认您在Plaza的邮箱地址。\n\n"
        "If you did not ask for this, ignore the message. 如非本人操作，请忽略此邮件。\n"
    )
    return Mail(user.email, "Confirm your e-mail address / 确认邮箱地址", text)


def reset_mail(user: User, link: str) -> Mail:
    """Return the message that lets a user choose a new password."""
    text = (
        f"{user.username}:\n\n"
        f"Open this link within one hour to choose a new password for Plaza:\n{link}\n\n"
        f"请在1小时内打开上面的链接，重新设置Plaza的密码。\n\n"
        "If you did not ask for this, ignore the message. 如非本人操作，请忽略此邮件。\n"
    )
    return Mail(user.email, "Choose a new password / 重设密码", text)
