"""Atom feeds (RFC 4287)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

CONTENT_TYPE = b"application/atom+xml; charset=utf-8"
_NAMESPACE = "http://www.w3.org/2005/Atom"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# What XML 1.0 cannot hold, not even as a reference.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Entry(NamedTuple):
    """An entry.

    Attributes:
        url: Where it is; also its lasting id.
        title: Plain text.
        author: A name.
        published: When it was written.
        updated: When it was last changed.
        terms: Names of what it belongs to.
        html: Its text.
    """

    url: str
    title: str
    author: str
    published: datetime
    updated: datetime
    terms: Sequence[str]
    html: str


class Feed(NamedTuple):
    """A feed.

    Attributes:
        url: Where it is; also its lasting id.
        title: Plain text.
        entries: In their order.
    """

    url: str
    title: str
    entries: Sequence[Entry]

    @property
    def updated(self) -> datetime | None:
        """When the newest change was; None without entries."""
        return max((entry.updated for entry in self.entries), default=None)

    def xml(self) -> bytes:
        """Return the document, UTF-8. Characters that XML cannot hold are left out."""
        root = ET.Element("feed", {"xmlns": _NAMESPACE})
        _add(root, "id", self.url)
        _add(root, "title", self.title)
        _add(root, "updated", _moment(self.updated or _NEVER))
        _add(root, "link", rel="self", type="application/atom+xml", href=self.url)
        for entry in self.entries:
            _add_entry(root, entry)
        document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return document


def _add_entry(root: ET.Element, entry: Entry) -> None:
    element = _add(root, "entry")
    _add(element, "id", entry.url)
    _add(element, "title", entry.title)
    _add(element, "link", rel="alternate", type="application/json", href=entry.url)
    _add(_add(element, "author"), "name", entry.author)
    _add(element, "published", _moment(entry.published))
    _add(element, "updated", _moment(entry.updated))
    for term in entry.terms:
        _add(element, "category", term=_UNFIT.sub("", term))
    _add(element, "content", entry.html, type="html")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = _UNFIT.sub("", text)
    return element


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
