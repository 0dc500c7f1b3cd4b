"""What one can vote for, follow, report and so on: the same routes under each kind of object."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from gateway.call import Call
from gateway.parameters import path_id
from gateway.routing import Handler, Operation, Routes
from plaza.forum.v1 import target_pb2


class Kind(NamedTuple):
    """One kind of object.

    Attributes:
        name: In words.
        path: Of one of it.
        number: In the contract.
        not_found: The code for an unknown one.
        changes: Tags of the shared answers that a change of it outdates.
    """

    name: str
    path: str
    number: "target_pb2.TargetKind.ValueType"
    not_found: str
    changes: tuple[str, ...]

    def target(self, call: Call) -> target_pb2.Target:
        """Return what the path names."""
        return target_pb2.Target(kind=self.number, id=path_id(call))


POST = Kind("post", "/posts/{id}", target_pb2.TARGET_KIND_POST, "POST_NOT_FOUND", ("posts", "post:{id}"))
# The path of a reply does not say which post it belongs to.
REPLY = Kind("reply", "/replies/{id}", target_pb2.TARGET_KIND_REPLY, "REPLY_NOT_FOUND", ("*",))
CATEGORY = Kind("category", "/categories/{id}", target_pb2.TARGET_KIND_CATEGORY, "CATEGORY_NOT_FOUND", ())
TAG = Kind("tag", "/tags/{id}", target_pb2.TARGET_KIND_TAG, "TAG_NOT_FOUND", ())
USER = Kind("user", "/users/{id}", target_pb2.TARGET_KIND_USER, "USER_NOT_FOUND", ())

NAMES = {kind.number: kind.name for kind in (POST, REPLY, CATEGORY, TAG, USER)}
CONTENT = (POST, REPLY)


def bound(handler: Any, kind: Kind) -> Handler:
    """Return the handler for one kind, with the documentation of the general one, which speaks of a post."""
    result: Any = partial(handler, kind)
    result.__doc__ = handler.__doc__.replace("a post", f"a {kind.name}").replace("A post", f"A {kind.name}")
    result.__name__ = f"{handler.__name__}_{kind.name}"
    typed: Handler = result
    return typed


def without_answer(kind: Kind, *errors: str, changes: tuple[str, ...] = ()) -> Operation:
    """Return the promise of a route that does something to an object and has nothing to tell."""
    return Operation(status=204, errors=(kind.not_found, *errors), changes=changes)


def on_each(routes: Routes, kinds: Iterable[Kind], method: str, suffix: str, *, handler: Any, operation: Any) -> None:
    """Add a route below each kind; `operation` makes its promise."""
    for kind in kinds:
        routes.add(method, f"{kind.path}{suffix}", operation=operation(kind), handler=bound(handler, kind))
