"""How texts and queries are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.tokens import TERMS_MAX, WORD_MAX, letters_of, terms_of, tokens_of


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("?! … 。", []),
        ("The Quick-brown fox", ["the", "quick", "brown", "fox"]),
        ("数据库", ["数据", "据库", "库"]),
        ("我 love 数据", ["我", "love", "数据", "据"]),
        ("vue3教程", ["vue3", "教程", "程"]),
        ("数据，索引", ["数据", "据", "索引", "引"]),
        ("Straße ＦＵＬＬ ﬁne", ["strasse", "full", "fine"]),
        ("e\u0301cole", ["école"]),
        ("snake_case x=1", ["snake", "case", "x", "1"]),
        ("ひらがな カタカナ", ["ひら", "らが", "がな", "な", "カタ", "タカ", "カナ", "ナ"]),
        ("हिन्दी", ["हिन्दी"]),
        ("𠮷野家", ["𠮷野", "野家", "家"]),
    ],
)
def test_texts_become_words_and_pairs(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_letters_are_those_of_scripts_without_blanks() -> None:
    assert letters_of("我 love 我的数据, 2 times") == set("我的数据")


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("quick  fox", [["quick"], ["fox"]]),
        ("quick quick", [["quick"]]),
        ('"quick fox" jumps', [["quick", "fox"], ["jumps"]]),
        ('a"b c"d', [["a"], ["b", "c"], ["d"]]),
        ("＂quick fox＂", [["quick", "fox"]]),
        ('say "cheese please', [["say"], ["cheese"], ["please"]]),
        ('""', []),
        ("node.js", [["node", "js"]]),
        ("数据库", [["数据", "据库"]]),
        ("数据，索引", [["数据"], ["索引"]]),
        ('"数据 索引"', [["数据", "据", "索引"]]),
        ("title:* OR -x", [["title"], ["or"], ["x"]]),
    ],
)
def test_queries_become_words_and_phrases(query: str, terms: list[list[str]]) -> None:
    assert [term.tokens for term in terms_of(query)] == terms


def test_a_single_letter_is_looked_for_among_letters() -> None:
    [alone, after_word] = terms_of('我 "love 我"')

    assert (alone.tokens, alone.letter) == ([], "我")
    assert (after_word.tokens, after_word.letter) == (["love"], "我")


def test_queries_have_a_bounded_number_of_terms_and_words_a_bounded_length() -> None:
    assert len(terms_of(" ".join(f"word{number}" for number in range(100)))) == TERMS_MAX
    assert tokens_of("x" * 1000) == ["x" * WORD_MAX]
    assert terms_of("x" * 1000)[0].tokens == ["x" * WORD_MAX]


WORDS = st.text(st.sampled_from("ab数据库我é カ1_.,"), min_size=1, max_size=12)


@given(WORDS, WORDS, WORDS)
def test_a_piece_of_a_text_is_found_in_it_as_a_phrase(before: str, middle: str, after: str) -> None:
    """Whatever stands around a phrase, its tokens follow each other in the text and its letter is in it."""
    text = f"{before} {middle} {after}"
    tokens, letters = tokens_of(text), letters_of(text)

    for term in terms_of(f'"{middle}"'):
        wanted = term.tokens
        places = range(len(tokens) - len(wanted) + 1)
        assert any(tokens[place : place + len(wanted)] == wanted for place in places)
        assert not term.letter or term.letter in letters


@given(st.text(max_size=200))
def test_any_query_can_be_read(query: str) -> None:
    for term in terms_of(query):
        assert term.tokens or term.letter
        assert not any(" " in token or not token for token in term.tokens)
