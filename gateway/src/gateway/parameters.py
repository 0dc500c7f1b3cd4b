"""What stands in paths and queries: how it is read, and how it is documented.

Numbers are cut to what a service's field holds, for one beyond that is an object or a page that does not exist; what is
no number at all is refused.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from gateway import decoding
from gateway.call import Call
from gateway.decoding import INT64_MAX, INT64_MIN, Unfit
from gateway.jsonschema import Schema
from gateway.problems import Problem
from gateway.routing import Query
from plaza_kit.errors import Violation

ValueT = TypeVar("ValueT")

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
TEXT: Schema = {"type": "string", "pattern": r"^[^\u0000]*$"}
FLAG: Schema = {"enum": ["true", "false"]}
ID: Schema = {"type": "integer", "minimum": 1}
PAGE_TOKEN = Query("page_token", TEXT, "`next_page_token` of the page before.")

_INTEGER = re.compile("-?[0-9]+", re.ASCII)
_MOST_DIGITS = 20
"""Any number with more digits is beyond all limits; Python reads only so many."""


def page_size_of(things: str, *, default: int, maximum: int) -> Query:
    """Return the documentation of `page_size`.

    Args:
        things: What the pages are made of, with a capital.
        default: How many there are if the client does not say.
        maximum: More are cut to this.
    """
    return Query("page_size", {"type": "integer", "minimum": 0}, f"{things} wanted, at most {maximum}; 0 is {default}.")


def paging(things: str, *, default: int, maximum: int) -> tuple[Query, Query]:
    """Return the documentation of `page_size` and `page_token`; see `page_size_of`."""
    return page_size_of(things, default=default, maximum=maximum), PAGE_TOKEN


def path_id(call: Call, name: str = "id") -> int:
    """Return a number in the path; one too large for any object is cut to the largest, which none has."""
    return _clamped(call.params[name], 0, INT64_MAX)


def page_size(call: Call) -> int:
    """Return the page size in the query; 0 if there is none.

    Raises:
        Problem: INVALID_REQUEST: it is no integer.
    """
    return integer(call, "page_size", least=INT32_MIN, most=INT32_MAX)


def identifier(call: Call, name: str) -> int:
    """Return an id in the query; 0 if there is none.

    Raises:
        Problem: INVALID_REQUEST: it is no integer, or one that no object has.
    """
    found = integer(call, name)
    if found < 1 and name in call.query:
        raise _refused(name, "OUT_OF_RANGE", 1)
    return found


def integer(call: Call, name: str, default: int = 0, *, least: int = INT64_MIN, most: int = INT64_MAX) -> int:
    """Return an integer in the query.

    Args:
        call: The request.
        name: Of the parameter.
        default: If there is none.
        least: Less is cut to this.
        most: More is cut to this.

    Raises:
        Problem: INVALID_REQUEST: it is no integer.
    """
    given = call.query.get(name)
    if given is None:
        return default
    if not _INTEGER.fullmatch(given):
        raise _refused(name, "WRONG_TYPE")
    return _clamped(given, least, most)


def text(call: Call, name: str) -> str:
    """Return a text in the query; empty if there is none.

    Raises:
        Problem: INVALID_REQUEST: no store can hold it.
    """
    try:
        return decoding.text(call.query.get(name, ""))
    except Unfit as unfit:
        raise _refused(name, str(unfit)) from None


def flag(call: Call, name: str) -> bool:
    """Return a boolean in the query, `true` or `false`; false if there is none.

    Raises:
        Problem: INVALID_REQUEST: it is something else.
    """
    given = call.query.get(name, "false")
    if given not in ("true", "false"):
        raise _refused(name, "WRONG_TYPE")
    return given == "true"


def choice(call: Call, name: str, values: Mapping[str, ValueT], default: ValueT) -> ValueT:
    """Return what one of a few words in the query stands for.

    Args:
        call: The request.
        name: Of the parameter.
        values: What each word stands for.
        default: If there is none.

    Raises:
        Problem: INVALID_REQUEST: it is another word.
    """
    given = call.query.get(name)
    if given is None:
        return default
    if given not in values:
        raise _refused(name, "NOT_ALLOWED")
    return values[given]


def _clamped(number: str, least: int, most: int) -> int:
    digits = number.lstrip("-0") or "0"
    is_negative = number.startswith("-")
    if len(digits) > _MOST_DIGITS:
        return least if is_negative else most
    return max(least, min(-int(digits) if is_negative else int(digits), most))


def _refused(name: str, code: str, limit: int = 0) -> Problem:
    return Problem("INVALID_REQUEST", violations=[Violation(name, code, limit)])
