"""Who is to be notified: followers, and those of a list of users to whom a notification may go."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.models import blocks, follows, notification_preferences, users
from forum.ranks import RANKS, USER
from forum.repository.occasions import Target


class RecipientRepository:
    """All SQL about whom to notify."""

    async def list_followers(
        self, connection: AsyncConnection, targets: Sequence[Target], *, after_user_id: int, limit: int
    ) -> list[int]:
        """Return the ids of users who follow one of the targets, ascending, each once, from an id (exclusive)."""
        # Each target by itself, so that the index gives its next followers without looking at all of them.
        parts = [
            select(
                select(follows.c.user_id)
                .where(
                    follows.c.target_kind == int(kind),
                    follows.c.target_id == target_id,
                    follows.c.user_id > after_user_id,
                )
                .order_by(follows.c.user_id)
                .limit(limit)
                .subquery()
                .c.user_id
            )
            for kind, target_id in targets
        ]
        followers = union(*parts).subquery()
        rows = await connection.execute(select(followers.c.user_id).order_by(followers.c.user_id).limit(limit))
        return list(rows.scalars())

    async def list_eligible(
        self,
        connection: AsyncConnection,
        user_ids: Collection[int],
        *,
        actor_id: int,
        least_rank: int,
        now: datetime,
    ) -> set[int]:
        """Return those users who may hear of what somebody did.

        Left out are the actor, deleted and banned users, those who block the actor, and those whose role, as last
        heard, may not read there.

        Args:
            connection: The transaction.
            user_ids: At most some hundred.
            actor_id: Who did it; 0 is nobody.
            least_rank: See `forum.ranks`.
            now: When a ban has to have ended.
        """
        does_ban_hold = or_(users.c.ban_until_time.is_(None), users.c.ban_until_time > now)
        is_banned = and_(users.c.is_banned.is_(True), does_ban_hold)
        does_block = (
            select(blocks.c.id).where(blocks.c.user_id == users.c.id, blocks.c.blocked_user_id == actor_id).exists()
        )
        statement = select(users.c.id).where(
            users.c.id.in_(set(user_ids) - {actor_id}), users.c.is_deleted.is_(False), ~is_banned, ~does_block
        )
        if least_rank > USER:
            statement = statement.where(users.c.role.in_([role for role, rank in RANKS.items() if rank >= least_rank]))
        return set((await connection.execute(statement)).scalars())

    async def list_unwanted(self, connection: AsyncConnection, user_ids: Collection[int]) -> set[tuple[int, int]]:
        """Return pairs of user and kind for what those users do not want to hear of."""
        preferences = notification_preferences.c
        statement = select(preferences.user_id, preferences.kind).where(
            preferences.user_id.in_(user_ids), preferences.is_enabled.is_(False)
        )
        return {(user_id, kind) for user_id, kind in await connection.execute(statement)}
