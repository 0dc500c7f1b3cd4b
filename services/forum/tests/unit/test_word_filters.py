"""Which texts a filter finds, and how long that takes."""

import random
import string
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from forum.word_filters import WordFilters, normalise


class Phrases:
    """Stands for the database and its repository."""

    def __init__(self, phrases: Sequence[tuple[str, str]]) -> None:
        self.phrases = phrases
        self.load_count = 0

    @asynccontextmanager
    async def read(self, *, is_reserved: bool) -> AsyncIterator[None]:
        yield None

    async def list_phrases(self, connection: Any) -> list[tuple[str, str]]:
        self.load_count += 1
        return [(normalise(phrase), action) for phrase, action in self.phrases]


def filters(*phrases: tuple[str, str]) -> tuple[WordFilters, Phrases]:
    source = Phrases(phrases)
    foundation: Any = SimpleNamespace(database=source, repositories=SimpleNamespace(word_filters=source))
    return WordFilters(foundation), source


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("spam", "spam"),
        ("spam", "eggs, spam and bacon"),
        ("spam", "SPAM!"),
        ("spam", "\uff33\uff50\uff41\uff4d"),
        ("Spam", "spam"),
        ("spam", "s\u200bp\u200da\ufeffm"),
        ("spam", "s\u00adpam"),
        ("spam", "sp\x01am"),
        ("s\u200bpam", "spam"),
        ("spam", "(spam)"),
        ("spam", "spam_and_eggs"),
        ("spam", "\u5783\u573espam\u90ae\u4ef6"),
        ("cheap pills", "cheap pills"),
        ("cheap pills", "Cheap \t\n  Pills."),
        ("cheap pills", "cheap\u3000pills"),
        ("cheap   pills", "cheap pills"),
        (" cheap pills ", "cheap pills"),
        ("stra\u00dfe", "STRASSE"),
        ("\u00e9t\u00e9", "E\u0301TE\u0301"),
        ("c++", "I like C++ a lot"),
        ("c++", "c++11"),
        (".com", "example.com"),
        ("a.*b", "so a.*b it is"),
        ("\u8fdd\u7981", "\u8fd9\u662f\u8fdd\u7981\u8bcd"),
        ("\u52a0v", "\u8bf7\u52a0V\uff0c\u8c22\u8c22"),
        ("\u52a0 \u5fae\u4fe1", "\u8bf7\u52a0  \u5fae\u4fe1"),
        ("\u043f\u0440\u0438\u0432\u0435\u0442", "\u041f\u0420\u0418\u0412\u0415\u0422, \u043c\u0438\u0440"),
        ("100", "only 100!"),
        ("\U0001f48a", "buy\U0001f48anow"),
    ],
)
async def test_a_phrase_is_found(phrase: str, text: str) -> None:
    words, _ = filters((phrase, "hold"))

    assert await words.judge(text) == "hold"


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("spam", ""),
        ("spam", "spammer"),
        ("spam", "antispam"),
        ("spam", "spam2"),
        ("spam", "sp am"),
        ("spam", "\u00e9spam"),
        ("cheap pills", "cheappills"),
        ("cheap pills", "cheap, pills"),
        ("cheap pills", "cheap pillsbury"),
        ("a.*b", "a whole b"),
        ("100", "1000"),
        ("\u52a0v", "\u52a0vip"),
        ("\u8fdd\u7981", "\u8fdd \u7981"),
    ],
)
async def test_a_phrase_is_not_found_in_other_words(phrase: str, text: str) -> None:
    words, _ = filters((phrase, "reject"))

    assert await words.judge(text) == "pass"


async def test_reject_wins_over_hold_wherever_they_stand() -> None:
    words, _ = filters(("maybe", "hold"), ("never", "reject"))

    assert await words.judge("maybe never") == "reject"
    assert await words.judge("maybe", "never") == "reject"
    assert await words.judge("title", "maybe") == "hold"
    assert await words.judge("title", "text") == "pass"


async def test_a_phrase_does_not_reach_from_one_text_into_the_next() -> None:
    words, _ = filters(("cheap pills", "hold"))

    assert await words.judge("cheap", "pills") == "pass"


async def test_without_filters_everything_passes() -> None:
    words, _ = filters()

    assert await words.judge("anything") == "pass"


async def test_filters_are_loaded_once_and_again_after_a_change() -> None:
    words, source = filters()
    for _ in range(3):
        assert await words.judge("spam") == "pass"
    assert source.load_count == 1

    source.phrases = [("spam", "reject")]
    words.drop()

    assert await words.judge("spam") == "reject"
    assert source.load_count == 2


@pytest.mark.parametrize("alphabet", ["latin", "chinese"])
async def test_a_thousand_phrases_take_less_than_fifty_milliseconds_in_the_longest_text(alphabet: str) -> None:
    dice = random.Random(7)
    letters = string.ascii_lowercase if alphabet == "latin" else "".join(map(chr, range(0x4E00, 0x6500)))
    phrases = ["".join(dice.choices(letters, k=8 if alphabet == "latin" else 3)) for _ in range(1000)]
    words, _ = filters(*((phrase, dice.choice(["hold", "reject"])) for phrase in phrases))
    text = "".join(dice.choices(letters + " " * (len(letters) // 6), k=99_990)) + " " + phrases[0]
    assert await words.judge("warm") == "pass"

    seconds = []
    for _ in range(5):
        started = time.process_time()
        assert await words.judge(text) != "pass"
        seconds.append(time.process_time() - started)

    assert min(seconds) < 0.05
