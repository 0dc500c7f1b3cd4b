"""What fake services share: their state, what they saw, and how they refuse what is broken."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway_support.issuing import Issuer
from plaza.auth.v1 import token_pb2
from plaza_kit.caller import Caller, current_caller
from plaza_kit.errors import InvalidArgument, PlazaError, Violation
from plaza_kit.fields import check, missing, violations_of

ResponseT = TypeVar("ResponseT")
USER_ID = 1
# As narrow as schemathesis reads `\\p{L}` and `\\p{N}`: the real service takes letters and digits of any script.
USERNAME = re.compile(r"[a-zA-Z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F0-9_@+.\-]+")
SESSION_ID = "01980c2e-7d3c-7f0b-8e1f-5a6b7c8d9e0f"


def reason(base: type[PlazaError], name: str) -> type[PlazaError]:
    """Return an error class with a reason of its own."""
    return type(name, (base,), {"reason": name})


def moment() -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime(2025, 7, 12, 13, 10, 33, 123456, UTC))
    return timestamp


class State:
    """The state of all fake services, and what they saw.

    Attributes:
        callers: The caller of each call, oldest first.
        requests: The requests, oldest first.
        fail: Called with the method's name before each answer; may raise.
        has_resume: The user has one.
        answers: By method, what the fake forum answers instead of its usual answer.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.keys: list[token_pb2.Jwk] = [issuer.jwk()]
        self.revocations: list[token_pb2.Revocation] = []
        self.has_resume = True
        self.answers: dict[str, Message] = {}
        self.callers: list[Caller] = []
        self.requests: list[tuple[str, Message]] = []
        self.fail: Callable[[str], None] = lambda _: None
        self.delay: Callable[[str], Any] | None = None

    async def answer(self, name: str, request: Message, response: ResponseT) -> ResponseT:
        """Note a call and answer it, later or not at all if a test says so."""
        self.callers.append(current_caller())
        self.requests.append((name, request))
        if self.delay is not None:
            await self.delay(name)
        self.fail(name)
        return response

    def last(self, name: str) -> Any:
        """Return the last request of a method."""
        return next(request for method, request in reversed(self.requests) if method == name)

    def last_caller(self) -> Caller:
        return self.callers[-1]

    def count(self, name: str) -> int:
        return sum(1 for method, _ in self.requests if method == name)


def must_be_valid(request: Any, fields: Message, *, required: bool = True, absent: str = "INVALID_REQUEST") -> None:
    """Refuse broken fields as a service would."""
    found = [*violations_of(request), *check(fields)]
    found += [Violation(name, "BAD_FORMAT") for name in ("start_date", "graduation_date") if _is_blank(fields, name)]
    gone = missing(fields, found) if required else []
    if gone:
        raise reason(InvalidArgument, absent)(violations=gone)
    if found:
        raise InvalidArgument(violations=found)


def _is_blank(fields: Message, name: str) -> bool:
    return name in fields.DESCRIPTOR.fields_by_name and fields.HasField(name) and getattr(fields, name) == ""


class Fake:
    def __init__(self, state: State) -> None:
        self.state = state
