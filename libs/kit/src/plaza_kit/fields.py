"""Field rules that stand in the contract (`plaza.options.v1.rules`), enforced.

The domain calls `check` and `missing`; the edge reads the same rules for its documentation. Lengths are code points.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from plaza.options.v1 import options_pb2
from plaza_kit.errors import Violation

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@(?:[^@\s.\x00-\x1f\x7f]+\.)+[^@\s.\x00-\x1f\x7f]{2,}")
_FORBIDDEN_IN_URL = re.compile(r"[\s\x00-\x1f\x7f<>\"\\^`{|}]")


def rules_of(field: FieldDescriptor) -> options_pb2.FieldRules | None:
    """Return the rules of a field, or None if it has none."""
    options = field.GetOptions()
    return options.Extensions[options_pb2.rules] if options.HasExtension(options_pb2.rules) else None


def is_sensitive(field: FieldDescriptor) -> bool:
    """Return whether the field's content may never be shown."""
    return bool(field.GetOptions().Extensions[options_pb2.sensitive])


@lru_cache(maxsize=512)  # keyed by message types: as many entries as there are contracts
def _ruled_fields(descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, options_pb2.FieldRules], ...]:
    pairs = ((field, rules_of(field)) for field in descriptor.fields)
    return tuple((field, rules) for field, rules in pairs if rules is not None)


def check(message: Message) -> list[Violation]:
    """Return what is wrong with the fields that are set, in the order of the contract.

    Codes: BLANK, TOO_SHORT, TOO_LONG, OUT_OF_RANGE, BAD_FORMAT, NOT_ALLOWED (not one of the allowed texts). A text with
    NUL is BAD_FORMAT. An empty text has no format. The items of a repeated field are checked one by one, up to the
    first broken one: `tags.2`; too many of them are OUT_OF_RANGE.
    """
    found = []
    for field, rules in _ruled_fields(message.DESCRIPTOR):
        if field.is_repeated:
            violation = _items_violation(field.name, getattr(message, field.name), rules)
        elif message.HasField(field.name):
            violation = _violation(field.name, getattr(message, field.name), rules)
        else:
            continue
        if violation:
            found.append(violation)
    return found


def missing(message: Message, reported: Iterable[Violation]) -> list[Violation]:
    """Return REQUIRED for each required field that is neither set nor already reported as broken.

    A repeated field is set when it has an item.
    """
    known = {violation.field.partition(".")[0] for violation in reported}
    return [
        Violation(field.name, "REQUIRED")
        for field, rules in _ruled_fields(message.DESCRIPTOR)
        if rules.required and field.name not in known and not _is_set(message, field)
    ]


def violations_of(message: Any) -> list[Violation]:
    """Return the violations that the caller found while decoding (`violations` of a request)."""
    return [Violation(item.field, item.code, item.limit) for item in message.violations]


def _is_set(message: Message, field: FieldDescriptor) -> bool:
    return bool(getattr(message, field.name)) if field.is_repeated else message.HasField(field.name)


def _items_violation(name: str, items: Sequence[Any], rules: options_pb2.FieldRules) -> Violation | None:
    if rules.max_items and len(items) > rules.max_items:
        return Violation(name, "OUT_OF_RANGE", rules.max_items)
    violations = (_violation(f"{name}.{index}", item, rules) for index, item in enumerate(items))
    return next((violation for violation in violations if violation), None)


def _violation(name: str, value: Any, rules: options_pb2.FieldRules) -> Violation | None:
    if isinstance(value, str):
        length = len(value)
        if rules.one_of and value not in rules.one_of:
            return Violation(name, "NOT_ALLOWED")
        if length < rules.min_length:
            return Violation(name, "BLANK" if not length else "TOO_SHORT", rules.min_length)
        if rules.max_length and length > rules.max_length:
            return Violation(name, "TOO_LONG", rules.max_length)
        is_well_formed = _FORMATS.get(rules.format)
        if "\x00" in value or (value and is_well_formed and not is_well_formed(value)):
            return Violation(name, "BAD_FORMAT")
    elif isinstance(value, int) and not isinstance(value, bool):
        if rules.HasField("minimum") and value < rules.minimum:
            return Violation(name, "OUT_OF_RANGE", rules.minimum)
        if rules.HasField("maximum") and value > rules.maximum:
            return Violation(name, "OUT_OF_RANGE", rules.maximum)
    return None


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    if _FORBIDDEN_IN_URL.search(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed on access; a bad one raises
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)


def _is_url_or_path(text: str) -> bool:
    if text.startswith("/"):
        return not text.startswith("//") and not _FORBIDDEN_IN_URL.search(text)
    return _is_url(text)


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and str(UUID(text)) == text.lower()
    except ValueError:
        return False


_FORMATS: dict[int, Callable[[str], bool]] = {
    options_pb2.FORMAT_DATE: _is_date,
    options_pb2.FORMAT_URL: _is_url,
    options_pb2.FORMAT_EMAIL: lambda text: bool(_EMAIL.fullmatch(text)),
    options_pb2.FORMAT_URL_OR_PATH: _is_url_or_path,
    options_pb2.FORMAT_UUID: _is_uuid,
}
