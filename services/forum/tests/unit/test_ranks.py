"""Roles as numbers that compare."""

import pytest

from forum.ranks import ADMIN, ANYONE, MODERATOR, USER, is_moderator, rank_of
from plaza_kit.caller import Caller


@pytest.mark.parametrize(
    ("roles", "rank"),
    [
        ((), USER),
        (("user",), USER),
        (("moderator",), MODERATOR),
        (("admin",), ADMIN),
        (("user", "admin", "moderator"), ADMIN),
        (("gardener",), USER),
    ],
)
def test_the_highest_role_counts_and_unknown_ones_are_users(roles: tuple[str, ...], rank: int) -> None:
    caller = Caller(user_id=1, roles=frozenset(roles))

    assert rank_of(caller) == rank
    assert is_moderator(caller) == (rank >= MODERATOR)


@pytest.mark.parametrize("role", ["user", "moderator", "admin"])
def test_nobody_has_no_role(role: str) -> None:
    nobody = Caller(roles=frozenset({role}))

    assert rank_of(nobody) == ANYONE
    assert not is_moderator(nobody)


def test_ranks_compare() -> None:
    assert ANYONE < USER < MODERATOR < ADMIN
