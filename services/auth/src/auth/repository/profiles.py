"""The profile: one account with the basic part of its resume, read in one query."""

from typing import Any

from sqlalchemy import bindparam, select

from auth.models import resumes, users
from auth.repository.resumes import RESUME_COLUMNS
from plaza_kit.db import Database


class ProfileRepository:
    """The hottest read of the service: one statement, rendered once, no objects but the row."""

    def __init__(self, database: Database) -> None:
        self._profile = database.prepare(
            select(
                users.c.username,
                users.c.email,
                users.c.first_name,
                users.c.last_name,
                users.c.phone,
                users.c.avatar,
                users.c.joined_time,
                users.c.last_login_time,
                *RESUME_COLUMNS,
            )
            .select_from(users.outerjoin(resumes, resumes.c.user_id == users.c.id))
            .where(users.c.id == bindparam("user_id"), users.c.is_deleted.is_(False))
        )

    async def find(self, user_id: int) -> tuple[Any, ...] | None:
        """Return the eight columns of the account and the eight of the resume, or None for no such user.

        The resume's columns are all null if there is none.
        """
        return await self._profile.first(user_id=user_id)
