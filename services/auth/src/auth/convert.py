"""From rows to messages; pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from auth.repository.resumes import Item, Kind, Resume
from auth.repository.revocations import Revocation
from auth.repository.sessions import Session
from auth.repository.users import User
from plaza.auth.v1 import (
    account_service_pb2,
    profile_service_pb2,
    resume_pb2,
    session_service_pb2,
    token_pb2,
    user_pb2,
    user_service_pb2,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ROLES = {"user": user_pb2.ROLE_USER, "moderator": user_pb2.ROLE_MODERATOR, "admin": user_pb2.ROLE_ADMIN}


def timestamp(moment: datetime) -> Timestamp:
    """Return an aware moment as a message."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def user_summary(user: User, now: datetime) -> user_pb2.UserSummary:
    """Return what everybody may know of a user."""
    return user_pb2.UserSummary(
        id=user.id,
        username=user.username,
        avatar=user.avatar or "",
        role=ROLES[user.role],
        is_deleted=user.is_deleted,
        is_banned=user.is_banned(now),
        joined_time=timestamp(user.joined_time),
    )


def managed_user(user: User, now: datetime) -> user_service_pb2.ManagedUser:
    """Return what a moderator may know of a user."""
    managed = user_service_pb2.ManagedUser(user=user_summary(user, now))
    if user.is_banned(now):
        managed.ban_reason = user.ban_reason or ""
        if user.ban_until_time is not None:
            managed.ban_until_time.CopyFrom(timestamp(user.ban_until_time))
    return managed


def account(user: User, recovery_codes_left: int) -> account_service_pb2.GetAccountResponse:
    """Return what the owner sees of an account."""
    return account_service_pb2.GetAccountResponse(
        id=user.id,
        username=user.username,
        role=ROLES[user.role],
        email=user.email,
        is_email_verified=user.verified_email_key is not None,
        is_totp_enabled=user.is_totp_enabled,
        recovery_codes_left=recovery_codes_left,
        avatar=user.avatar or "",
        joined_time=timestamp(user.joined_time),
    )


def session(found: Session, current_session_id: str) -> session_service_pb2.Session:
    """Return what the owner sees of a session."""
    return session_service_pb2.Session(
        id=found.session_id,
        device=found.device,
        address=found.address,
        created_time=timestamp(found.created_time),
        last_seen_time=timestamp(found.last_seen_time),
        expire_time=timestamp(found.expire_time),
        is_current=found.session_id == current_session_id,
    )


def revocation(entry: Revocation) -> token_pb2.Revocation:
    """Return an entry of the deny-list; the end is rounded up to a whole second."""
    return token_pb2.Revocation(
        session_id=entry.session_id,
        user_id=entry.user_id,
        minimum_version=entry.minimum_version,
        until_unix=int(entry.until_time.timestamp()) + 1,
    )


def profile(user_id: int, row: Sequence[Any]) -> profile_service_pb2.Profile:
    """Return the profile from the sixteen columns that `ProfileRepository.find` reads."""
    username, email, first_name, last_name, phone, avatar, joined_time, last_login_time = row[:8]
    return profile_service_pb2.Profile(
        id=user_id,
        username=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        phone=phone,
        avatar=avatar,
        joined_time=timestamp(joined_time),
        last_login_time=None if last_login_time is None else timestamp(last_login_time),
        resume=None if row[8] is None else resume_basics(Resume(*row[8:16])),
    )


def resume_basics(resume: Resume) -> resume_pb2.ResumeBasics:
    """Return the basic part of a resume."""
    return resume_pb2.ResumeBasics(
        id=resume.id,
        fields=resume_pb2.ResumeFields(
            name=resume.name,
            age=resume.age,
            graduation_date=resume.graduation_date.isoformat(),
            education_level=resume.education_level,
            expected_position=resume.expected_position,
        ),
        created_time=timestamp(resume.created_time),
        updated_time=timestamp(resume.updated_time),
    )


def resume_item(kind: Kind, item: Item) -> resume_pb2.ResumeItem:
    """Return an item; the columns of a kind are the fields of its message."""
    message = resume_pb2.ResumeItem(id=item["id"])
    part = getattr(message, kind)
    part.SetInParent()
    for name, value in item.items():
        if name != "id" and value is not None:
            setattr(part, name, value.isoformat() if isinstance(value, date) else value)
    return message
