"""Tags: they come to be by being used, and are looked after by moderators."""

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.decoding import decode
from gateway.parameters import TEXT, page_size, paging, path_id, text
from gateway.routing import Access, Body, Operation, Query, Routes, Shared
from gateway.schemas.places import Tag, Tags
from plaza.forum.v1 import tag_service_pb2

routes = Routes("Tags", "en")

_CHANGED = ("*",)


@routes.get(
    "/tags",
    Operation(
        access=Access.PUBLIC,
        query=(
            *paging("Tags", default=50, maximum=200),
            Query("prefix", TEXT, "Only names that begin so."),
        ),
        answers=(Tags,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
        has_tag=True,
        shared=Shared(("posts",)),
    ),
)
async def list_tags(call: Call) -> Answer:
    """List tags, most used first."""
    request = tag_service_pb2.ListTagsRequest(
        page_size=page_size(call), page_token=text(call, "page_token"), prefix=text(call, "prefix")
    )
    response = await call.ask(call.services.forum.tags.list, request)
    return tagged(Tags([Tag.of(tag) for tag in response.tags], response.next_page_token))


@routes.get(
    "/tags/{id}",
    Operation(access=Access.PUBLIC, answers=(Tag,), errors=("TAG_NOT_FOUND",), has_tag=True, shared=Shared(("posts",))),
)
async def get_tag(call: Call) -> Answer:
    """Read a tag."""
    request = tag_service_pb2.GetTagRequest(tag_id=path_id(call))
    return tagged(Tag.of((await call.ask(call.services.forum.tags.get, request)).tag))


@routes.patch(
    "/tags/{id}",
    Operation(
        body=Body(tag_service_pb2.UpdateTagRequest),
        answers=(Tag,),
        errors=("TAG_NOT_FOUND", "INVALID_REQUEST", "TAG_NAME_TAKEN", "PERMISSION_DENIED", "USER_BANNED"),
        changes=_CHANGED,
    ),
)
async def update_tag(call: Call) -> Tag:
    """Rename or describe a tag, or close it for others; for moderators.

    Only the fields that are present change.
    """
    request, found = decode(call.body, tag_service_pb2.UpdateTagRequest(tag_id=path_id(call)))
    request.violations.extend(found.wire())
    return Tag.of((await call.ask(call.services.forum.tags.update, request)).tag)


@routes.delete(
    "/tags/{id}",
    Operation(status=204, errors=("TAG_NOT_FOUND", "PERMISSION_DENIED", "USER_BANNED"), changes=_CHANGED),
)
async def delete_tag(call: Call) -> None:
    """Take a tag off all posts; for moderators."""
    await call.ask(call.services.forum.tags.delete, tag_service_pb2.DeleteTagRequest(tag_id=path_id(call)))
