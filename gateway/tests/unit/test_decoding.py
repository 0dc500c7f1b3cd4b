from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.body import parse_object
from gateway.decoding import decode, fields_of
from gateway.problems import Problem
from plaza.auth.v1 import auth_service_pb2, resume_pb2
from plaza.forum.v1 import moderation_service_pb2, post_service_pb2, reply_service_pb2
from plaza_kit.errors import Violation


def work(body: dict[str, Any]) -> tuple[resume_pb2.WorkExperience, list[str], list[Violation]]:
    message, decoded = decode(body, resume_pb2.WorkExperience())
    return message, decoded.present, decoded.violations


def test_present_fields_are_named_in_the_contracts_order() -> None:
    message, present, violations = work({"company_name": "X", "other": 1, "start_date": "2023-01-01"})
    assert present == ["start_date", "company_name"]
    assert (message.start_date, message.company_name, violations) == ("2023-01-01", "X", [])


def test_null_is_a_value_where_the_contract_says_so() -> None:
    message, present, violations = work({"department": None, "company_name": None})
    assert present == ["department"]
    assert not message.HasField("department")
    assert violations == [Violation("company_name", "WRONG_TYPE")]


def test_null_is_absent_where_the_contract_says_so() -> None:
    request, decoded = decode({"username": None}, auth_service_pb2.RegisterRequest())
    assert not request.HasField("username")
    assert (decoded.present, decoded.violations) == ([], [])


def test_empty_is_null_where_the_contract_says_so() -> None:
    message, present, _ = work({"end_date": "", "company_name": ""})
    assert present == ["end_date", "company_name"]
    assert not message.HasField("end_date")
    assert message.HasField("company_name")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(26, 26), ("26", 26), ("0", 0), ("-7", -7), (2**63 - 1, 2**63 - 1), (str(-(2**63)), -(2**63))],
)
def test_integers_are_numbers_or_decimal_texts(value: Any, expected: int) -> None:
    message, decoded = decode({"age": value}, resume_pb2.ResumeFields())
    assert (message.age, decoded.violations) == (expected, [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (True, "WRONG_TYPE"), (26.0, "WRONG_TYPE"), ("26.0", "WRONG_TYPE"), ("", "WRONG_TYPE"), (" 26", "WRONG_TYPE"),
        ("+26", "WRONG_TYPE"), ("026", "WRONG_TYPE"), ("\u0662", "WRONG_TYPE"), ([26], "WRONG_TYPE"),
        (2**63, "OUT_OF_RANGE"), ("9" * 100, "OUT_OF_RANGE"), ("9" * 101, "WRONG_TYPE"),
    ],
)  # fmt: skip
def test_what_is_no_integer(value: Any, code: str) -> None:
    _, decoded = decode({"age": value}, resume_pb2.ResumeFields())
    assert decoded.violations == [Violation("age", code)]
    assert decoded.present == []


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (1, True), (0, False)])
def test_booleans_are_booleans_or_0_and_1(value: Any, expected: bool) -> None:
    message, _, violations = work({"is_internship": value})
    assert (message.is_internship, violations) == (expected, [])


@pytest.mark.parametrize("value", [2, "true", "1", 1.0, []])
def test_what_is_no_boolean(value: Any) -> None:
    assert work({"is_internship": value})[2] == [Violation("is_internship", "WRONG_TYPE")]


@pytest.mark.parametrize("value", ["a\x00", "\ud800", "\udfff-\u4e2d"])
def test_texts_that_no_store_can_hold(value: str) -> None:
    assert work({"company_name": value})[2] == [Violation("company_name", "BAD_FORMAT")]


def test_arrays_are_read_item_by_item() -> None:
    post, decoded = decode({"tags": ["garden", "", "城市"]}, post_service_pb2.CreatePostRequest())
    assert (list(post.tags), decoded.present, decoded.violations) == (["garden", "", "城市"], ["tags"], [])
    merge, _ = decode({"reply_ids": [7, "8"]}, moderation_service_pb2.MergeRepliesRequest())
    assert list(merge.reply_ids) == [7, 8]


def test_an_empty_array_is_present() -> None:
    _, decoded = decode({"tags": []}, post_service_pb2.UpdatePostRequest())
    assert decoded.present == ["tags"]


@pytest.mark.parametrize(
    ("value", "field", "code"),
    [
        ("garden", "tags", "WRONG_TYPE"), ({"0": "a"}, "tags", "WRONG_TYPE"), (None, "tags", "WRONG_TYPE"),
        (["a", 1], "tags.1", "WRONG_TYPE"), ([None], "tags.0", "WRONG_TYPE"), ([["a"]], "tags.0", "WRONG_TYPE"),
        (["a", "b", "\x00", 1], "tags.2", "BAD_FORMAT"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_texts(value: Any, field: str, code: str) -> None:
    post, decoded = decode({"tags": value}, post_service_pb2.CreatePostRequest())
    assert decoded.violations == [Violation(field, code)]
    assert (list(post.tags), decoded.present) == ([], [])


@pytest.mark.parametrize("value", [None, 0, "0", ""])
def test_an_optional_id_may_be_nothing_at_all(value: Any) -> None:
    reply, decoded = decode({"parent_reply_id": value}, reply_service_pb2.CreateReplyRequest())
    assert (reply.parent_reply_id, decoded.violations) == (0, [])


def test_fields_without_rules_are_not_read() -> None:
    names = [field.name for field in fields_of(auth_service_pb2.RegisterRequest.DESCRIPTOR)]
    assert names == ["username", "password"]


def test_violations_travel_in_the_requests_form() -> None:
    _, decoded = decode({"age": []}, resume_pb2.ResumeFields())
    assert [(item.field, item.code) for item in decoded.wire()] == [("age", "WRONG_TYPE")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=10,
)
names = st.sampled_from([field.name for field in resume_pb2.WorkExperience.DESCRIPTOR.fields])


@given(st.dictionaries(names, json_values))
def test_every_member_is_present_or_reported_or_absent(body: dict[str, Any]) -> None:
    message, present, violations = work(body)
    assert not set(present) & {violation.field for violation in violations}
    assert set(present) | {violation.field for violation in violations} <= set(body)
    message.SerializeToString()


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_an_object_or_invalid_json(body: bytes) -> None:
    try:
        outcome: object = parse_object(body)
    except Problem as problem:
        outcome = problem.code
    assert isinstance(outcome, dict) or outcome == "INVALID_JSON"


def test_deep_bodies_do_not_exhaust_the_stack() -> None:
    for body in (b"[" * 1_000_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        with pytest.raises(Problem, match="INVALID_JSON"):
            parse_object(body)
