"""JSON schemas of request bodies, from the contract's field rules."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.decoding import INT64_MAX, INT64_MIN
from plaza.options.v1 import options_pb2
from plaza_kit.fields import is_sensitive, rules_of

Schema = dict[str, Any]

_IN_URL = r"""[^\s"<>\\^`{|}\u0000-\u0020\u007f-\u00a0\ufeff]"""
_URL = rf"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{{1,4}})?([/?#]{_IN_URL}*)?"
_PATH = rf"/({_IN_URL.replace('[^', '[^/')}{_IN_URL}*)?"
_FORMATS: dict[int, Schema] = {
    options_pb2.FORMAT_UNSPECIFIED: {"pattern": r"^[^\u0000]*$"},
    options_pb2.FORMAT_DATE: {"format": "date"},
    options_pb2.FORMAT_URL: {"pattern": f"^{_URL}$"},
    options_pb2.FORMAT_EMAIL: {"format": "email"},
    options_pb2.FORMAT_URL_OR_PATH: {"pattern": f"^({_URL}|{_PATH})$"},
    options_pb2.FORMAT_UUID: {"format": "uuid"},
}
_DECIMAL_FORMS = {0: "(0|[1-9]{digits})", 1: "[1-9]{digits}"}
"""Integers as text, by the least value; by default with a sign."""
ID_SCHEMA: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
        {"type": "string", "pattern": "^[1-9][0-9]{0,14}$"},
    ],
    "examples": [7],
}


def message_schema(message: type[Message], patterns: Mapping[str, str], *, is_partial: bool = False) -> Schema:
    """Return the schema of the object that a message is decoded from.

    Args:
        message: Its fields with rules are the members.
        patterns: Regular expressions by field, where the domain has more rules than the contract.
        is_partial: No member is required.
    """
    properties: Schema = {}
    required: list[str] = []
    descriptor: Descriptor = message.DESCRIPTOR  # type: ignore[assignment]  # the stubs know two of the name
    for field in descriptor.fields:
        rules = rules_of(field)
        if rules is None:
            continue
        properties[field.name] = _field_schema(field, rules, patterns.get(field.name))
        if rules.required and not is_partial:
            required.append(field.name)
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def item_schema(message: type[Message] | None, id_name: str) -> Schema:
    """Return the schema of a request about a resume's item: create, update or delete (D9).

    Args:
        message: The kind's fields; None leaves only the forms that name an existing item.
        id_name: The id's name besides `id`.
    """
    named = {id_name: ID_SCHEMA}
    if message is None:
        return {"type": "object", "properties": named, "required": [id_name]}
    create = message_schema(message, {})
    fields: Schema = create["properties"]
    nothing: Schema = {"type": "null"}
    return {
        "anyOf": [
            _form("create", {"action": {"enum": ["create"]}, **fields}, ["action", *create["required"]]),
            _form(
                "create, without action",
                {"action": nothing, id_name: nothing, "id": nothing, **fields},
                create["required"],
            ),
            _form("update", {"action": {"enum": ["update", None]}, **named, "id": nothing, **fields}, [id_name]),
            _form("delete", {"action": {"enum": ["delete"]}, **named, "id": nothing}, ["action", id_name]),
        ]
    }


def _form(title: str, properties: Schema, required: Sequence[str]) -> Schema:
    return {"title": title, "type": "object", "properties": properties, "required": list(required)}


def _field_schema(field: FieldDescriptor, rules: options_pb2.FieldRules, pattern: str | None) -> Schema:
    if field.is_repeated:
        item = _any_of(_forms(field, rules, pattern))
        array: Schema = {"type": "array", "items": item, **({"minItems": 1} if rules.required else {})}
        if rules.max_items:
            array["maxItems"] = rules.max_items
        return _with_example(array, rules)
    forms = _forms(field, rules, pattern)
    if rules.null == options_pb2.NULL_MEANING_VALUE or (
        rules.null == options_pb2.NULL_MEANING_ABSENT and not rules.required
    ):
        forms.append({"type": "null"})
    return _with_example(_any_of(forms), rules)


def _any_of(forms: list[Schema]) -> Schema:
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _with_example(schema: Schema, rules: options_pb2.FieldRules) -> Schema:
    if rules.example:
        schema["examples"] = [json.loads(rules.example)]
    return schema


def _forms(field: FieldDescriptor, rules: options_pb2.FieldRules, pattern: str | None) -> list[Schema]:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return [{"type": "boolean"}, {"enum": [0, 1]}]
    if field.type == FieldDescriptor.TYPE_INT64:
        return _integer_forms(rules)
    if rules.one_of:
        return [{"enum": list(rules.one_of)}]
    text: Schema = {"type": "string", **({"pattern": pattern} if pattern else _FORMATS[rules.format])}
    if rules.min_length:
        text["minLength"] = rules.min_length
    if rules.max_length:
        text["maxLength"] = rules.max_length
    if is_sensitive(field):
        text["writeOnly"] = True
    forms = [text]
    has_format = rules.format != options_pb2.FORMAT_UNSPECIFIED
    if (has_format and not rules.min_length and rules.format != options_pb2.FORMAT_DATE) or rules.empty_is_null:
        forms.append({"const": ""})
    return forms


def _integer_forms(rules: options_pb2.FieldRules) -> list[Schema]:
    number: Schema = {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX}
    if rules.HasField("minimum"):
        number["minimum"] = rules.minimum
    if rules.HasField("maximum"):
        number["maximum"] = rules.maximum
    if number["maximum"] - number["minimum"] < 1000:
        decimal: Schema = {"enum": [str(value) for value in range(rules.minimum, rules.maximum + 1)]}
    else:
        form = _DECIMAL_FORMS.get(number["minimum"], "(0|-?[1-9]{digits})")
        digits = f"[0-9]{{0,{len(str(number['maximum'])) - 2}}}"  # one fewer than the greatest value has
        decimal = {"type": "string", "pattern": f"^{form.format(digits=digits)}$"}
    return [number, decimal, *([{"const": ""}] if rules.empty_is_null else [])]
