"""Categories: for everybody to read, for admins to make."""

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.answers import tagged
from gateway.call import Answer, Call
from gateway.decoding import decode
from gateway.parameters import path_id
from gateway.routing import Access, Body, Operation, Routes, Shared
from gateway.schemas.places import Categories, Category
from plaza.forum.v1 import category_service_pb2

routes = Routes("Categories", "en")

_SLUG = {"slug": "^[a-z0-9]+(-[a-z0-9]+)*$"}
_CHANGED = ("*",)


@routes.get(
    "/categories",
    Operation(access=Access.PUBLIC, answers=(Categories,), has_tag=True, shared=Shared(("posts",))),
)
async def list_categories(call: Call) -> Answer:
    """List all categories that the caller may read, parents before their children."""
    response = await call.ask(call.services.forum.categories.list, category_service_pb2.ListCategoriesRequest())
    return tagged(Categories([Category.of(category) for category in response.categories]))


@routes.get(
    "/categories/{id}",
    Operation(
        access=Access.PUBLIC,
        answers=(Category,),
        errors=("CATEGORY_NOT_FOUND",),
        has_tag=True,
        shared=Shared(("posts",)),
    ),
)
async def get_category(call: Call) -> Answer:
    """Read a category."""
    request = category_service_pb2.GetCategoryRequest(category_id=path_id(call))
    return tagged(Category.of((await call.ask(call.services.forum.categories.get, request)).category))


@routes.post(
    "/categories",
    Operation(
        body=Body(category_service_pb2.CategoryFields, patterns=_SLUG),
        answers=(Category,),
        errors=(
            "INVALID_REQUEST",
            "CATEGORY_NOT_FOUND",
            "CATEGORY_TOO_DEEP",
            "CATEGORY_SLUG_TAKEN",
            "LIMIT_REACHED",
            "PERMISSION_DENIED",
            "USER_BANNED",
        ),
        changes=_CHANGED,
    ),
)
async def create_category(call: Call) -> Category:
    """Make a category; for admins."""
    fields, found = decode(call.body, category_service_pb2.CategoryFields())
    request = category_service_pb2.CreateCategoryRequest(fields=fields, violations=found.wire())
    return Category.of((await call.ask(call.services.forum.categories.create, request)).category)


@routes.patch(
    "/categories/{id}",
    Operation(
        body=Body(category_service_pb2.CategoryFields, patterns=_SLUG, is_partial=True),
        answers=(Category,),
        errors=(
            "CATEGORY_NOT_FOUND",
            "INVALID_REQUEST",
            "CATEGORY_TOO_DEEP",
            "CATEGORY_SLUG_TAKEN",
            "PERMISSION_DENIED",
            "USER_BANNED",
        ),
        changes=_CHANGED,
    ),
)
async def update_category(call: Call) -> Category:
    """Change a category; for admins.

    Only the fields that are present change.
    """
    fields, found = decode(call.body, category_service_pb2.CategoryFields())
    request = category_service_pb2.UpdateCategoryRequest(
        category_id=path_id(call),
        fields=fields,
        update_mask=FieldMask(paths=found.present),
        violations=found.wire(),
    )
    return Category.of((await call.ask(call.services.forum.categories.update, request)).category)


@routes.delete(
    "/categories/{id}",
    Operation(
        status=204,
        errors=("CATEGORY_NOT_FOUND", "CATEGORY_NOT_EMPTY", "PERMISSION_DENIED", "USER_BANNED"),
        changes=_CHANGED,
    ),
)
async def delete_category(call: Call) -> None:
    """Delete an empty category; for admins."""
    request = category_service_pb2.DeleteCategoryRequest(category_id=path_id(call))
    await call.ask(call.services.forum.categories.delete, request)
