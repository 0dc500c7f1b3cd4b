"""How what was found is shown."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.excerpts import EXCERPT_MAX, Marker, plain_text
from forum.tokens import terms_of


def mark(query: str, text: str) -> str:
    return Marker(terms_of(query)).mark(text)


def excerpt(query: str, text: str) -> str:
    return Marker(terms_of(query)).excerpt(text)


def shown(marked: str) -> str:
    return html.unescape(re.sub(r"</?mark>", "", marked))


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("cat", "A Cat, a cats, CAT", "A <mark>Cat</mark>, a cats, <mark>CAT</mark>"),
        ("数据", "我们的数据库", "我们的<mark>数据</mark>库"),
        ('"the cat"', "the  cat and the dog", "<mark>the  cat</mark> and the dog"),
        ('"the cat" the', "the cats, the cat", "<mark>the</mark> cats, <mark>the cat</mark>"),
        ("vue3教程", "最新Vue3 教程", "最新<mark>Vue3 教程</mark>"),
        ("strasse", "Eine Straße", "Eine <mark>Straße</mark>"),
        ("école", "l'e\u0301cole", "l&#x27;<mark>école</mark>"),
        ("full", "ＦＵＬＬ", "<mark>ＦＵＬＬ</mark>"),
        ("fine", "ﬁne!", "<mark>ﬁne</mark>!"),
        ("b", "<b>&", "&lt;<mark>b</mark>&gt;&amp;"),
        ("amp lt", "<&>", "&lt;&amp;&gt;"),
        ("", "a <i>", "a &lt;i&gt;"),
    ],
)
def test_what_was_found_is_marked_and_all_else_is_text(query: str, text: str, marked: str) -> None:
    assert mark(query, text) == marked


def test_an_excerpt_shows_the_place_with_most_terms() -> None:
    text = "fox " + "a " * 200 + "the quick brown fox " + "z " * 200

    found = excerpt("quick fox", text)

    assert "<mark>quick</mark> brown <mark>fox</mark>" in found
    assert found.startswith("…a a")
    assert found.endswith("z…")
    assert len(shown(found)) <= EXCERPT_MAX


def test_an_excerpt_without_a_place_is_the_beginning() -> None:
    assert excerpt("fox", "word " * 100) == f"{'word ' * 39}word…"
    assert excerpt("fox", "short") == "short"


@given(st.text(max_size=600), st.text(st.sampled_from('a 数据<&"é'), max_size=12))
def test_excerpts_are_short_text_whatever_they_are_of(text: str, query: str) -> None:
    found = excerpt(query, text)

    assert len(shown(found)) <= EXCERPT_MAX
    assert "<" not in found.replace("<mark>", "").replace("</mark>", "")


@pytest.mark.parametrize(
    ("safe_html", "text"),
    [
        ("<p>one<br>\ntwo</p><p>three</p>", "one two three"),
        ("<p>数<strong>据</strong>库 &amp; <code>a&lt;b</code></p>", "数据库 & a<b"),
        ('<p><a href="/x?a>b" rel="ugc">link</a><img src="x" alt="a > b"></p>', "link"),
        ("<ul><li>a</li><li>b</li></ul>", "a b"),
        ('<p>cut <a href="http://exa', "cut"),
        ("", ""),
    ],
)
def test_plain_text_is_what_is_read(safe_html: str, text: str) -> None:
    assert plain_text(safe_html) == text
