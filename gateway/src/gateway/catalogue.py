"""The message catalogue: every code and every text, from `messages.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from gateway.language import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
Texts = Mapping[str, str]


class _Parts(dict[str, str]):
    """The dynamic parts of a text; a part that nobody gave is left out instead of failing an answer."""

    def __missing__(self, key: str) -> str:
        return ""


def fill(text: str, metadata: Mapping[str, str]) -> str:
    """Return `text` with its `{name}` parts taken from `metadata`."""
    return text.format_map(_Parts(metadata)) if "{" in text else text


@dataclass(frozen=True, slots=True)
class Code:
    """An error that clients can tell apart by `name`; it always has this one status."""

    name: str
    status: int
    title: Texts
    texts: Texts
    route_texts: Mapping[str, Texts] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The `type` of the problem document, a reference relative to the server."""
        return "/problems/" + self.name.lower().replace("_", "-")

    def text(self, language: Language, route: str, metadata: Mapping[str, str]) -> str:
        """Return what to tell a person.

        Args:
            language: In which language.
            route: Method and path of the route, `GET /posts/{id}`; a path, or its beginning, may have a wording of its
                own, for all methods or for one.
            metadata: The dynamic parts.
        """
        path = route.partition(" ")[2]
        for prefix, texts in self.route_texts.items():
            if language in texts and (path.startswith(prefix) or route.startswith(prefix)):
                return fill(texts[language], metadata)
        return fill(self.texts[language], metadata)


class Catalogue:
    """All codes, violations and success messages.

    Args:
        document: The parsed `messages.toml`.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.codes: Mapping[str, Code] = {
            name: Code(name, entry["status"], entry["title"], entry["text"], entry.get("routes", {}))
            for name, entry in document["codes"].items()
        }
        self.violations: Mapping[str, Texts] = document["violations"]
        self.messages: Mapping[str, Texts] = document["messages"]

    def violation(self, code: str, limit: int, language: Language) -> str:
        """Return the text for one broken field; a code that is not known gets the most general text."""
        texts = self.violations.get(code) or self.violations["BAD_FORMAT"]
        if limit and f"limit_{language}" in texts:
            return texts[f"limit_{language}"].replace("{limit}", str(limit))
        return texts[language]


def load_catalogue() -> Catalogue:
    """Return the catalogue that lies beside this module."""
    return Catalogue(tomllib.loads(resources.files("gateway").joinpath("messages.toml").read_text(encoding="utf-8")))
