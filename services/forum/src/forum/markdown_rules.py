"""How the parser is extended: the links and mentions that CommonMark does not know, and limits of work.

A parse counts its steps down in its environment, `steps`. Without that, a few kinds of input take minutes.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from forum.mentions import MENTIONS_MAX, find_at
from forum.sanitising import MENTION_CLASS

NESTING_MAX = 24
"""Levels of blocks (a list takes two), and of brackets that are looked into."""

_STEPS_PER_LETTER, _STEPS_FREE, _STEPS_MAX = 6, 1000, 250_000
"""Ordinary texts take less than one step a letter; a step costs about 2 us."""

_BLOCK_STEP = 2
"""Steps that one look at the beginning of a line counts for: it tries more rules."""

_CELL_STEPS = 4
"""Steps that a cell of a table counts for, written or missing at the end of its row."""

# Where plain text ends inside a paragraph: the library stops at signs too that mean nothing here.
_SIGN = re.compile(r"[\\\n`*_~\[\]!<&:@]")
# Ends at blanks, brackets and quotes, and at Chinese punctuation, which no address contains unescaped.
_REST_OF_LINK = re.compile(
    r"//[^\W_][^\s<>\[\]\"`{|}\\^\x00-\x20\u2018-\u201f\u2026\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]*"
)
_LINK_MAX = 2000
_SCHEMES = ("https", "http")


class TooComplex(Exception):
    """A text that is more work than its length allows."""


def extend(parser: MarkdownIt) -> None:
    """Add the rules to a parser; each of its parses needs an environment from `environment`."""
    everywhere: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("table", "limit", _limit_blocks, everywhere)
    parser.block.ruler.at("table", _limited_table, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("text", "limit", _limit_inline)
    parser.inline.ruler.before("newline", "bare_link", _bare_link)
    parser.inline.ruler.before("newline", "mention", _mention)
    parser.inline.terminator_re = _SIGN
    parser.inline.skipToken = partial(_skip_token, parser.inline.skipToken)  # type: ignore[method-assign]


def environment(text: str, known: Mapping[bytes, int]) -> dict[str, Any]:
    """Return what a parse of `text` needs to know: the users it may mention, and how many steps it may take."""
    steps = min(_STEPS_PER_LETTER * len(text) + _STEPS_FREE, _STEPS_MAX)
    return {"steps": steps, "known": known}


def _spend(env: Any, steps: int) -> None:
    left = env["steps"] = env["steps"] - steps
    if left < 0:
        raise TooComplex


def _limit_blocks(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Count a look at the beginning of a line; never matches. The library would drop what nests too deep."""
    _spend(state.env, _BLOCK_STEP)
    if state.level > NESTING_MAX - 3:
        raise TooComplex
    return False


def _limited_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Make a table of which all cells count: short rows are filled up to the width of the first."""
    if not silent and start + 1 < end:
        widths = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]]
        columns = widths.strip("| ").count("|") + 1
        rows = 0
        while "|" in widths and start + rows < end and not state.isEmpty(start + rows):
            rows += 1
            _spend(state.env, columns * _CELL_STEPS)
    return table(state, start, end, silent)


def _limit_inline(state: StateInline, silent: bool) -> bool:
    """Count a step inside a paragraph; never matches."""
    _spend(state.env, 1)
    return False


def _skip_token(skip: Callable[[StateInline], None], state: StateInline) -> None:
    """Count a step of the search for the end of a link's text: it may be looked up, so that no rule sees it."""
    _spend(state.env, 1)
    skip(state)


def _bare_link(state: StateInline, silent: bool) -> bool:
    """Make a link of an address that begins with http:// or https://."""
    source, colon = state.src, state.pos
    if source[colon] != ":" or state.linkLevel > 0 or not source.startswith("//", colon + 1):
        return False
    before = source[max(colon - 6, 0) : colon].lower()
    scheme = next((scheme for scheme in _SCHEMES if before.endswith(scheme)), "")
    start = colon - len(scheme)
    if not scheme or (start > 0 and source[start - 1].isascii() and source[start - 1].isalnum()):
        return False
    end = _link_end(source, colon + 1, state.posMax)
    if not 0 < end - start <= _LINK_MAX:
        return False
    url = state.md.normalizeLink(source[start:end])
    if not silent:
        if not state.pending.endswith(source[start:colon]):
            return False
        state.pending = state.pending[: -len(scheme)]
        _push_link(state, {"href": url}, source[start:end])
    state.pos = end
    return True


def _link_end(source: str, slashes: int, limit: int) -> int:
    """Return where an address ends, 0 if it does not go on behind the colon."""
    match = _REST_OF_LINK.match(source, slashes, min(limit, slashes + _LINK_MAX + 1))
    if match is None:
        return 0
    end = match.end()
    opened, closed = match.group().count("("), match.group().count(")")
    while True:
        if source[end - 1] in "?!.,:;*_~'":
            end -= 1
        elif source[end - 1] == ")" and closed > opened:
            closed -= 1
            end -= 1
        else:
            return end


def _mention(state: StateInline, silent: bool) -> bool:
    """Make a link of the name of a user behind an `@`, outside of links."""
    known = state.env["known"]
    if not known or state.src[state.pos] != "@" or state.linkLevel > 0:
        return False
    _spend(state.env, MENTIONS_MAX)
    mention = find_at(state.src, state.pos, known)
    if mention is None or mention.end > state.posMax:
        return False
    if not silent:
        attributes = {"class": MENTION_CLASS, "href": f"/users/{mention.user_id}"}
        link = _push_link(state, attributes, state.src[state.pos : mention.end])
        link.meta["user_id"] = mention.user_id
    state.pos = mention.end
    return True


def _push_link(state: StateInline, attributes: Mapping[str, str], words: str) -> Token:
    link = state.push("link_open", "a", 1)
    link.attrs = dict(attributes)
    state.push("text", "", 0).content = words
    state.push("link_close", "a", -1)
    return link
