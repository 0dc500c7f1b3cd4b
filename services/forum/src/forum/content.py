"""What is made of a text when it is written: safe HTML, an excerpt, its links and whom it mentions."""

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from markdown_it.common.utils import mdTrim
from sqlalchemy.ext.asyncio import AsyncConnection

from forum.foundation import Foundation
from forum.markdown import Markdown
from forum.markdown_rules import TooComplex
from forum.mentions import keys_in
from forum.sanitising import Sanitiser
from forum.threads import Threads

EXCERPT_MAX = 200
"""Code points of an excerpt."""

INLINE_MAX = 4096
"""Code points of a text that is rendered on the event loop; longer ones go to a thread."""

log = structlog.get_logger()

# What means something to Markdown or is written otherwise in HTML: signs of markup, and lines that begin or end so.
_SIGNS = re.compile(r"[\\`*_~\[<>&|@\x00\r\t\xa0]")
_LINES = re.compile(r"\n(?:[ #\-+=:]|\d{1,9}[.)])| \n")
_BETWEEN_PARAGRAPHS = re.compile(r"\n{2,}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, ready to be kept.

    Attributes:
        html: Safe HTML, of at most 12 code points for each of the text and 4096 more.
        excerpt: Its beginning without markup, at most 200 code points.
        link_count: Links and pictures that lead elsewhere; mentions do not count.
        mentions: Ids of the users it mentions, in order, each once, at most 20.
    """

    html: str
    excerpt: str
    link_count: int
    mentions: tuple[int, ...]


class Renderer:
    """Renders Markdown; see `markdown.py` for what it understands."""

    def __init__(self, foundation: Foundation, threads: Threads) -> None:
        self._names = foundation.repositories.mentions
        self._threads = threads
        self._markdown = Markdown()
        self._sanitiser = Sanitiser()

    async def render(self, connection: AsyncConnection, text: str) -> Rendered:
        """Render a text: one statement if it has an `@` that may begin a name, none otherwise.

        A text that cannot be rendered within its bounds is shown as it was written.

        Raises:
            Unavailable: Too many long texts are waiting (UNAVAILABLE, with `retry_after`).
        """
        is_long = len(text) > INLINE_MAX
        known: Mapping[bytes, int] = {}
        if "@" in text:
            keys = await self._threads.run(keys_in, text) if is_long else keys_in(text)
            known = await self._names.find_ids(connection, keys) if keys else {}
        return await self._threads.run(self.render_with, text, known) if is_long else self.render_with(text, known)

    def render_with(self, text: str, known: Mapping[bytes, int]) -> Rendered:
        """Render a text that may mention these users, by key of their names."""
        if _is_plain(text):
            return Rendered(_paragraphs(text), excerpt_of(text), 0, ())
        return self.render_markup(text, known)

    def render_markup(self, text: str, known: Mapping[bytes, int]) -> Rendered:
        """Do the same without the short cut for texts that have no markup."""
        try:
            parsed = self._markdown.render(text, known)
        except TooComplex:
            return self._as_written(text)
        except Exception:  # a fault of the library must not keep anybody from writing
            log.exception("content.not_rendered", length=len(text))
            return self._as_written(text)
        clean = self._sanitiser.clean(parsed.html)
        return Rendered(clean, excerpt_of(parsed.words), parsed.link_count, tuple(parsed.user_ids))

    def _as_written(self, text: str) -> Rendered:
        return Rendered(self._sanitiser.clean(f"<pre>\n{html.escape(text)}</pre>\n"), excerpt_of(text), 0, ())


def excerpt_of(words: str) -> str:
    """Return the beginning of a text without markup, in one line."""
    line = " ".join(words.split())
    return line if len(line) <= EXCERPT_MAX else line[: EXCERPT_MAX - 1].rstrip() + "…"


def content_hash(*texts: str) -> bytes:
    """Return 16 bytes that tell these texts from others."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8) + encoded)
    return digest.digest()


def _is_plain(text: str) -> bool:
    """Tell whether a text has no markup: it is a matter of a hundredth of the time."""
    return _SIGNS.search(text) is None and "://" not in text and _LINES.search(f"\n{text}\n") is None


def _paragraphs(text: str) -> str:
    """Return the HTML of a text without markup."""
    paragraphs = (mdTrim(part) for part in _BETWEEN_PARAGRAPHS.split(text.strip("\n")) if part)
    return "".join(f"<p>{part}</p>\n" for part in paragraphs).replace("\n", "<br>\n").replace("</p><br>", "</p>")
