"""What counts as one emoji, and in which spelling."""

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.reactions import normalise

EMOJI_BYTES = 64
"""Width of `reactions.emoji`."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("👍", "👍"),
        ("👍🏽", "👍🏽"),
        ("❤️", "❤️"),
        ("\u2764", "\u2764\ufe0f"),
        ("👩‍❤️‍💋‍👨", "👩‍❤️‍💋‍👨"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("🇩🇪", "🇩🇪"),
        ("1️⃣", "1️⃣"),
    ],
)
def test_one_emoji_is_itself_fully_qualified(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("text", ["", "a", "1", ":+1:", "👍👍", "👍 ", " 👍", "🏽", "🦰", "🇩", "\ufe0f", "👍a", "好"])
def test_everything_else_is_none(text: str) -> None:
    assert normalise(text) == ""


@given(st.sampled_from(sorted(emoji.EMOJI_DATA)))
def test_a_normalised_emoji_stays_as_it_is_and_fits(text: str) -> None:
    normalised = normalise(text)
    assert normalise(normalised) == normalised
    assert len(normalised.encode()) <= EMOJI_BYTES
