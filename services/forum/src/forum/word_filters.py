"""The words that texts must not contain, or not before somebody has looked at them.

Texts and phrases are compared after NFKC normalisation and case folding, without characters that one does not see, and
with every run of blanks as one. In scripts that put blanks between words a phrase matches whole words only: where it
begins or ends with such a letter or with a digit, the text's word must begin or end too. In others, as Chinese, it
matches anywhere.

All phrases with one action are one Aho-Corasick automaton: looking for a thousand takes as long as looking for one.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ahocorasick_rs import AhoCorasick

from forum.foundation import Foundation
from forum.ranks import ANYONE, MODERATOR
from forum.snapshot import Snapshot

Verdict = Literal["pass", "hold", "reject"]

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]+"
)
"""Control characters but blanks, and what Unicode calls Default_Ignorable_Code_Point."""
_WORD = re.compile(
    "([0-9a-z\u00df-\u00f6\u00f8-\u02af\u0370-\u0481\u048a-\u052f\u1e00-\u1fff\u2c60-\u2c7f\ua722-\ua7ff]+)"
)
"""A run of digits and of letters of Latin, Greek or Cyrillic, as they are after folding."""
_EDGE = "\x01"
"""Stands before and after each such run, so that whole words are found without a look at their neighbours."""


@dataclass(frozen=True, slots=True)
class _Automata:
    """Finds the phrases of each action; None finds nothing."""

    rejecting: AhoCorasick | None
    holding: AhoCorasick | None


class WordFilters:
    """Judges texts by the filters of the database, known at most a second late."""

    def __init__(self, foundation: Foundation) -> None:
        self._database = foundation.database
        self._filters = foundation.repositories.word_filters
        self._automata = Snapshot(self._load)

    async def judge(self, *texts: str, rank: int = ANYONE) -> Verdict:
        """Return what is to become of something with these texts: `reject` wins over `hold`.

        Args:
            texts: Title and text.
            rank: Of who writes; moderators, who would review it, are not judged.

        Raises:
            Unavailable: The filters cannot be read.
        """
        if rank >= MODERATOR:
            return "pass"
        automata = await self._automata.current()
        if automata.rejecting is None and automata.holding is None:
            return "pass"
        marked = [_marked(normalise(text)) for text in texts]
        if _is_found(automata.rejecting, marked):
            return "reject"
        return "hold" if _is_found(automata.holding, marked) else "pass"

    def drop(self) -> None:
        """Read the filters anew before the next judgement; after each commit of a change."""
        self._automata.drop()

    async def _load(self) -> _Automata:
        async with self._database.read(is_reserved=True) as connection:
            phrases = await self._filters.list_phrases(connection)
        return _Automata(
            rejecting=_automaton(phrase for phrase, action in phrases if action == "reject"),
            holding=_automaton(phrase for phrase, action in phrases if action == "hold"),
        )


def normalise(text: str) -> str:
    """Return the form in which texts and phrases are compared; empty if there is nothing to see."""
    # Folding can leave the normal form (Unicode, 3.13, D146), so it is normalised once more.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_INVISIBLE.sub("", folded).split())


def _marked(normalised: str) -> str:
    return _EDGE.join(_WORD.split(normalised))


def _automaton(phrases: Iterable[str]) -> AhoCorasick | None:
    patterns = [_marked(phrase) for phrase in phrases]
    return AhoCorasick(patterns) if patterns else None


def _is_found(automaton: AhoCorasick | None, texts: Iterable[str]) -> bool:
    return automaton is not None and any(automaton.find_matches_as_indexes(text) for text in texts)
