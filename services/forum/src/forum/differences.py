"""What an edit changed, line by line."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice, takewhile

from plaza.forum.v1.revision_service_pb2 import (
    DIFF_KIND_ADDED,
    DIFF_KIND_REMOVED,
    DIFF_KIND_UNSPECIFIED,
    DiffKind,
    DiffLine,
)

LINES_MAX = 2000
"""Lines of a difference."""

CONTEXT = 3
"""Unchanged lines around a change."""

MATCHED_MAX = 500
"""Lines on each side, between the first and the last difference, that are matched: the library's time is quadratic."""

_LINE_END = re.compile(r"\r\n|\r|\n")

_Change = tuple[int, int, int, int]
"""Begin and end in the old lines, begin and end in the new ones."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without their ends."""
    return _LINE_END.split(text)


def difference(old: Sequence[str], new: Sequence[str]) -> list[DiffLine]:
    """Return what changed from the old lines to the new ones.

    Returns:
        The changed lines with up to 3 unchanged ones around each, at most 2000 in all. Of texts with too many changes
        everything between the first and the last one counts as replaced.
    """
    lines: list[DiffLine] = []
    is_first, end = True, 0  # the end of the last change, in the new lines
    for old_start, old_end, new_start, new_end in _changes(old, new):
        behind = end if is_first else min(end + CONTEXT, new_start)
        lines += _given(DIFF_KIND_UNSPECIFIED, new[end:behind])
        lines += _given(DIFF_KIND_UNSPECIFIED, new[max(behind, new_start - CONTEXT) : new_start])
        lines += _given(DIFF_KIND_REMOVED, old[old_start:old_end])
        lines += _given(DIFF_KIND_ADDED, new[new_start:new_end])
        is_first, end = False, new_end
    if not is_first:
        lines += _given(DIFF_KIND_UNSPECIFIED, new[end : end + CONTEXT])
    return lines[:LINES_MAX]


def _given(kind: "DiffKind.ValueType", lines: Sequence[str]) -> Iterator[DiffLine]:
    return (DiffLine(kind=kind, text=line) for line in islice(lines, LINES_MAX))


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """Return the changes in order, without what is equal at both ends."""
    start = sum(1 for _ in takewhile(_is_equal, zip(old, new, strict=False)))
    rest = min(len(old), len(new)) - start
    common = sum(1 for _ in takewhile(_is_equal, islice(zip(reversed(old), reversed(new), strict=False), rest)))
    old_end, new_end = len(old) - common, len(new) - common
    if (old_end, new_end) == (start, start):
        return
    if max(old_end, new_end) - start > MATCHED_MAX:
        yield start, old_end, start, new_end
        return
    matcher = SequenceMatcher(None, old[start:old_end], new[start:new_end])
    for kind, *ends in matcher.get_opcodes():
        if kind != "equal":
            old_from, old_to, new_from, new_to = (start + end for end in ends)
            yield old_from, old_to, new_from, new_to


def _is_equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]
