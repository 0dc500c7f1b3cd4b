"""What was found, shown: plain text of the kept HTML, and a piece of it with the places in `<mark>`."""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from forum.tokens import Term, fold_letter

EXCERPT_MAX = 200
"""Code points of an excerpt, without its markup."""

BEFORE_MAX = 40
"""Code points of an excerpt before the first place in it."""

PLACES_MAX = 50
"""Places of one term in one text that are looked at; of all terms, twice as many."""

_ELLIPSIS = "…"

# Attributes stand in double quotes (the sanitiser writes them so); a text that was cut may end inside a tag.
_TAG = re.compile(r"""<(/?)([a-z0-9]*+)(?>[^>"]++|"[^"]*+"?)*+>?""")
_INLINE = frozenset(["a", "code", "em", "s", "strong"])


class Place(NamedTuple):
    """Where a term stands: from the first code point to before the last one."""

    start: int
    end: int
    term: int


class Marker:
    """Marks the places of a query's terms in texts."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = [(term, re.compile(term.pattern)) for term in terms]

    def mark(self, text: str) -> str:
        """Return a short text as HTML."""
        text = unicodedata.normalize("NFC", text)
        return _marked(text, self._places(text))

    def excerpt(self, text: str) -> str:
        """Return the piece of a text in which most terms stand, as HTML; without any the beginning."""
        text = unicodedata.normalize("NFC", text)
        places = self._places(text)
        start = max(0, _best_start(places) - BEFORE_MAX)
        if start:
            start = _after_blank(text, start)
        before = _ELLIPSIS if start else ""
        end = start + EXCERPT_MAX - len(before)
        after = ""
        if end < len(text):
            end, after = _before_blank(text, start, end - 1), _ELLIPSIS
        inside = [
            Place(place.start - start, min(place.end, end) - start, place.term)
            for place in places
            if start <= place.start < end
        ]
        return f"{before}{_marked(text[start:end], inside)}{after}"

    def _places(self, text: str) -> list[Place]:
        """Return the first places of each term, by where they begin; of two that begin together the longer first."""
        folded, origins = _folded(text)
        places = [
            Place(*match.span(), number)
            for number, (term, pattern) in enumerate(self._terms)
            for match in islice(pattern.finditer(folded), PLACES_MAX)
            if term.is_at(folded, *match.span())
        ]
        if origins is not None:
            places = [Place(origins[start], origins[end - 1] + 1, term) for start, end, term in places]
        return sorted(places, key=lambda place: (place.start, -place.end))[: 2 * PLACES_MAX]


def plain_text(safe_html: str) -> str:
    """Return the text of HTML that the service keeps, in one line; it may be cut at the end."""
    text = _TAG.sub(lambda tag: "" if tag[2] in _INLINE else " ", safe_html)
    return " ".join(html.unescape(text).split())


def _folded(text: str) -> tuple[str, Sequence[int] | None]:
    """Return a text as it is compared, letter by letter, and where each comes from; None if all are in their place."""
    if text.isascii():
        return text.lower(), None
    parts = [fold_letter(letter) for letter in text]
    folded = "".join(parts)
    if len(folded) == len(text):
        return folded, None
    return folded, [index for index, part in enumerate(parts) for _ in part]


def _best_start(places: Sequence[Place]) -> int:
    """Return where the first place of the excerpt begins that shows most terms, then most places."""
    best, best_score = (places[0].start if places else 0), (0, 0)
    for index, first in enumerate(places):
        inside: set[int] = set()
        count = 0
        for place in places[index:]:
            if place.end > first.start + EXCERPT_MAX - BEFORE_MAX - 2:
                break
            inside.add(place.term)
            count += 1
        if (len(inside), count) > best_score:
            best, best_score = first.start, (len(inside), count)
    return best


def _after_blank(text: str, start: int) -> int:
    """Return the beginning of a word near `start`, so that none is cut; Chinese has no blanks to look for."""
    blank = text.find(" ", start, start + BEFORE_MAX // 2)
    return blank + 1 if blank >= 0 else start


def _before_blank(text: str, start: int, end: int) -> int:
    """Return the end of a word near `end`."""
    blank = text.rfind(" ", max(start, end - BEFORE_MAX // 2), end + 1)
    return blank if blank > start else end


def _marked(text: str, places: Iterable[Place]) -> str:
    parts: list[str] = []
    end = 0
    for place in places:
        if place.start < end:
            continue
        parts += [html.escape(text[end : place.start]), f"<mark>{html.escape(text[place.start : place.end])}</mark>"]
        end = place.end
    return "".join(parts) + html.escape(text[end:])
