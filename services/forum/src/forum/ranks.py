"""Roles as numbers that compare: who is at least what.

A category stores the rank it takes to read and to write in it.
"""

from plaza_kit.caller import Caller

ANYONE, USER, MODERATOR, ADMIN = range(4)

RANKS = {"anyone": ANYONE, "user": USER, "moderator": MODERATOR, "admin": ADMIN}
NAMES = {rank: name for name, rank in RANKS.items()}


def rank_of(caller: Caller) -> int:
    """Return the highest rank that the caller's roles give; ANYONE for nobody."""
    if caller.is_anonymous:
        return ANYONE
    return max((RANKS.get(role, USER) for role in caller.roles), default=USER)


def is_moderator(caller: Caller) -> bool:
    """Return whether the caller keeps order: a moderator or an admin."""
    return rank_of(caller) >= MODERATOR
