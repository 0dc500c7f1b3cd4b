"""From fields to values, by the rules of the contract."""

from datetime import date
from typing import Any

import pytest

from plaza.auth.v1 import account_service_pb2, resume_pb2
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import InvalidArgument, Violation
from plaza_kit.field_values import in_order, masked_values, refuse_broken, set_values


def broken(function: Any, *arguments: Any) -> list[Violation]:
    with pytest.raises(InvalidArgument) as caught:
        function(*arguments)
    return caught.value.violations


def test_set_values_are_typed() -> None:
    item = resume_pb2.ProjectExperience(start_date="2023-06-01", end_date="", project_name="", project_link="")

    assert set_values(item, []) == {
        "start_date": date(2023, 6, 1),
        "end_date": None,
        "project_name": "",
        "project_link": None,
    }


def test_only_named_fields_are_looked_at() -> None:
    item = resume_pb2.CustomSection(title="x" * 101, content="c")

    assert masked_values(item, ["content"], []) == {"content": "c"}
    assert masked_values(item, [], []) == {}
    assert broken(masked_values, item, ["title"], []) == [Violation("title", "TOO_LONG", 100)]


def test_null_is_a_value_where_the_contract_says_so() -> None:
    item = resume_pb2.WorkExperience()

    assert masked_values(item, ["department", "end_date"], []) == {"department": None, "end_date": None}
    assert broken(masked_values, item, ["company_name"], []) == [Violation("company_name", "WRONG_TYPE")]


def test_a_reported_field_is_reported_once_and_not_looked_at() -> None:
    reported = [Violation("company_name", "WRONG_TYPE")]

    assert broken(masked_values, resume_pb2.WorkExperience(), ["company_name"], reported) == reported


def test_violations_come_in_the_order_of_the_fields() -> None:
    found = [Violation("zzz", "NOT_ALLOWED"), Violation("content", "TOO_LONG", 1), Violation("title", "WRONG_TYPE")]

    assert [violation.field for violation in in_order(resume_pb2.CustomSection(), found)] == ["title", "content", "zzz"]


def test_the_first_violation_of_a_field_counts() -> None:
    request = account_service_pb2.ChangePasswordRequest(
        new_password="x" * 257, violations=[FieldViolation(field="new_password", code="WRONG_TYPE")]
    )

    assert broken(refuse_broken, request) == [
        Violation("current_password", "REQUIRED"),
        Violation("new_password", "WRONG_TYPE"),
    ]
