"""Rows of `mail_tokens` and `mails`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.models import mail_tokens, mails

Purpose = Literal["verify_email", "reset_password"]


@dataclass(frozen=True, slots=True)
class MailToken:
    """What a mailed token stands for."""

    token_hash: bytes = field(repr=False)
    user_id: int
    purpose: Purpose
    email_key: bytes = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A message that waits to be sent."""

    id: int
    user_id: int
    sealed_message: bytes = field(repr=False)
    attempts: int
    next_attempt_time: datetime


class MailRepository:
    """All SQL about mailed tokens and the messages that carry them."""

    async def insert_token(self, connection: AsyncConnection, token: MailToken) -> None:
        """Add a token."""
        await connection.execute(
            insert(mail_tokens).values(
                token_hash=token.token_hash,
                user_id=token.user_id,
                purpose=token.purpose,
                email_key=token.email_key,
                expire_time=token.expire_time,
            )
        )

    async def spend_token(self, connection: AsyncConnection, token_hash: bytes, purpose: Purpose) -> MailToken | None:
        """Delete a token and return what it stood for; None if it is not there (any more)."""
        condition = (mail_tokens.c.token_hash == token_hash) & (mail_tokens.c.purpose == purpose)
        statement = select(mail_tokens.c.user_id, mail_tokens.c.email_key, mail_tokens.c.expire_time).where(condition)
        row = (await connection.execute(statement)).first()
        if row is None or (await connection.execute(delete(mail_tokens).where(condition))).rowcount != 1:
            return None
        return MailToken(token_hash, row[0], purpose, row[1], row[2])

    async def drop_tokens(self, connection: AsyncConnection, user_id: int, purpose: Purpose) -> None:
        """Delete all tokens of a user for one purpose."""
        await connection.execute(
            delete(mail_tokens).where(mail_tokens.c.user_id == user_id, mail_tokens.c.purpose == purpose)
        )

    async def drop_all(self, connection: AsyncConnection, user_id: int) -> None:
        """Delete all tokens and waiting messages of a user."""
        await connection.execute(delete(mail_tokens).where(mail_tokens.c.user_id == user_id))
        await connection.execute(delete(mails).where(mails.c.user_id == user_id))

    async def purge_tokens(self, connection: AsyncConnection, now: datetime, limit: int) -> int:
        """Delete expired tokens; return how many."""
        statement = select(mail_tokens.c.token_hash).where(mail_tokens.c.expire_time <= now).limit(limit)
        hashes = list((await connection.execute(statement)).scalars())
        if hashes:
            await connection.execute(delete(mail_tokens).where(mail_tokens.c.token_hash.in_(hashes)))
        return len(hashes)

    async def queue(self, connection: AsyncConnection, *, user_id: int, sealed_message: bytes, now: datetime) -> None:
        """Add a message that is due now."""
        await connection.execute(
            insert(mails).values(user_id=user_id, sealed_message=sealed_message, attempts=0, next_attempt_time=now)
        )

    async def list_due(self, connection: AsyncConnection, now: datetime, limit: int) -> Sequence[QueuedMail]:
        """Return messages whose next attempt is due, the most overdue first."""
        columns = (mails.c.id, mails.c.user_id, mails.c.sealed_message, mails.c.attempts, mails.c.next_attempt_time)
        statement = select(*columns).where(mails.c.next_attempt_time <= now)
        rows = await connection.execute(statement.order_by(mails.c.next_attempt_time, mails.c.id).limit(limit))
        return [QueuedMail(*row) for row in rows]

    async def claim(self, connection: AsyncConnection, mail: QueuedMail, next_attempt_time: datetime) -> bool:
        """Count an attempt and set the time of the next one; False if another process claimed it meanwhile."""
        statement = update(mails).where(mails.c.id == mail.id, mails.c.attempts == mail.attempts)
        values = {"attempts": mail.attempts + 1, "next_attempt_time": next_attempt_time}
        return (await connection.execute(statement.values(values))).rowcount == 1

    async def remove(self, connection: AsyncConnection, mail_id: int) -> None:
        """Delete a message, sent or given up."""
        await connection.execute(delete(mails).where(mails.c.id == mail_id))
