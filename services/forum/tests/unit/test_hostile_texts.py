"""Nothing executable survives: the HTML of hostile texts is read in two ways, and by a grammar that leaves no doubt."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forum.content import Renderer
from forum.sanitising import Sanitiser
from forum.threads import Threads
from forum.usernames import key_of

PAYLOADS: dict[str, list[str]] = json.loads((Path(__file__).parent / "payloads.json").read_text())
ALL = [payload for payloads in PAYLOADS.values() for payload in payloads]

VOID = {"br", "hr", "img"}
PLAIN_TAGS = "p strong em s pre blockquote ul li br hr h1 h2 h3 h4 h5 h6 table thead tbody tr"
ALLOWED: dict[str, set[str]] = {
    **{tag: set() for tag in PLAIN_TAGS.split()},
    "a": {"href", "title", "rel", "class"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
ODD_NAMES = (
    "alice",
    "小明",
    "onclick",
    "_",
    "___",
    "-",
    "--",
    ".",
    "a.b+c-d_e@f",
    "alice@alice",
    "script",
    "x.example",
)
KNOWN = {key_of(name): number for number, name in enumerate(ODD_NAMES, start=1)}

# A browser reads what is written like this in one way only.
STRICT = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [a-z]+=\"[^\"]*\")*)>|[^<>]+")


@pytest.fixture(scope="module")
def renderer() -> Any:
    names = SimpleNamespace(find_ids=None)
    threads = Threads(workers=1, queue_limit=1)
    yield Renderer(SimpleNamespace(repositories=SimpleNamespace(mentions=names)), threads)  # type: ignore[arg-type]
    threads.close()


class Reader(HTMLParser):
    """Collects elements with their attributes as the standard library sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def assert_harmless(html: str) -> None:
    strict = strictly_read(html)
    reader = Reader()
    reader.feed(html)
    reader.close()

    assert reader.elements == strict
    assert reader.others == []
    for tag, attributes in strict:
        assert tag in ALLOWED, tag
        assert attributes.keys() <= ALLOWED[tag], attributes
        for name in ("href", "src"):
            if name in attributes:
                assert_leads_nowhere_bad(attributes[name], is_picture=name == "src")
        assert_known_values(tag, attributes)
    assert Sanitiser().clean(html) == html


def strictly_read(html: str) -> list[tuple[str, dict[str, str]]]:
    """Return the elements of HTML in which every tag is well-formed and closed in order; fail if it is not so."""
    position = 0
    open_tags: list[str] = []
    elements: list[tuple[str, dict[str, str]]] = []
    for match in STRICT.finditer(html):
        assert match.start() == position, html[position : match.start()]
        position = match.end()
        closing, tag, attributes = match.groups()
        if tag is None:
            continue
        if closing:
            assert open_tags[-1:] == [tag]
            open_tags.pop()
            continue
        pairs = re.findall(r" ([a-z]+)=\"([^\"]*)\"", attributes)
        assert len({name for name, _ in pairs}) == len(pairs)
        elements.append((tag, {name: unescape(value) for name, value in pairs}))
        if tag not in VOID:
            open_tags.append(tag)
    assert position == len(html)
    assert open_tags == []
    return elements


def assert_leads_nowhere_bad(url: str, *, is_picture: bool) -> None:
    # As browsers do before they look for a scheme.
    seen = re.sub(r"[\t\n\r]", "", url).lstrip("".join(map(chr, range(33)))).replace("\\", "/").lower()
    schemes = ("http://", "https://") if is_picture else ("http://", "https://", "mailto:", "#")
    assert seen.startswith(schemes) or (seen.startswith("/") and not seen.startswith("//")), url


def assert_known_values(tag: str, attributes: dict[str, str]) -> None:
    if tag == "a":
        is_mention = attributes.get("class") == "mention"
        assert attributes.get("class", "mention") == "mention"
        if is_mention:
            assert re.fullmatch(r"/users/\d+", attributes["href"])
        else:
            assert attributes["rel"] == "nofollow ugc noopener noreferrer"
    if tag == "code" and "class" in attributes:
        assert re.fullmatch(r"language-[\w+#.-]{1,30}", attributes["class"], re.ASCII)
    assert attributes.get("align", "left") in ("left", "center", "right")
    assert attributes.get("start", "0").isdecimal()


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(set(ALL)) >= 250


@pytest.mark.parametrize("kind", PAYLOADS)
def test_nothing_executable_survives(renderer: Renderer, kind: str) -> None:
    for payload in PAYLOADS[kind]:
        for text in (payload, f"a {payload} b", f"> {payload}", f"- {payload}", f"*{payload}*", f"[{payload}](/x)"):
            assert_harmless(renderer.render_with(text, KNOWN).html)


def test_all_payloads_together(renderer: Renderer) -> None:
    for separator in ("\n\n", "\n", " ", ""):
        assert_harmless(renderer.render_with(separator.join(ALL), KNOWN).html)


@given(st.lists(st.sampled_from(ALL), min_size=2, max_size=6), st.sampled_from(["", " ", "\n", "\n\n", "|", "\t"]))
@settings(max_examples=300, deadline=None)
def test_payloads_in_any_company(renderer: Renderer, payloads: list[str], separator: str) -> None:
    assert_harmless(renderer.render_with(separator.join(payloads), KNOWN).html)


PIECES = [
    *(
        "<",
        ">",
        '"',
        "'",
        "&",
        "`",
        "```",
        "~~~",
        "[",
        "]",
        "(",
        ")",
        "](",
        "![",
        "\\",
        "*",
        "**",
        "_",
        "~~",
        "|",
        "\n",
    ),
    *(
        "|-|-|\n",
        "> ",
        "- ",
        "1. ",
        "# ",
        "    ",
        "javascript:",
        "data:",
        "http://x",
        "<http://",
        "mailto:",
        "/x",
        "//",
    ),
    *(
        "onclick=",
        "<script>",
        "<img src=x ",
        "<!--",
        "-->",
        "&colon;",
        "&Tab;",
        "&#",
        "x3a;",
        "[a]: ",
        "@alice",
        "@小明",
    ),
    *("@", "\t", "\x00", "\x0b", "\xa0", "\u2028", "\u202e", "\ufeff", "😀", "中", "a", " "),
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=40).map("".join))
@settings(max_examples=600, deadline=None)
def test_any_text_is_harmless_and_bounded(renderer: Renderer, text: str) -> None:
    rendered = renderer.render_with(text, KNOWN)

    assert_harmless(rendered.html)
    assert len(rendered.html) <= 12 * len(text) + 4096
    assert len(rendered.excerpt) <= 200
    assert "\n" not in rendered.excerpt
    assert len(set(rendered.mentions)) == len(rendered.mentions) <= 20


@given(st.text(alphabet="aB é番　 \n\n.,;:!?'\"()-+=#0123)}{/$%^\x0b\x1c\x85\u2028\ufeff😀", max_size=60))
@settings(max_examples=1500, deadline=None)
def test_the_short_cut_for_plain_texts_is_exact(renderer: Renderer, text: str) -> None:
    assert renderer.render_with(text, {}) == renderer.render_markup(text, {})


@given(
    st.lists(
        st.one_of(st.sampled_from([piece for piece in PIECES if piece != "\x00"]), st.text(max_size=4)), max_size=6
    ).map("".join)
)
@settings(max_examples=1500, deadline=None)
def test_the_short_cut_takes_no_text_that_it_should_not(renderer: Renderer, text: str) -> None:
    assert renderer.render_with(text, {}) == renderer.render_markup(text, {})
