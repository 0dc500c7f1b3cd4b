"""Keeping order among posts and replies."""

from collections.abc import Callable
from typing import Any

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import path_id
from gateway.routes.targets import CONTENT, POST, Kind, on_each
from gateway.routing import Body, Handler, Operation, Rate, Routes
from gateway.rpcs.forum import ModerationRpcs
from gateway.rpcs.rpc import Rpc
from gateway.schemas.moderation import RepliesMerged
from plaza.forum.v1 import moderation_service_pb2 as pb

routes = Routes("Moderation", "en")

_FOR_MODERATORS = ("PERMISSION_DENIED", "USER_BANNED")
_EVERYTHING = ("*",)


@routes.put(
    "/posts/{id}/pin",
    Operation(
        status=204,
        body=Body(pb.PinPostRequest),
        errors=("POST_NOT_FOUND", "INVALID_REQUEST", *_FOR_MODERATORS),
        changes=POST.changes,
    ),
)
async def pin_post(call: Call) -> None:
    """Pin a post in the lists of its category, or in all; for moderators."""
    request, found = decode(call.body, pb.PinPostRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.moderation.pin_post, request)


@routes.put(
    "/posts/{id}/category",
    Operation(
        status=204,
        body=Body(pb.MovePostRequest),
        errors=("POST_NOT_FOUND", "CATEGORY_NOT_FOUND", "INVALID_REQUEST", *_FOR_MODERATORS),
        changes=POST.changes,
    ),
)
async def move_post(call: Call) -> None:
    """Move a post into another category; for moderators."""
    request, found = decode(call.body, pb.MovePostRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.moderation.move_post, request)


@routes.post(
    "/posts/{id}/merge",
    Operation(
        body=Body(pb.MergeRepliesRequest),
        answers=(RepliesMerged,),
        errors=("POST_NOT_FOUND", "REPLY_NOT_FOUND", "INVALID_REQUEST", "LIMIT_REACHED", *_FOR_MODERATORS),
        changes=_EVERYTHING,
    ),
)
async def merge_replies(call: Call) -> RepliesMerged:
    """Move replies, each with those below it, into another post; for moderators.

    There they answer the post itself and are numbered anew, after what is there.
    """
    request, found = decode(call.body, pb.MergeRepliesRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    return RepliesMerged((await call.ask(call.services.forum.moderation.merge_replies, request)).moved_count)


async def remove(kind: Kind, call: Call) -> None:
    """Remove a post, with the replies below it; for moderators.

    Its author is told why.
    """
    request, found = decode(call.body, pb.RemoveContentRequest(target=kind.target(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.moderation.remove_content, request)


async def restore(kind: Kind, call: Call) -> None:
    """Bring back a post that was removed, deleted or held, with what vanished together with it; for moderators."""
    await call.ask(call.services.forum.moderation.restore_content, pb.RestoreContentRequest(target=kind.target(call)))


async def report(kind: Kind, call: Call) -> None:
    """Report a post to the moderators."""
    request, found = decode(call.body, pb.CreateReportRequest(target=kind.target(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.moderation.create_report, request)


on_each(
    routes,
    CONTENT,
    "POST",
    "/remove",
    handler=remove,
    operation=lambda kind: Operation(
        status=204,
        body=Body(pb.RemoveContentRequest),
        errors=(kind.not_found, "INVALID_REQUEST", *_FOR_MODERATORS),
        changes=kind.changes,
    ),
)
on_each(
    routes,
    CONTENT,
    "POST",
    "/restore",
    handler=restore,
    operation=lambda kind: Operation(
        status=204, errors=(kind.not_found, "NOT_REMOVED", *_FOR_MODERATORS), changes=kind.changes
    ),
)
on_each(
    routes,
    CONTENT,
    "POST",
    "/reports",
    handler=report,
    operation=lambda kind: Operation(
        status=204,
        body=Body(pb.CreateReportRequest),
        errors=(kind.not_found, "INVALID_REQUEST", "OWN_CONTENT", "ALREADY_REPORTED", "USER_BANNED"),
        rate=Rate.TEXT,
    ),
)


def _add_switch(
    method: str, name: str, text: str, *, rpc: Callable[[ModerationRpcs], Rpc[Any, Any]], request: Any
) -> None:
    """Add a route that does one thing to a post and needs to be told nothing more."""

    async def switch(call: Call) -> None:
        await call.ask(rpc(call.services.forum.moderation), request(post_id=path_id(call)))

    switch.__doc__ = f"{text}; for moderators."
    switch.__name__ = f"{'un' if method == 'DELETE' else ''}{name}_post"
    handler: Handler = switch
    operation = Operation(status=204, errors=("POST_NOT_FOUND", *_FOR_MODERATORS), changes=POST.changes)
    routes.add(method, f"/posts/{{id}}/{name}", operation=operation, handler=handler)


_add_switch("DELETE", "pin", "Take a post's pin out", rpc=lambda rpcs: rpcs.unpin_post, request=pb.UnpinPostRequest)
_add_switch(
    "PUT",
    "lock",
    "Lock a post, so that nobody else replies",
    rpc=lambda rpcs: rpcs.lock_post,
    request=pb.LockPostRequest,
)
_add_switch("DELETE", "lock", "Unlock a post", rpc=lambda rpcs: rpcs.unlock_post, request=pb.UnlockPostRequest)
_add_switch("PUT", "feature", "Recommend a post", rpc=lambda rpcs: rpcs.feature_post, request=pb.FeaturePostRequest)
_add_switch(
    "DELETE",
    "feature",
    "Take a post's recommendation back",
    rpc=lambda rpcs: rpcs.unfeature_post,
    request=pb.UnfeaturePostRequest,
)
