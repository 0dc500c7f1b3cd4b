"""Full-text search."""

from collections.abc import Mapping

from gateway.call import Call
from gateway.parameters import ID, TEXT, choice, identifier, page_size, paging, text
from gateway.routing import Access, Operation, Query, Rate, Routes
from gateway.schemas.search import Hit, Hits
from plaza.forum.v1 import search_service_pb2
from plaza_kit.errors import RemoteError

routes = Routes("Search", "en")

KINDS: Mapping[str, "search_service_pb2.SearchKind.ValueType"] = {
    "post": search_service_pb2.SEARCH_KIND_POST,
    "reply": search_service_pb2.SEARCH_KIND_REPLY,
}


@routes.get(
    "/search",
    Operation(
        rate=Rate.SEARCH,
        access=Access.PUBLIC,
        query=(
            Query(
                "q",
                {**TEXT, "minLength": 1, "maxLength": 200, "examples": ["tomatoes"]},
                "Words, and phrases in double quotes; every other sign is text.",
                is_required=True,
            ),
            Query("category_id", ID, "Only in this category and those below it."),
            Query("tag", TEXT, "Only with the tag of this name."),
            Query("author_id", ID, "Only by this user."),
            Query("kind", {"enum": [*KINDS]}, "Only posts, or only replies."),
            *paging("Hits", default=20, maximum=50),
        ),
        answers=(Hits,),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID"),
    ),
)
async def search(call: Call) -> Hits:
    """Find posts and replies, by relevance and freshness.

    At most 200 hits. What was written within the last second may be missing.
    """
    request = search_service_pb2.SearchRequest(
        query=text(call, "q"),
        category_id=identifier(call, "category_id"),
        tag=text(call, "tag"),
        author_id=identifier(call, "author_id"),
        kind=choice(call, "kind", KINDS, search_service_pb2.SEARCH_KIND_UNSPECIFIED),
        page_size=page_size(call),
        page_token=text(call, "page_token"),
    )
    try:
        response = await call.ask(call.services.forum.search, request)
    except RemoteError as error:
        error.violations = [item._replace(field="q") if item.field == "query" else item for item in error.violations]
        raise
    return Hits([Hit.of(hit) for hit in response.hits], response.next_page_token)
