"""Which of the two languages a client wants."""

from functools import lru_cache
from typing import Literal

Language = Literal["zh", "en"]

_LONGEST_REMEMBERED = 256
"""Longer headers are parsed each time: the memory of parsed headers must stay small whatever is sent."""


def negotiate(accept_language: str, default: Language) -> Language:
    """Return the language to answer in.

    Args:
        accept_language: The header's value; empty if there was none.
        default: The route's own language: taken for equal weights, neither language, and `*` alone.
    """
    if not accept_language:
        return default
    if len(accept_language) > _LONGEST_REMEMBERED:
        return _parse(accept_language) or default
    return _parse_remembered(accept_language) or default


def _parse(accept_language: str) -> Language | None:
    weights = {"zh": 0.0, "en": 0.0}
    for item in accept_language.split(","):
        tag, _, parameters = item.partition(";")
        primary = tag.strip().partition("-")[0].lower()
        if primary in weights:
            weights[primary] = max(weights[primary], _weight(parameters))
    if weights["zh"] == weights["en"]:
        return None
    return "zh" if weights["zh"] > weights["en"] else "en"


_parse_remembered = lru_cache(maxsize=512)(_parse)


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
