"""What people do with posts and replies: votes, reactions, answers, bookmarks, reading."""

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import TEXT, page_size, paging, path_id, text
from gateway.routes.targets import CONTENT, POST, Kind, on_each, without_answer
from gateway.routing import Body, Operation, Query, Routes
from gateway.schemas.forum import Reaction
from gateway.schemas.people import Bookmark, Bookmarks, Reactions, Read, Votes
from plaza.forum.v1 import engagement_service_pb2 as pb

routes = Routes("Engagement", "en")


async def set_vote(kind: Kind, call: Call) -> Votes:
    """Vote for a post (1), against it (-1), or take the vote back (0)."""
    request, found = decode(call.body, pb.SetVoteRequest(target=kind.target(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.engagement.set_vote, request)
    return Votes(response.up_count, response.down_count)


async def add_reaction(kind: Kind, call: Call) -> Reactions:
    """Give a post an emoji.

    Ten different ones at most.
    """
    request, found = decode(call.body, pb.AddReactionRequest(target=kind.target(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.engagement.add_reaction, request)
    return Reactions([Reaction.of(reaction) for reaction in response.reactions])


async def remove_reaction(kind: Kind, call: Call) -> Reactions:
    """Take an emoji back from a post."""
    request, found = decode(call.query, pb.RemoveReactionRequest(target=kind.target(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.engagement.remove_reaction, request)
    return Reactions([Reaction.of(reaction) for reaction in response.reactions])


async def add_bookmark(kind: Kind, call: Call) -> None:
    """Keep a post for later."""
    await call.ask(call.services.forum.engagement.add_bookmark, pb.AddBookmarkRequest(target=kind.target(call)))


async def remove_bookmark(kind: Kind, call: Call) -> None:
    """Do not keep a post any more."""
    await call.ask(call.services.forum.engagement.remove_bookmark, pb.RemoveBookmarkRequest(target=kind.target(call)))


@routes.get(
    "/bookmarks",
    Operation(
        query=paging("Bookmarks", default=20, maximum=100),
        answers=(Bookmarks,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def list_bookmarks(call: Call) -> Bookmarks:
    """List one's bookmarks, newest first.

    What one may no longer read is left out.
    """
    request = pb.ListBookmarksRequest(page_size=page_size(call), page_token=text(call, "page_token"))
    response = await call.ask(call.services.forum.engagement.list_bookmarks, request)
    return Bookmarks([Bookmark.of(bookmark) for bookmark in response.bookmarks], response.next_page_token)


@routes.put(
    "/posts/{id}/answer",
    Operation(
        status=204,
        body=Body(pb.AcceptAnswerRequest),
        errors=("POST_NOT_FOUND", "REPLY_NOT_FOUND", "NOT_POST_AUTHOR", "INVALID_REQUEST", "USER_BANNED"),
        changes=POST.changes,
    ),
)
async def accept_answer(call: Call) -> None:
    """Say which reply answers a post; for its author and moderators."""
    request, found = decode(call.body, pb.AcceptAnswerRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    await call.ask(call.services.forum.engagement.accept_answer, request)


@routes.delete(
    "/posts/{id}/answer",
    Operation(status=204, errors=("POST_NOT_FOUND", "NOT_POST_AUTHOR", "USER_BANNED"), changes=POST.changes),
)
async def clear_answer(call: Call) -> None:
    """Say that no reply answers a post; for its author and moderators."""
    await call.ask(call.services.forum.engagement.clear_answer, pb.ClearAnswerRequest(post_id=path_id(call)))


@routes.put(
    "/posts/{id}/read",
    Operation(
        body=Body(pb.MarkPostReadRequest),
        answers=(Read,),
        errors=("POST_NOT_FOUND", "INVALID_REQUEST", "USER_BANNED"),
    ),
)
async def mark_post_read(call: Call) -> Read:
    """Record how far one has read a post.

    `last_read_number` is the number of a reply, 0 the post alone. It never goes back.
    """
    request, found = decode(call.body, pb.MarkPostReadRequest(post_id=path_id(call)))
    request.violations.extend(found.wire())
    response = await call.ask(call.services.forum.engagement.mark_post_read, request)
    return Read(response.read.last_read_number)


@routes.post("/posts/read", Operation(status=204, errors=("USER_BANNED",)))
async def mark_all_read(call: Call) -> None:
    """Record that nothing is unread now."""
    await call.ask(call.services.forum.engagement.mark_all_read, pb.MarkAllReadRequest())


on_each(
    routes,
    CONTENT,
    "PUT",
    "/vote",
    handler=set_vote,
    operation=lambda kind: Operation(
        body=Body(pb.SetVoteRequest),
        answers=(Votes,),
        errors=(kind.not_found, "INVALID_REQUEST", "OWN_CONTENT", "USER_BANNED"),
        changes=kind.changes,
    ),
)
on_each(
    routes,
    CONTENT,
    "POST",
    "/reactions",
    handler=add_reaction,
    operation=lambda kind: Operation(
        body=Body(pb.AddReactionRequest),
        answers=(Reactions,),
        errors=(kind.not_found, "INVALID_REQUEST", "LIMIT_REACHED", "USER_BANNED"),
        changes=kind.changes,
    ),
)
on_each(
    routes,
    CONTENT,
    "DELETE",
    "/reactions",
    handler=remove_reaction,
    operation=lambda kind: Operation(
        query=(Query("emoji", {**TEXT, "minLength": 1, "maxLength": 16}, "One emoji.", is_required=True),),
        answers=(Reactions,),
        errors=(kind.not_found, "INVALID_REQUEST", "USER_BANNED"),
        changes=kind.changes,
    ),
)
on_each(
    routes,
    CONTENT,
    "PUT",
    "/bookmark",
    handler=add_bookmark,
    operation=lambda kind: without_answer(kind, "LIMIT_REACHED", "USER_BANNED"),
)
on_each(
    routes,
    CONTENT,
    "DELETE",
    "/bookmark",
    handler=remove_bookmark,
    operation=lambda kind: without_answer(kind, "USER_BANNED"),
)
