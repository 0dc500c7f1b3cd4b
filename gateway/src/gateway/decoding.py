"""From a JSON object to a request message, led by the contract.

Only fields with rules are read; other members are ignored. What a typed field cannot hold (a number where a text
belongs) is reported as a violation for the service to answer with, in its own order of checks. Nothing here judges a
value: lengths, ranges and formats are the domain's business.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from plaza.options.v1 import options_pb2
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import Violation
from plaza_kit.fields import rules_of

MessageT = TypeVar("MessageT", bound=Message)

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,99})", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Decoded(NamedTuple):
    """What a body held.

    Attributes:
        present: Names of the fields that were given a value or null, in the contract's order.
        violations: What a field could not hold, in the contract's order.
    """

    present: list[str]
    violations: list[Violation]

    def wire(self) -> list[FieldViolation]:
        """Return the violations in the form that requests carry."""
        return [FieldViolation(field=item.field, code=item.code, limit=item.limit) for item in self.violations]


class Field(NamedTuple):
    """How one field is read."""

    name: str
    convert: Callable[[Any], Any]
    null: int
    empty_is_null: bool
    is_repeated: bool


class Unfit(Exception):
    """A value that the field cannot hold.

    Args:
        code: The violation's code.
        index: Of the item that does not fit; None if it is the value itself.
    """

    def __init__(self, code: str, index: int | None = None) -> None:
        super().__init__(code)
        self.index = index


def text(value: Any) -> str:
    """Return a text that every store can hold.

    Raises:
        Unfit: WRONG_TYPE, or BAD_FORMAT for NUL and lone surrogates.
    """
    if not isinstance(value, str):
        raise Unfit("WRONG_TYPE")
    if not value.isascii() and _SURROGATE.search(value):
        raise Unfit("BAD_FORMAT")
    if "\x00" in value:
        raise Unfit("BAD_FORMAT")
    return value


def integer(value: Any) -> int:
    """Return a 64-bit integer given as a number or as a decimal string.

    Raises:
        Unfit: WRONG_TYPE (booleans and floats are no integers), or OUT_OF_RANGE.
    """
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit("WRONG_TYPE")
    if not INT64_MIN <= value <= INT64_MAX:
        raise Unfit("OUT_OF_RANGE")
    return value


def boolean(value: Any) -> bool:
    """Return a boolean given as one, or as 0 or 1.

    Raises:
        Unfit: WRONG_TYPE.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    raise Unfit("WRONG_TYPE")


def items(convert: Callable[[Any], Any], value: Any) -> list[Any]:
    """Return the items of an array, each converted.

    Raises:
        Unfit: WRONG_TYPE, or what is wrong with the first broken item.
    """
    if not isinstance(value, list):
        raise Unfit("WRONG_TYPE")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(convert(item))
        except Unfit as unfit:
            raise Unfit(str(unfit), index) from None
    return found


_CONVERTERS: dict[int, Callable[[Any], Any]] = {
    FieldDescriptor.TYPE_STRING: text,
    FieldDescriptor.TYPE_INT64: integer,
    FieldDescriptor.TYPE_BOOL: boolean,
}


@lru_cache(maxsize=512)  # keyed by message types: as many entries as there are contracts
def fields_of(descriptor: Descriptor) -> tuple[Field, ...]:
    """Return how the ruled fields of a message are read.

    Raises:
        KeyError: A ruled field has a type that no JSON value is read into.
    """
    pairs = ((field, rules_of(field)) for field in descriptor.fields)
    return tuple(
        Field(
            field.name,
            partial(items, _CONVERTERS[field.type]) if field.is_repeated else _CONVERTERS[field.type],
            rules.null,
            rules.empty_is_null,
            field.is_repeated,
        )
        for field, rules in pairs
        if rules is not None
    )


def decode(body: Mapping[str, Any], message: MessageT) -> tuple[MessageT, Decoded]:
    """Fill `message` from `body` and return it, with what was present and what did not fit.

    Args:
        body: The parsed object.
        message: A new message; its fields with rules are set.
    """
    present: list[str] = []
    violations: list[Violation] = []
    for name, convert, null, empty_is_null, is_repeated in fields_of(message.DESCRIPTOR):
        if name not in body:
            continue
        value = body[name]
        if value is None or (empty_is_null and value == ""):
            if value is not None or null == options_pb2.NULL_MEANING_VALUE:
                present.append(name)
            elif null != options_pb2.NULL_MEANING_ABSENT:
                violations.append(Violation(name, "WRONG_TYPE"))
            continue
        try:
            if is_repeated:
                getattr(message, name).extend(convert(value))
            else:
                setattr(message, name, convert(value))
        except Unfit as unfit:
            violations.append(Violation(name if unfit.index is None else f"{name}.{unfit.index}", str(unfit)))
        else:
            present.append(name)
    return message, Decoded(present, violations)
