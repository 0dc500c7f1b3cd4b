"""Schemas of request bodies say what the field rules say."""

from typing import Any

import jsonschema_rs
import pytest
from google.protobuf.message import Message

from gateway.jsonschema import message_schema
from plaza.forum.v1 import (
    category_service_pb2,
    engagement_service_pb2,
    moderation_service_pb2,
    post_service_pb2,
    reply_service_pb2,
    tag_service_pb2,
)


def takes(message: type[Message], body: dict[str, Any]) -> bool:
    return jsonschema_rs.is_valid(message_schema(message, {}), body)


@pytest.mark.parametrize(
    ("tags", "is_taken"),
    [
        ([], True),
        (["a"], True),
        (["a"] * 5, True),
        (["a"] * 6, False),
        ([""], False),
        ([1], False),
        ("a", False),
        (None, False),
    ],
)
def test_arrays_have_items_and_a_limit(tags: Any, is_taken: bool) -> None:
    assert takes(post_service_pb2.CreatePostRequest, {"title": "t", "content": "c", "tags": tags}) is is_taken


def test_a_required_array_is_not_empty() -> None:
    assert takes(moderation_service_pb2.MergeRepliesRequest, {"target_post_id": 2, "reply_ids": ["7"]})
    assert not takes(moderation_service_pb2.MergeRepliesRequest, {"target_post_id": 2, "reply_ids": []})


@pytest.mark.parametrize(("scope", "is_taken"), [("global", True), ("category", True), ("else", False), (None, False)])
def test_words_are_listed(scope: Any, is_taken: bool) -> None:
    assert takes(moderation_service_pb2.PinPostRequest, {"scope": scope}) is is_taken


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [(0, True), ("0", True), ("7", True), (None, True), ("", True), (-1, False), ("-1", False), ("x", False)],
)
def test_an_optional_id_may_be_empty_where_the_contract_says_so(value: Any, is_taken: bool) -> None:
    assert takes(reply_service_pb2.CreateReplyRequest, {"content": "c", "parent_reply_id": value}) is is_taken


@pytest.mark.parametrize(
    ("value", "is_taken"), [(-1, True), ("-1", True), (0, True), (1, True), (2, False), ("2", False)]
)
def test_small_ranges_are_listed(value: Any, is_taken: bool) -> None:
    assert takes(engagement_service_pb2.SetVoteRequest, {"value": value}) is is_taken


@pytest.mark.parametrize(("value", "is_taken"), [(100_000, True), ("99999", True), ("999999", False), (100_001, False)])
def test_integers_as_text_keep_the_limit(value: Any, is_taken: bool) -> None:
    body = {"name": "n", "slug": "s", "position": value}
    assert takes(category_service_pb2.CategoryFields, body) is is_taken


@pytest.mark.parametrize(("value", "is_taken"), [(True, True), (0, True), (None, True), (2, False), ("true", False)])
def test_booleans_may_be_optional(value: Any, is_taken: bool) -> None:
    assert takes(tag_service_pb2.UpdateTagRequest, {"is_restricted": value}) is is_taken
