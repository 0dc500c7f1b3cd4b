"""What an edit changed, line by line."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.differences import LINES_MAX, MATCHED_MAX, difference, lines_of
from plaza.forum.v1 import revision_service_pb2 as pb

SIGNS = {pb.DIFF_KIND_UNSPECIFIED: " ", pb.DIFF_KIND_ADDED: "+", pb.DIFF_KIND_REMOVED: "-"}


def shown(old: list[str], new: list[str]) -> list[str]:
    return [SIGNS[line.kind] + line.text for line in difference(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("abc", "abc", ""),
        ("abc", "aXc", " a -b +X  c"),
        ("abc", "ac", " a -b  c"),
        ("ac", "abc", " a +b  c"),
        ("abcdefghi", "abcdXfghi", " b  c  d -e +X  f  g  h"),
        ("abcdefghijklmnop", "aXcdefghijklmnYp", " a -b +X  c  d  e  l  m  n -o +Y  p"),
        ("abcdefgh", "Xbcdefgh", "-a +X  b  c  d"),
        ("abcdefgh", "abcdefgX", " e  f  g -h +X"),
        ("abcdefg", "XbcdefgY", "-a +X  b  c  d  e  f  g +Y"),
        ("ab", "ba", "+b  a -b"),
    ],
)
def test_changes_come_with_three_lines_around_them(old: str, new: str, expected: str) -> None:
    assert " ".join(shown(list(old), list(new))) == expected


def test_lines_end_in_any_of_three_ways() -> None:
    assert lines_of("a\r\nb\rc\nd\u2028e\n") == ["a", "b", "c", "d\u2028e", ""]


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_both_sides_can_be_told_from_a_difference(old: list[str], new: list[str]) -> None:
    lines = shown(old, new)
    removed = [line[1:] for line in lines if line[0] == "-"]
    added = [line[1:] for line in lines if line[0] == "+"]

    assert len(old) - len(removed) == len(new) - len(added)
    assert (lines == []) == (old == new)
    for kind, side in (("+", old), ("-", new)):
        rest = iter(side)
        assert all(line[1:] in rest for line in lines if line[0] != kind)


def test_too_many_changes_are_one_change() -> None:
    size = MATCHED_MAX + 1
    old = ["same", *(f"a{n}" for n in range(size)), "same"]
    new = ["same", *(f"b{n}" for n in range(size)), "same"]
    new[2] = old[2]
    lines = shown(old, new)

    assert lines == [" same", *(f"-{line}" for line in old[1:-1]), *(f"+{line}" for line in new[1:-1]), " same"]


def test_a_difference_has_at_most_so_many_lines() -> None:
    assert len(shown([], ["x"] * 100_000)) == LINES_MAX
    assert len(shown(["y"] * 100_000, ["x"] * 100_000)) == LINES_MAX


@pytest.mark.parametrize("letters", ["ab", "abc", "abcdefghij", "x"])
def test_no_texts_take_long(letters: str) -> None:
    numbers = random.Random(letters)
    old = [numbers.choice(letters) for _ in range(MATCHED_MAX)]
    new = [numbers.choice(letters) for _ in range(199)]
    begin = time.thread_time()
    lines = shown(old, ["y", *new, "z"])

    assert lines
    assert time.thread_time() - begin < 4.0
