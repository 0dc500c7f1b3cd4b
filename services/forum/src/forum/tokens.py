"""What a text is found by, and what a query asks for: both are cut in the same way.

Texts are folded (NFKC and case) and cut into pieces. A piece is a word, or a run of letters of a script that puts no
blanks between words: Chinese, Japanese, Korean, Thai and their neighbours. A word is one token; a run is its letters
in overlapping pairs and, at its end, the last letter alone. So two tokens that follow each other always mean two pieces
or letters that do, and what stands together in a query is a phrase of tokens. Single letters of a run are a matter of
their own field.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

TERMS_MAX = 16
"""Words and phrases of a query that count; further ones are passed over, because each costs time."""

WORD_MAX = 64
"""Code points of a word that count."""

_UNSPACED = (
    "\u0e00-\u0e4e\u0e80-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff"
    "\u3105-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U0003fffd"
)
# Signs that stand inside words and that the regular expressions of Python do not count as letters.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
_LETTER = re.compile(rf"[^\W_{_UNSPACED}]|[{_MARKS}]")
_PIECE = re.compile(rf"(?P<run>[{_UNSPACED}]+)|(?:{_LETTER.pattern})+")

_JOINTS = frozenset(["", *".-_'’/:@+&#"])
"""What may stand between two pieces that are written together: `node.js`, `vue3教程`."""


class Piece(NamedTuple):
    """A word, or a run of letters of an unspaced script, folded."""

    text: str
    is_run: bool


class Term(NamedTuple):
    """What has to stand together: a word, a run or a phrase of them."""

    pieces: tuple[Piece, ...]

    @property
    def tokens(self) -> list[str]:
        """The tokens that follow each other in a text that has it; none if it is a single letter."""
        tokens = [token for piece in self.pieces for token in _tokens(piece)]
        # In the text the last run may go on, so what would say that it ends is left out.
        return tokens[:-1] if self.pieces[-1].is_run else tokens

    @property
    def letter(self) -> str:
        """The letter of a run that `tokens` leaves out; empty if there is none."""
        last = self.pieces[-1]
        return last.text if last.is_run and len(last.text) == 1 else ""

    @property
    def pattern(self) -> str:
        """A regular expression for what may be its places in a folded text; `is_at` tells which of them are."""
        # Literals and two simple gaps: what knows all letters takes milliseconds to compile.
        parts = [re.escape(self.pieces[0].text)]
        for before, piece in pairwise(self.pieces):
            parts += [r"[\W_]+" if before.is_run == piece.is_run else r"[\W_]*", re.escape(piece.text)]
        return "".join(parts)

    def is_at(self, folded: str, start: int, end: int) -> bool:
        """Tell whether the words at the ends of one of those places are whole words."""
        return (self.pieces[0].is_run or not _LETTER.match(folded[start - 1 : start])) and (
            self.pieces[-1].is_run or not _LETTER.match(folded[end : end + 1])
        )


def fold(text: str) -> str:
    """Return a text as it is compared: NFKC, no case."""
    if text.isascii():
        return text.lower()
    # Folding can leave the normal form (Unicode, 3.13, D146), so it is normalised once more.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=8192)
def fold_letter(letter: str) -> str:
    """Return one code point as it is compared, by itself."""
    return fold(letter)


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text, in order."""
    return [token for piece in _pieces(fold(text)) for token in _tokens(piece)]


def letters_of(text: str) -> set[str]:
    """Return the letters of unspaced scripts in a text."""
    return {letter for piece in _pieces(fold(text)) if piece.is_run for letter in piece.text}


def terms_of(query: str) -> list[Term]:
    """Return what a query asks for, each once, at most `TERMS_MAX`; all of it must be found.

    What stands in double quotes is one term; an odd last quote is a sign like any other. Outside of quotes, terms end
    at blanks and at signs that do not stand inside words.
    """
    parts = fold(query).split('"')
    if len(parts) % 2 == 0:
        parts[-2:] = [" ".join(parts[-2:])]
    terms: dict[Term, None] = {}
    for index, part in enumerate(parts):
        if index % 2 == 0:
            terms.update(dict.fromkeys(_written_together(part)))
        elif pieces := tuple(_pieces(part)):
            terms[Term(pieces)] = None
    return list(terms)[:TERMS_MAX]


def _written_together(text: str) -> Iterator[Term]:
    pieces: list[Piece] = []
    end = 0
    for match in _PIECE.finditer(text):
        if pieces and text[end : match.start()] not in _JOINTS:
            yield Term(tuple(pieces))
            pieces = []
        pieces.append(_piece(match))
        end = match.end()
    if pieces:
        yield Term(tuple(pieces))


def _pieces(folded: str) -> Iterator[Piece]:
    return map(_piece, _PIECE.finditer(folded))


def _piece(match: re.Match[str]) -> Piece:
    return Piece(match[0], True) if match["run"] else Piece(match[0][:WORD_MAX], False)


def _tokens(piece: Piece) -> list[str]:
    text, is_run = piece
    return [text[index : index + 2] for index in range(len(text))] if is_run else [text]
