"""A fake forum: its methods come from the contract, its answers from one table, and refusals as the real one has them.

Objects with ids 1 to 9 exist. `state.answers[method]` replaces an answer.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from gateway.rpcs import FORUM_CONTRACTS
from gateway_support.fake_state import State, must_be_valid, reason
from gateway_support.forum_answers import ANSWERS, SERVICERS
from plaza.forum.v1 import target_pb2
from plaza_kit.errors import InvalidArgument, NotFound, Violation
from plaza_kit.fields import rules_of
from plaza_kit.grpc_server import Registration

TARGETS = {
    target_pb2.TARGET_KIND_POST: "POST_NOT_FOUND",
    target_pb2.TARGET_KIND_REPLY: "REPLY_NOT_FOUND",
    target_pb2.TARGET_KIND_CATEGORY: "CATEGORY_NOT_FOUND",
    target_pb2.TARGET_KIND_TAG: "TAG_NOT_FOUND",
    target_pb2.TARGET_KIND_USER: "USER_NOT_FOUND",
}
SLUG = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
ABSENT = {
    "CreatePost": "TITLE_AND_CONTENT_REQUIRED",
    "CreateReply": "REPLY_CONTENT_REQUIRED",
    "UpdateReply": "REPLY_CONTENT_REQUIRED",
}


def must_exist(name: str, request: Any) -> None:
    """Refuse ids that are not 1 to 9: of the first field, or of any where the method is not a list with filters."""
    is_list = name.startswith(("List", "Search"))
    for field in request.DESCRIPTOR.fields:
        if rules_of(field) is not None or (is_list and field.number > 1):
            continue
        value = getattr(request, field.name)
        if field.name.endswith("_id") and not 1 <= value <= 9:
            raise reason(NotFound, f"{field.name.removesuffix('_id').upper()}_NOT_FOUND")
        if field.name == "target" and not 1 <= value.id <= 9:
            raise reason(NotFound, TARGETS[value.kind])
        if field.name == "version" and not 1 <= value <= 9:
            raise reason(NotFound, "REVISION_NOT_FOUND")


def must_be_well_formed(name: str, request: Any) -> None:
    names = request.DESCRIPTOR.fields_by_name
    if "page_size" in names and request.page_size < (1 if name == "ListPostPage" else 0):
        raise InvalidArgument(violations=[Violation("page_size", "OUT_OF_RANGE")])
    if "page_token" in names and request.page_token:
        raise reason(InvalidArgument, "PAGE_TOKEN_INVALID")
    if name == "Search" and not 1 <= len(request.query) <= 200:
        raise InvalidArgument(violations=[Violation("query", "TOO_LONG" if request.query else "REQUIRED", 200)])
    if "violations" in names:
        fields: Any = next((getattr(request, part) for part in ("fields", "preferences") if part in names), request)
        must_be_valid(request, fields, required=name != "UpdateCategory", absent=ABSENT.get(name, "INVALID_REQUEST"))
        if name.endswith("Category") and fields.HasField("slug") and not SLUG.fullmatch(fields.slug):
            raise InvalidArgument(violations=[Violation("slug", "BAD_FORMAT")])


def method_of(contract: MethodDescriptor) -> Callable[[Any, Any, Any], Any]:
    async def answer(self: "FakeForum", request: Any, context: Any) -> Any:
        must_exist(contract.name, request)
        must_be_well_formed(contract.name, request)
        response = self.state.answers.get(contract.name) or ANSWERS[contract.name]
        return await self.state.answer(contract.name, request, response)

    return answer


class FakeForum:
    """One service of the forum."""

    def __init__(self, state: State) -> None:
        self.state = state


def fake(contract: ServiceDescriptor, base: type) -> type[FakeForum]:
    """Return a class that implements a generated servicer completely.

    Raises:
        KeyError: A method has no answer in the table.
    """
    for method in contract.methods:
        assert isinstance(ANSWERS[method.name], Message)
        assert ANSWERS[method.name].DESCRIPTOR.full_name == method.output_type.full_name
    return type(contract.name, (FakeForum, base), {method.name: method_of(method) for method in contract.methods})


def forum_registrations(state: State) -> Sequence[Registration]:
    return tuple(
        partial(SERVICERS[contract.name][1], fake(contract, SERVICERS[contract.name][0])(state))
        for contract in FORUM_CONTRACTS
    )
