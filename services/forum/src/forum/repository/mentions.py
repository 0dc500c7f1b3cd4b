"""Who is behind a name."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import users


class MentionRepository:
    """All SQL about names in texts."""

    async def find_ids(self, connection: AsyncConnection, keys: Collection[bytes]) -> dict[bytes, int]:
        """Return the ids of the users with these normalised names; the deleted have none."""
        statement = select(users.c.username_key, users.c.id).where(users.c.username_key.in_(keys))
        return {bytes(key): user_id for key, user_id in await connection.execute(statement.order_by(users.c.id))}
