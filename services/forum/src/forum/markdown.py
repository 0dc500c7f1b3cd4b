"""Markdown to HTML: CommonMark with tables, strikethrough, bare links and mentions, without raw HTML.

A single line break is one in HTML too. What a text may cost is bounded: the parser counts its steps, and a text that
takes too many, nests too deep or grows too long is `TooComplex`. Without that a few kinds of input take minutes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from forum.markdown_rules import NESTING_MAX, TooComplex, environment, extend
from forum.mentions import MENTIONS_MAX
from forum.sanitising import LINK_REL, is_address, is_external, is_language

_INLINE_NESTING_MAX = 50
"""Levels of emphasis."""

_GROWTH_MAX, _GROWTH_FREE = 12, 4096
"""HTML per letter of Markdown: a list of empty items has 5, a table of single letters 9."""

_WORDS_ENOUGH = 2000


class Parsed(NamedTuple):
    """A text as HTML, and what is in it."""

    html: str
    """Not sanitised yet."""
    words: str
    """The beginning of the text without markup, with any blanks."""
    link_count: int
    """Links and pictures that lead elsewhere."""
    user_ids: list[int]
    """Who is mentioned, in order, each once."""


class Markdown:
    """Renders texts; may be used by several threads."""

    def __init__(self) -> None:
        options = {"html": False, "maxNesting": NESTING_MAX, "breaks": True}
        parser = MarkdownIt("commonmark", options)
        parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"])
        extend(parser)
        parser.validateLink = is_address  # type: ignore[method-assign]
        self._parser = parser
        self.render("*", {})  # the rules are compiled at first use: not by two threads at once

    def render(self, text: str, known: Mapping[bytes, int]) -> Parsed:
        """Return a text as HTML.

        Args:
            text: Markdown.
            known: Ids of the users that it may mention, by key.

        Raises:
            TooComplex: See the class.
        """
        env = environment(text, known)
        try:
            tokens = self._parser.parse(text, env)
        except RecursionError:
            raise TooComplex from None
        contents = _Contents(_GROWTH_MAX * len(text) + _GROWTH_FREE)
        contents.read(tokens)
        html = self._parser.renderer.render(tokens, self._parser.options, env)
        return Parsed(html, "".join(contents.words), contents.link_count, list(contents.user_ids))


class _Contents:
    """Reads the tokens of a text, and sets what the library does not: `rel` of links, alignment of cells."""

    def __init__(self, size_max: int) -> None:
        self.words: list[str] = []
        self.link_count = 0
        self.user_ids: dict[int, None] = {}
        self._room = size_max
        self._words_left = _WORDS_ENOUGH

    def read(self, tokens: Sequence[Token]) -> None:
        """Take the tokens of all blocks."""
        for token in tokens:
            self._take_room(token)
            if token.type == "inline":
                self._read_inline(token.children or ())
                self._add_words("\n")
            elif token.type in ("fence", "code_block"):
                language = token.info.strip().partition(" ")[0]
                token.info = language if is_language(language) else ""
                self._add_words(token.content)
            elif token.attrs and token.type in ("th_open", "td_open"):
                token.attrs = {"align": str(token.attrs["style"]).removeprefix("text-align:")}

    def _read_inline(self, tokens: Sequence[Token]) -> None:
        depth = 0
        for index, token in enumerate(tokens):
            depth += token.nesting
            if depth > _INLINE_NESTING_MAX:
                raise TooComplex
            if token.type in ("text", "code_inline"):
                self._take_room(token)
                self._add_words(token.content)
            elif token.type in ("softbreak", "hardbreak"):
                self._add_words("\n")
            elif token.type == "link_open":
                self._take_room(token)
                self._read_link(tokens, index)
            elif token.type == "image":
                self._take_room(token)
                self.link_count += is_external(str(token.attrs["src"]))
                for child in token.children or ():
                    self._add_words(child.content)

    def _read_link(self, tokens: Sequence[Token], index: int) -> None:
        link = tokens[index]
        user_id = link.meta.get("user_id")
        if user_id is None:
            link.attrs["rel"] = LINK_REL
            self.link_count += is_external(str(link.attrs["href"]))
        elif user_id in self.user_ids or len(self.user_ids) < MENTIONS_MAX:
            self.user_ids[user_id] = None
        else:
            link.hidden = tokens[index + 2].hidden = True  # only the name stays

    def _take_room(self, token: Token) -> None:
        self._room -= len(token.content)
        if token.attrs:
            self._room -= sum(len(str(value)) for value in token.attrs.values())
        if self._room < 0:
            raise TooComplex

    def _add_words(self, words: str) -> None:
        if self._words_left > 0:
            self.words.append(words)
            self._words_left -= len(words)
