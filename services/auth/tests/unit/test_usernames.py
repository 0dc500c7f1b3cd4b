"""Names: which are allowed, and when two are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth import usernames


@given(st.text(max_size=50))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert usernames.normalise(usernames.normalise(text)) == usernames.normalise(text)


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=30))
def test_a_name_in_capitals_is_the_same_name(text: str) -> None:
    assert usernames.key_of(text.upper().lower()) == usernames.key_of(text.upper())


@pytest.mark.parametrize(
    ("left", "right"), [("Alice", "ALICE"), ("ﬁx", "FIX"), ("ａ", "A"), ("e\u0301", "É"), ("ß", "SS"), ("①", "1")]
)
def test_these_are_the_same_name(left: str, right: str) -> None:
    assert usernames.key_of(left) == usernames.key_of(right)


@pytest.mark.parametrize(("left", "right"), [("Ann", "Änn"), ("ann", "ann."), ("a", "а")])
def test_these_are_different_names(left: str, right: str) -> None:
    assert usernames.key_of(left) != usernames.key_of(right)


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a!", "a\u200d", "x" * 151, "\x00", "☃", "a/b", "<b>"])
def test_these_are_not_allowed(name: str) -> None:
    assert not usernames.is_valid(name)


@given(st.text(max_size=200))
def test_an_allowed_name_fits_its_column(text: str) -> None:
    if usernames.is_valid(text):
        assert 1 <= len(text) <= 150
        assert len(usernames.key_of(text)) <= usernames.MAX_KEY_BYTES


def test_a_letter_that_stands_for_a_long_phrase_is_not_allowed() -> None:
    assert not usernames.is_valid("\ufdfa")
