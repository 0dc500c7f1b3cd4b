import pytest

from plaza.auth.v1 import auth_service_pb2, profile_service_pb2, resume_pb2
from plaza_kit.errors import Violation
from plaza_kit.fields import check, missing


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"email": ""}, []),
        ({"email": "a@example.com"}, []),
        ({"email": "a@b"}, [Violation("email", "BAD_FORMAT")]),
        ({"email": "a b@example.com"}, [Violation("email", "BAD_FORMAT")]),
        ({"email": "a" * 64 + "@" + "b" * 190 + ".com"}, [Violation("email", "TOO_LONG", 254)]),
        ({"phone": "1" * 20}, []),
        ({"phone": "字" * 21}, [Violation("phone", "TOO_LONG", 20)]),
        ({"first_name": "a\x00b"}, [Violation("first_name", "BAD_FORMAT")]),
        ({"avatar": "/me.png"}, []),
        ({"avatar": "HTTPS://example.com/a.png"}, []),
        ({"avatar": "//example.com/a.png"}, [Violation("avatar", "BAD_FORMAT")]),
        ({"avatar": "javascript:alert(1)"}, [Violation("avatar", "BAD_FORMAT")]),
        ({"avatar": "http://"}, [Violation("avatar", "BAD_FORMAT")]),
        ({"avatar": "http://[::1/"}, [Violation("avatar", "BAD_FORMAT")]),
        ({"avatar": "http://example.com:99999/"}, [Violation("avatar", "BAD_FORMAT")]),
        ({"phone": "1" * 21, "email": "x"}, [Violation("email", "BAD_FORMAT"), Violation("phone", "TOO_LONG", 20)]),
    ],
)
def test_the_rules_of_the_contract_hold(fields: dict[str, str], expected: list[Violation]) -> None:
    assert check(profile_service_pb2.ProfileFields(**fields)) == expected


@pytest.mark.parametrize(
    ("date", "is_good"),
    [("2024-02-29", True), ("2023-02-29", False), ("2024-6-1", False), ("20240601", False), ("２０２４-01-01", False)],
)
def test_a_date_is_a_day_that_exists(date: str, is_good: bool) -> None:
    assert (check(resume_pb2.ResumeFields(graduation_date=date)) == []) is is_good


@pytest.mark.parametrize(("age", "is_good"), [(0, True), (150, True), (-1, False), (151, False)])
def test_a_number_has_bounds(age: int, is_good: bool) -> None:
    assert (check(resume_pb2.ResumeFields(age=age)) == []) is is_good


def test_a_blank_text_is_told_from_a_short_one() -> None:
    assert check(auth_service_pb2.RegisterRequest(username="")) == [Violation("username", "BLANK", 1)]


def test_missing_fields_are_those_neither_set_nor_reported() -> None:
    fields = resume_pb2.ResumeFields(name="", age=0)
    reported = [Violation("graduation_date", "WRONG_TYPE")]
    assert missing(fields, reported) == [
        Violation("education_level", "REQUIRED"),
        Violation("expected_position", "REQUIRED"),
    ]
