"""The tests against the contract: every method is guarded, every documented reason is shown by a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from plaza.auth.v1 import (
    account_service_pb2,
    auth_service_pb2,
    profile_service_pb2,
    resume_service_pb2,
    session_service_pb2,
    user_service_pb2,
)
from plaza.options.v1 import options_pb2
from plaza_kit.caller import Caller

PROTOS = Path(__file__).parents[4] / "protos" / "plaza" / "auth" / "v1"
MODULES = (
    account_service_pb2,
    auth_service_pb2,
    profile_service_pb2,
    resume_service_pb2,
    session_service_pb2,
    user_service_pb2,
)
METHODS: list[MethodDescriptor] = [
    method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]

NOBODY = Caller(request_id="test-request")
USER = Caller(user_id=1, username="x", roles=frozenset({"user"}), session_id="s", request_id="test-request")
MODERATOR = Caller(user_id=1, username="x", roles=frozenset({"moderator"}), session_id="s", request_id="test-request")


def refusals() -> Iterator[tuple[str, Caller, str]]:
    """Yield what each level of method must refuse."""
    for method in METHODS:
        level = method.GetOptions().Extensions[options_pb2.auth_level]
        if level in (
            options_pb2.AUTH_LEVEL_USER,
            options_pb2.AUTH_LEVEL_MODERATOR,
            options_pb2.AUTH_LEVEL_ADMIN,
        ):
            yield method.name, NOBODY, "TOKEN_MISSING"
        if level in (options_pb2.AUTH_LEVEL_MODERATOR, options_pb2.AUTH_LEVEL_ADMIN, options_pb2.AUTH_LEVEL_SERVICE):
            yield method.name, USER, "PERMISSION_DENIED"
        if level == options_pb2.AUTH_LEVEL_ADMIN:
            yield method.name, MODERATOR, "PERMISSION_DENIED"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "caller", "reason"), list(refusals()))
async def test_a_method_refuses_who_may_not_call_it(auth: Any, method: str, caller: Caller, reason: str) -> None:
    [descriptor] = [found for found in METHODS if found.name == method]

    await auth.refused(method, GetMessageClass(descriptor.input_type)(), reason, caller)


def documented_reasons() -> set[tuple[str, str]]:
    """Return (method, reason) as the comments of the contract name them."""
    found = set()
    for path in PROTOS.glob("*_service.proto"):
        for comment, method in re.findall(
            r"((?:^  //.*\n)+)^  rpc (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            _, _, reasons = comment.partition("Reasons:")
            found |= {(method, reason) for reason in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", reasons)}
    return found


def shown_reasons() -> set[tuple[str, str]]:
    """Return (method, reason) of every `auth.refused("Method", ..., "REASON")` in the tests."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "refused":
                method, _, reason = node.args[:3]
                if isinstance(method, ast.Constant) and isinstance(reason, ast.Constant):
                    found.add((str(method.value), str(reason.value)))
    return found


def test_every_documented_reason_is_shown_by_a_test() -> None:
    documented = documented_reasons()
    assert len(documented) > 60

    assert documented - shown_reasons() == set()


def test_every_method_is_called_by_a_test() -> None:
    called = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        called |= set(re.findall(r"auth\.call\(\s*\"(\w+)\"", path.read_text(encoding="utf-8")))

    assert {method.name for method in METHODS} - called - {"Register", "Login"} == set()
