"""From the fields of a request to the values of a row, by the rules that stand in the contract."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from google.protobuf.message import Message

from plaza.options.v1 import options_pb2
from plaza_kit.errors import InvalidArgument, Violation
from plaza_kit.fields import check, missing, rules_of, violations_of


def refuse_broken(request: Message) -> None:
    """Let a request pass whose own fields keep to their rules, all required ones among them.

    Raises:
        InvalidArgument: With every violation, the ones found while decoding included (INVALID_REQUEST).
    """
    reported = violations_of(request)
    refuse(in_order(request, [*reported, *check(request), *missing(request, reported)]))


def refuse(violations: Sequence[Violation]) -> None:
    """Let pass if there are no violations.

    Raises:
        InvalidArgument: There are (INVALID_REQUEST).
    """
    if violations:
        raise InvalidArgument("broken fields", violations=violations)


def in_order(message: Message, violations: Iterable[Violation]) -> list[Violation]:
    """Return the first violation of each field, in the order of the fields of `message`, unknown names last."""
    first: dict[str, Violation] = {}
    for violation in violations:
        first.setdefault(_field_of(violation), violation)
    positions = {name: index for index, name in enumerate(message.DESCRIPTOR.fields_by_name)}
    return sorted(first.values(), key=lambda violation: positions.get(_field_of(violation), len(positions)))


def set_values(message: Message, reported: Sequence[Violation]) -> dict[str, Any]:
    """Return the values of the fields that are set.

    Returns:
        By field name: dates as `date`, an empty text that means null as None.

    Raises:
        InvalidArgument: A field is broken or was reported so (INVALID_REQUEST).
    """
    names = [field.name for field, _ in message.ListFields()]
    return masked_values(message, names, reported)


def masked_values(message: Message, paths: Iterable[str], reported: Sequence[Violation]) -> dict[str, Any]:
    """Return the values of the fields that a mask names; a named field without a value is null.

    Args:
        message: The fields.
        paths: Names of fields; the others are not looked at.
        reported: Violations found while decoding.

    Returns:
        As `set_values`.

    Raises:
        InvalidArgument: A path is no field, a field is broken or was reported so, or cannot be null
            (INVALID_REQUEST).
    """
    wanted = dict.fromkeys(paths)
    violations = [*reported, *(found for found in check(message) if _field_of(found) in wanted)]
    known = {_field_of(violation) for violation in violations}
    values: dict[str, Any] = {}
    for path in wanted:
        field: Any = message.DESCRIPTOR.fields_by_name.get(path)
        if path in known:
            continue
        if field is None:
            violations.append(Violation(path, "NOT_ALLOWED"))
            continue
        code, values[path] = _value(message, path, rules_of(field) or options_pb2.FieldRules())
        if code:
            violations.append(Violation(path, code))
    refuse(in_order(message, violations))
    return values


def _field_of(violation: Violation) -> str:
    """Return the name of the field itself: `tags` for `tags.2`."""
    return violation.field.partition(".")[0]


def _value(message: Message, name: str, rules: options_pb2.FieldRules) -> tuple[str, Any]:
    """Return the code of what is wrong, empty if nothing, and the value."""
    field: Any = message.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        return "", list(getattr(message, name))
    if not message.HasField(name):
        return ("" if rules.null == options_pb2.NULL_MEANING_VALUE else "WRONG_TYPE"), None
    value = getattr(message, name)
    if value == "" and rules.empty_is_null:
        return "", None
    if rules.format == options_pb2.FORMAT_DATE:
        try:
            return "", date.fromisoformat(value)
        except ValueError:
            return "BAD_FORMAT", None
    return "", value
