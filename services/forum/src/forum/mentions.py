"""Names behind an `@`: where they may begin and end.

A name ends where a word does. Scripts that put no blanks between words leave its end open, and so do the dot and the
hyphen, which may belong to a name or to the sentence: then the longest name of a user wins. `@小明你好` is 小明, unless
there is a 小明你.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from forum.usernames import key_of

MENTIONS_MAX = 20
"""Users that one text can mention."""

KEYS_MAX = 1000
"""Names that are looked up for one text."""

_INNER_ENDS_MAX = 17
_NAME_MAX = 150  # code points of a name of the auth service

# What a name can be made of (letters and digits of any script, _ @ + . -), with the marks that join the letter before.
_RUN = re.compile(rf"[\w@+.\-\u0300-\u036f\u3099\u309a]{{1,{_NAME_MAX}}}")
# Scripts without blanks, and Korean, which puts its particles right behind a name: Thai to Lao, Myanmar, Khmer, all
# from the radicals of CJK onwards.
_OPEN_SCRIPT = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u2e80-\U0010ffff]")
_PUNCTUATION = "_@+.-"


class Mention(NamedTuple):
    """A user named in a text."""

    user_id: int
    end: int
    """Where the name ends in the text."""


def keys_in(text: str) -> list[bytes]:
    """Return the keys of all names that `text` may mention, each once, at most KEYS_MAX."""
    keys: dict[bytes, None] = {}
    at = text.find("@")
    while at >= 0 and len(keys) < KEYS_MAX:
        if may_begin(text, at):
            keys.update((key_of(text[at + 1 : end]), None) for end in _ends(text, at + 1))
        at = text.find("@", at + 1)
    return list(keys)[:KEYS_MAX]


def may_begin(text: str, at: int) -> bool:
    """Tell whether a mention may begin at this `@`: not inside a word, as in an e-mail address."""
    if at == 0:
        return True
    before = text[at - 1]
    return not (before.isalnum() or before == "_") or bool(_OPEN_SCRIPT.match(before))


def find_at(text: str, at: int, known: Mapping[bytes, int]) -> Mention | None:
    """Return who is mentioned by this `@`.

    Args:
        text: The text.
        at: The position of the `@`.
        known: Ids of users by key.
    """
    if not may_begin(text, at):
        return None
    for end in reversed(_ends(text, at + 1)):
        user_id = known.get(key_of(text[at + 1 : end]))
        if user_id is not None:
            return Mention(user_id, end)
    return None


def _ends(text: str, start: int) -> list[int]:
    """Return where a name that begins at `start` may end, ascending."""
    run = _RUN.match(text, start)
    if run is None:
        return []
    last = run.end()
    bare = start + len(run.group().rstrip(_PUNCTUATION))  # what follows is the sentence's, or the name's
    inner = [end for end in range(start + 1, bare) if _may_end(text, end)]
    tail = {bare, min(bare + 1, last), last} - {start}
    return inner[:_INNER_ENDS_MAX] + sorted(tail)


def _may_end(text: str, end: int) -> bool:
    """Tell whether a name may end inside a run of its letters."""
    return text[end] in ".-" or any(_OPEN_SCRIPT.match(letter) for letter in text[end - 1 : end + 1])
