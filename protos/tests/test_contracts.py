"""Rules that hold for every contract: each method has a policy, secrets are marked, examples are true."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from plaza.options.v1 import options_pb2

GEN = Path(__file__).resolve().parent.parent / "gen"
SECRET = re.compile(r"password|secret|(^|_)token$|totp_code|recovery_codes$|otpauth")
NOT_SECRET = {"page_token", "next_page_token"}


def modules() -> list[str]:
    return sorted(str(path.relative_to(GEN).with_suffix("")).replace("/", ".") for path in GEN.rglob("*_pb2.py"))


def files() -> Iterator[FileDescriptor]:
    for name in modules():
        yield importlib.import_module(name).DESCRIPTOR


def methods() -> list[MethodDescriptor]:
    return [method for file in files() for service in file.services_by_name.values() for method in service.methods]


def messages(within: Descriptor | None = None) -> Iterator[Descriptor]:
    if within is None:
        for file in files():
            for message in file.message_types_by_name.values():
                yield message
                yield from messages(message)
    else:
        for message in within.nested_types:
            yield message
            yield from messages(message)


def fields() -> list[FieldDescriptor]:
    return [field for message in messages() for field in message.fields]


def test_every_generated_module_imports() -> None:
    assert len(list(files())) == len(modules()) > 10


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_every_method_says_who_may_call_it(method: MethodDescriptor) -> None:
    assert method.GetOptions().Extensions[options_pb2.auth_level] != options_pb2.AUTH_LEVEL_UNSPECIFIED


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_reading_methods_may_be_retried(method: MethodDescriptor) -> None:
    is_reading = method.name.startswith(("Get", "List", "BatchGet"))
    assert not is_reading or method.GetOptions().Extensions[options_pb2.idempotent]


def test_secrets_are_marked() -> None:
    unmarked = [
        field.full_name
        for field in fields()
        if SECRET.search(field.name)
        and field.name not in NOT_SECRET
        and field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
        and not field.GetOptions().Extensions[options_pb2.sensitive]
    ]
    assert unmarked == []


def test_examples_are_json() -> None:
    for field in fields():
        rules = field.GetOptions().Extensions[options_pb2.rules]
        if rules.example:
            json.loads(rules.example)


def test_ruled_fields_know_whether_they_are_set() -> None:
    without = [
        field.full_name
        for field in fields()
        if field.GetOptions().HasExtension(options_pb2.rules) and not (field.has_presence or field.is_repeated)
    ]
    assert without == []
