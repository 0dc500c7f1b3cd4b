from typing import NamedTuple

from gateway.revocations import Revocations
from plaza.auth.v1.token_pb2 import Revocation


class Bearer(NamedTuple):
    user_id: int
    session_id: str
    token_version: int


def test_sessions_and_versions_combine() -> None:
    revocations = Revocations()
    revocations.add(
        [
            Revocation(session_id="s1", user_id=1, until_unix=100),
            Revocation(user_id=2, minimum_version=3, until_unix=100),
        ]
    )
    assert revocations.is_revoked(Bearer(1, "s1", 1))
    assert not revocations.is_revoked(Bearer(1, "s2", 1))
    assert revocations.is_revoked(Bearer(2, "s2", 2))
    assert not revocations.is_revoked(Bearer(2, "s2", 3))
    assert revocations.is_revoked(Bearer(2, "s1", 3))


def test_a_lower_version_takes_nothing_back() -> None:
    revocations = Revocations()
    revocations.add([Revocation(user_id=2, minimum_version=5, until_unix=200)])
    revocations.add([Revocation(user_id=2, minimum_version=3, until_unix=100)])
    assert revocations.is_revoked(Bearer(2, "s", 4))
    revocations.prune(150)
    assert revocations.is_revoked(Bearer(2, "s", 4))


def test_entries_end_with_their_tokens() -> None:
    revocations = Revocations()
    revocations.add(
        [Revocation(session_id="s", until_unix=100), Revocation(user_id=1, minimum_version=1, until_unix=101)]
    )
    revocations.prune(100)
    assert len(revocations) == 1
    revocations.prune(101)
    assert len(revocations) == 0


def test_listeners_hear_of_news_only() -> None:
    revocations = Revocations()
    heard: list[Revocation] = []
    revocations.listen(heard.extend)
    entry = Revocation(session_id="s", until_unix=100)
    revocations.add([entry])
    revocations.add([entry])
    assert heard == [entry]
