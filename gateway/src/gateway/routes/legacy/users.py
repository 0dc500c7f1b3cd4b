"""Accounts and profile as the legacy forum has them (contract, section 4)."""

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.call import Answer, Call
from gateway.cookies import session_cookie
from gateway.decoding import decode
from gateway.routing import Access, Body, Operation, Rate, Routes
from gateway.schemas.legacy import Done, LoggedIn, Profile, ProfileAnswer, Registered
from plaza.auth.v1 import auth_service_pb2, profile_service_pb2

routes = Routes("Users (legacy)", "zh")

USERNAME_PATTERN = r"^[\p{L}\p{N}_@+.\-]+$"


@routes.post(
    "/users/register/",
    Operation(
        access=Access.PUBLIC,
        rate=Rate.CREDENTIALS,
        body=Body(auth_service_pb2.RegisterRequest, patterns={"username": USERNAME_PATTERN}),
        answers=(Registered,),
        errors=("CREDENTIALS_REQUIRED", "INVALID_REQUEST", "USERNAME_INVALID", "USERNAME_TAKEN", "PASSWORD_TOO_SHORT"),
    ),
)
async def register(call: Call) -> Registered:
    """Create an account.

    Names are compared after NFKC normalisation and case folding.
    """
    request, found = decode(call.body, auth_service_pb2.RegisterRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.register, request)
    return Registered(call.text("REGISTERED"), response.user_id)


@routes.post(
    "/users/login/",
    Operation(
        access=Access.PUBLIC,
        rate=Rate.CREDENTIALS,
        body=Body(auth_service_pb2.LoginRequest),
        answers=(LoggedIn,),
        errors=("CREDENTIALS_REQUIRED", "INVALID_REQUEST", "INVALID_CREDENTIALS", "TOTP_REQUIRED", "TOTP_INVALID"),
    ),
)
async def login(call: Call) -> Answer:
    """Open a session.

    Also sets the cookie `plaza_session` for browsers. An account with a second factor needs `totp_code`.
    """
    request, found = decode(call.body, auth_service_pb2.LoginRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.login, request)
    tokens = response.tokens
    cookie = session_cookie(tokens.access_token, tokens.expires_in_seconds, call.headers.get(b"host", b""))
    return Answer(LoggedIn.of(response, call.text("LOGGED_IN")), [cookie])


@routes.get("/users/profile/", Operation(answers=(ProfileAnswer,)))
async def get_profile(call: Call) -> ProfileAnswer:
    """Read one's profile."""
    response = await call.ask(call.services.auth.get_profile, profile_service_pb2.GetProfileRequest())
    return ProfileAnswer(Profile.of(response.profile))


@routes.post(
    "/users/profile/update/",
    Operation(body=Body(profile_service_pb2.ProfileFields), answers=(Done,), errors=("INVALID_REQUEST",)),
)
async def update_profile(call: Call) -> Done:
    """Change one's profile.

    Only the fields that are present change. A new e-mail address is unverified.
    """
    fields, found = decode(call.body, profile_service_pb2.ProfileFields())
    request = profile_service_pb2.UpdateProfileRequest(
        fields=fields, update_mask=FieldMask(paths=found.present), violations=found.wire()
    )
    await call.ask(call.services.auth.update_profile, request)
    return Done(call.text("PROFILE_UPDATED"))
