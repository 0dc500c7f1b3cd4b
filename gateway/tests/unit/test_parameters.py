from types import SimpleNamespace
from typing import Any

import pytest

from gateway import parameters
from gateway.decoding import INT64_MAX, INT64_MIN
from gateway.problems import Problem


def asking(**query: str) -> Any:
    return SimpleNamespace(query=query, params=query)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0", 0), ("7", 7), ("007", 7), ("-7", -7), ("-0", 0), ("9" * 19, INT64_MAX), ("9" * 5000, INT64_MAX),
        ("-" + "9" * 5000, INT64_MIN), ("0" * 5000 + "1", 1),
    ],
)  # fmt: skip
def test_integers_are_cut_to_what_a_field_holds(given: str, expected: int) -> None:
    assert parameters.integer(asking(page=given), "page") == expected


@pytest.mark.parametrize("given", ["", " 1", "1.0", "+1", "x", "1e3", "--1", "-", "\u0662", "1\n"])
def test_what_is_no_integer_is_refused(given: str) -> None:
    with pytest.raises(Problem, match="INVALID_REQUEST") as caught:
        parameters.integer(asking(page=given), "page")
    assert [(item.field, item.code) for item in caught.value.violations] == [("page", "WRONG_TYPE")]


def test_what_is_not_given_has_a_default() -> None:
    call = asking()
    assert parameters.integer(call, "page", 3) == 3
    assert (parameters.page_size(call), parameters.identifier(call, "author_id")) == (0, 0)
    assert (parameters.text(call, "tag"), parameters.flag(call, "unread")) == ("", False)
    assert parameters.choice(call, "sort", {"new": 1}, 5) == 5


@pytest.mark.parametrize(("given", "expected"), [("7", 7), ("9" * 40, INT64_MAX), ("0", 0), ("000", 0)])
def test_ids_in_a_path_are_cut_to_what_no_object_has(given: str, expected: int) -> None:
    assert parameters.path_id(asking(id=given)) == expected


@pytest.mark.parametrize("given", ["0", "-1"])
def test_an_id_in_a_query_is_at_least_1(given: str) -> None:
    with pytest.raises(Problem) as caught:
        parameters.identifier(asking(author_id=given), "author_id")
    assert caught.value.violations[0].code == "OUT_OF_RANGE"


def test_a_choice_is_one_of_its_words() -> None:
    assert parameters.choice(asking(sort="top"), "sort", {"new": 1, "top": 3}, 0) == 3
    for given in ("", "TOP", "else"):
        with pytest.raises(Problem) as caught:
            parameters.choice(asking(sort=given), "sort", {"new": 1, "top": 3}, 0)
        assert caught.value.violations[0].code == "NOT_ALLOWED"


def test_a_flag_is_true_or_false() -> None:
    assert parameters.flag(asking(unread="true"), "unread")
    assert not parameters.flag(asking(unread="false"), "unread")
    for given in ("", "1", "True"):
        with pytest.raises(Problem, match="INVALID_REQUEST"):
            parameters.flag(asking(unread=given), "unread")


@pytest.mark.parametrize("given", ["\x00", "\ud800"])
def test_texts_are_what_a_store_can_hold(given: str) -> None:
    with pytest.raises(Problem, match="INVALID_REQUEST"):
        parameters.text(asking(tag=given), "tag")
