"""Whom and what one follows, and whom one blocks."""

from collections.abc import Mapping

from gateway.call import Call
from gateway.parameters import choice, page_size, paging, path_id, text
from gateway.routes.targets import CATEGORY, POST, TAG, USER, Kind, on_each, without_answer
from gateway.routing import Operation, Query, Routes
from gateway.schemas.people import Block, Blocks, Follow, Follows
from plaza.forum.v1 import engagement_service_pb2 as pb
from plaza.forum.v1 import target_pb2

routes = Routes("Following", "en")

FOLLOWED = (POST, CATEGORY, TAG, USER)
_KINDS: Mapping[str, "target_pb2.TargetKind.ValueType"] = {kind.name: kind.number for kind in FOLLOWED}


async def follow(kind: Kind, call: Call) -> None:
    """Follow a post.

    Whoever follows is notified of what is new there.
    """
    await call.ask(call.services.forum.engagement.follow, pb.FollowRequest(target=kind.target(call)))


async def unfollow(kind: Kind, call: Call) -> None:
    """Stop following a post."""
    await call.ask(call.services.forum.engagement.unfollow, pb.UnfollowRequest(target=kind.target(call)))


@routes.get(
    "/follows",
    Operation(
        query=(
            *paging("Follows", default=50, maximum=200),
            Query("kind", {"enum": [*_KINDS]}, "Only of this kind."),
        ),
        answers=(Follows,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def list_follows(call: Call) -> Follows:
    """List what one follows, newest first."""
    request = pb.ListFollowsRequest(
        kind=choice(call, "kind", _KINDS, target_pb2.TARGET_KIND_UNSPECIFIED),
        page_size=page_size(call),
        page_token=text(call, "page_token"),
    )
    response = await call.ask(call.services.forum.engagement.list_follows, request)
    return Follows([Follow.of(item) for item in response.follows], response.next_page_token)


@routes.put(
    "/users/{id}/block",
    Operation(status=204, errors=("USER_NOT_FOUND", "OWN_CONTENT", "LIMIT_REACHED", "USER_BANNED")),
)
async def block_user(call: Call) -> None:
    """Block a user.

    One sees none of their posts in lists, none of their replies' texts, and is not notified of what they do.
    """
    await call.ask(call.services.forum.engagement.block_user, pb.BlockUserRequest(user_id=path_id(call)))


@routes.delete("/users/{id}/block", Operation(status=204, errors=("USER_NOT_FOUND", "USER_BANNED")))
async def unblock_user(call: Call) -> None:
    """Unblock a user."""
    await call.ask(call.services.forum.engagement.unblock_user, pb.UnblockUserRequest(user_id=path_id(call)))


@routes.get(
    "/blocks",
    Operation(
        query=paging("Blocked users", default=50, maximum=200),
        answers=(Blocks,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def list_blocks(call: Call) -> Blocks:
    """List whom one blocks, newest first."""
    request = pb.ListBlocksRequest(page_size=page_size(call), page_token=text(call, "page_token"))
    response = await call.ask(call.services.forum.engagement.list_blocks, request)
    return Blocks([Block.of(block) for block in response.blocks], response.next_page_token)


on_each(
    routes,
    FOLLOWED,
    "PUT",
    "/follow",
    handler=follow,
    operation=lambda kind: without_answer(kind, "OWN_CONTENT", "LIMIT_REACHED", "USER_BANNED"),
)
on_each(
    routes,
    FOLLOWED,
    "DELETE",
    "/follow",
    handler=unfollow,
    operation=lambda kind: without_answer(kind, "USER_BANNED"),
)
