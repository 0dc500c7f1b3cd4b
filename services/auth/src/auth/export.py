"""Everything that the service stores about one user, for that user."""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.foundation import Repositories
from auth.repository.resumes import TABLES
from auth.repository.users import User


async def export_document(connection: AsyncConnection, user: User, repositories: Repositories, now: datetime) -> bytes:
    """Return a JSON object with the parts account, profile, sessions and resume, without hashes and secrets.

    Moments and dates are written as RFC 3339 has them.
    """
    document = {
        "account": {
            "id": user.id,
            "username": user.username,
            "role": user.role,
            "joined_time": user.joined_time,
            "last_login_time": user.last_login_time,
            "is_email_verified": user.verified_email_key is not None,
            "is_totp_enabled": user.is_totp_enabled,
            "recovery_codes_left": await repositories.recovery_codes.count(connection, user.id),
        },
        "profile": {
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "phone": user.phone,
            "avatar": user.avatar,
        },
        "sessions": [
            {
                "id": session.session_id,
                "device": session.device,
                "address": session.address,
                "created_time": session.created_time,
                "last_seen_time": session.last_seen_time,
                "expire_time": session.expire_time,
            }
            for session in await repositories.sessions.list_live(connection, user.id, now)
        ],
        "resume": await _resume(connection, user.id, repositories),
    }
    return json.dumps(document, default=_text, ensure_ascii=False, indent=2).encode()


async def _resume(connection: AsyncConnection, user_id: int, repositories: Repositories) -> dict[str, Any] | None:
    resume = await repositories.resumes.find(connection, user_id)
    if resume is None:
        return None
    items = {
        table.name: [dict(item) for item in await repositories.resumes.list_items(connection, user_id, kind)]
        for kind, table in TABLES.items()
    }
    return resume._asdict() | items


def _text(value: object) -> str:
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    raise TypeError(f"no JSON form of {type(value).__name__}")
