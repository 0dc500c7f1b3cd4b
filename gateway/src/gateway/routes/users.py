"""Users as others see them, and what moderators and admins do about them."""

from gateway.call import Call
from gateway.decoding import decode
from gateway.parameters import TEXT, page_size, paging, path_id, text
from gateway.routing import Access, Body, Operation, Query, Routes
from gateway.schemas.accounts import ManagedUser, User, Users
from plaza.auth.v1 import user_service_pb2

routes = Routes("Users", "en")


@routes.get("/users/{id}", Operation(access=Access.PUBLIC, answers=(User,), errors=("USER_NOT_FOUND",)))
async def get_user(call: Call) -> User:
    """Read what everybody may know of a user."""
    response = await call.ask(call.services.auth.get_user, user_service_pb2.GetUserRequest(user_id=path_id(call)))
    return User.of(response.user)


@routes.get(
    "/users",
    Operation(
        answers=(Users,),
        query=(
            *paging("Users", default=50, maximum=200),
            Query("username_prefix", TEXT, "Only names that begin so."),
        ),
        errors=("INVALID_REQUEST", "PAGE_TOKEN_INVALID", "PERMISSION_DENIED"),
    ),
)
async def list_users(call: Call) -> Users:
    """List users by id; for moderators."""
    request = user_service_pb2.ListUsersRequest(
        page_size=page_size(call), page_token=text(call, "page_token"), username_prefix=text(call, "username_prefix")
    )
    response = await call.ask(call.services.auth.list_users, request)
    return Users([ManagedUser.managed(user) for user in response.users], response.next_page_token)


@routes.put(
    "/users/{id}/ban",
    Operation(
        body=Body(user_service_pb2.BanUserRequest),
        answers=(ManagedUser,),
        errors=("INVALID_REQUEST", "USER_NOT_FOUND", "ROLE_TOO_LOW", "PERMISSION_DENIED"),
    ),
)
async def ban_user(call: Call) -> ManagedUser:
    """Keep a user out, until a time or for good; for moderators.

    Ends their sessions.
    """
    request, found = decode(call.body, user_service_pb2.BanUserRequest(user_id=path_id(call)))
    request.violations.extend(found.wire())
    return ManagedUser.managed((await call.ask(call.services.auth.ban_user, request)).user)


@routes.delete(
    "/users/{id}/ban",
    Operation(answers=(ManagedUser,), errors=("USER_NOT_FOUND", "ROLE_TOO_LOW", "PERMISSION_DENIED")),
)
async def unban_user(call: Call) -> ManagedUser:
    """Let a user back in; for moderators."""
    request = user_service_pb2.UnbanUserRequest(user_id=path_id(call))
    return ManagedUser.managed((await call.ask(call.services.auth.unban_user, request)).user)


@routes.put(
    "/users/{id}/role",
    Operation(
        body=Body(user_service_pb2.SetRoleRequest, patterns={"role": "^(user|moderator|admin)$"}),
        answers=(ManagedUser,),
        errors=("INVALID_REQUEST", "USER_NOT_FOUND", "LAST_ADMIN", "PERMISSION_DENIED"),
    ),
)
async def set_role(call: Call) -> ManagedUser:
    """Change a user's role; for admins.

    Tokens that name the old role are refused from then on.
    """
    request, found = decode(call.body, user_service_pb2.SetRoleRequest(user_id=path_id(call)))
    request.violations.extend(found.wire())
    return ManagedUser.managed((await call.ask(call.services.auth.set_role, request)).user)
