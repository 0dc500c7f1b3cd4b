"""The last word on HTML: what is not allowed here is in no answer, whatever made it."""

import re

import nh3

LINK_REL = "nofollow ugc noopener noreferrer"
"""`rel` of every link that a user wrote."""

MENTION_CLASS = "mention"

_ADDRESS = re.compile(r"(?:https?://|mailto:|#|/(?![/\\]))", re.IGNORECASE)
_PICTURE = re.compile(r"(?:https?://|/(?![/\\]))", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}", re.ASCII)

_BLOCKS = frozenset(("p", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol", "li"))
_CELLS = frozenset(("table", "thead", "tbody", "tr", "th", "td"))
_WORDS = frozenset(("a", "br", "code", "em", "img", "s", "strong"))
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
}
_ALIGN = {"align": {"left", "center", "right"}}
_ATTRIBUTE_VALUES = {"a": {"class": {MENTION_CLASS}, "rel": {LINK_REL}}, "th": _ALIGN, "td": _ALIGN}


def is_address(url: str) -> bool:
    """Tell whether a link may lead there: http, https, mailto, a path of this site or a place on the page."""
    return _ADDRESS.match(url) is not None


def is_external(url: str) -> bool:
    """Tell whether an address leads elsewhere."""
    return not url.startswith(("/", "#"))


def is_language(name: str) -> bool:
    """Tell whether a block of code may say that it is in this language."""
    return _LANGUAGE.fullmatch(name) is not None


class Sanitiser:
    """Lets through what is on the list, well-formed."""

    def __init__(self) -> None:
        self._cleaner = nh3.Cleaner(
            tags=_BLOCKS | _CELLS | _WORDS,
            attributes=_ATTRIBUTES,
            tag_attribute_values=_ATTRIBUTE_VALUES,
            attribute_filter=_filtered,
            url_schemes={"http", "https", "mailto"},
            link_rel=None,  # the renderer sets it on every link but mentions, and only that value passes
        )

    def clean(self, html: str) -> str:
        """Return `html` without what is not allowed."""
        return self._cleaner.clean(html)


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, None if it is not to be."""
    if attribute == "href":
        return value if is_address(value) else None
    if attribute == "src":
        return value if _PICTURE.match(value) else None
    if tag == "code":
        prefix, _, language = value.partition("-")
        return value if prefix == "language" and is_language(language) else None
    if attribute == "start":
        return value if value.isascii() and value.isdigit() else None
    return value
