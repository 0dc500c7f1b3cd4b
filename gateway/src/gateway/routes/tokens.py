"""Refreshing tokens, and the sessions they belong to."""

from gateway.call import Answer, Call
from gateway.cookies import session_cookie
from gateway.decoding import decode
from gateway.parameters import FLAG, flag
from gateway.problems import Header
from gateway.routing import Access, Body, Operation, Query, Rate, Routes
from gateway.schemas.accounts import RevokedCount, Session, Sessions, Tokens
from plaza.auth.v1 import auth_service_pb2, session_service_pb2, token_pb2

routes = Routes("Sessions", "en")


@routes.post(
    "/tokens/refresh",
    Operation(
        access=Access.PUBLIC,
        rate=Rate.CREDENTIALS,
        body=Body(auth_service_pb2.RefreshTokenRequest),
        answers=(Tokens,),
        errors=("INVALID_REQUEST", "REFRESH_TOKEN_INVALID"),
    ),
)
async def refresh_tokens(call: Call) -> Answer:
    """Exchange a refresh token for a new pair.

    Each refresh token is good for one use; using one again ends its session. Also sets the cookie `plaza_session`.
    """
    request, found = decode(call.body, auth_service_pb2.RefreshTokenRequest())
    request.violations.extend(found.wire())
    tokens = (await call.ask(call.services.auth.refresh_token, request)).tokens
    cookie = session_cookie(tokens.access_token, tokens.expires_in_seconds, call.headers.get(b"host", b""))
    return Answer(Tokens.of(tokens), [cookie])


@routes.get("/sessions", Operation(answers=(Sessions,)))
async def list_sessions(call: Call) -> Sessions:
    """List one's live sessions."""
    response = await call.ask(call.services.auth.list_sessions, session_service_pb2.ListSessionsRequest())
    return Sessions([Session.of(session) for session in response.sessions])


@routes.delete(
    "/sessions",
    Operation(
        answers=(RevokedCount,),
        query=(Query("keep_current", FLAG, "`true` leaves the calling session alone."),),
        errors=("INVALID_REQUEST",),
    ),
)
async def revoke_all_sessions(call: Call) -> RevokedCount | Answer:
    """End all of one's sessions."""
    request = session_service_pb2.RevokeAllSessionsRequest(keep_current=flag(call, "keep_current"))
    response = await call.ask(call.services.auth.revoke_all_sessions, request)
    answer = RevokedCount(response.revoked_count)
    return answer if request.keep_current else Answer(answer, [signed_out(call)])


@routes.delete("/sessions/current", Operation(status=204))
async def log_out(call: Call) -> Answer:
    """End the calling session.

    Also takes the cookie `plaza_session` away.
    """
    await call.ask(call.services.auth.revoke_session, session_service_pb2.RevokeSessionRequest())
    return Answer(None, [signed_out(call)])


@routes.delete("/sessions/{uuid}", Operation(status=204, errors=("SESSION_NOT_FOUND",)))
async def revoke_session(call: Call) -> None:
    """End one of one's sessions."""
    request = session_service_pb2.RevokeSessionRequest(session_id=call.params["uuid"].lower())
    await call.ask(call.services.auth.revoke_session, request)


def signed_out(call: Call) -> Header:
    """Refuse the calling session here and now, before its event comes; return the header that takes the cookie away."""
    identity = call.identity
    if identity is not None:
        entry = token_pb2.Revocation(
            session_id=identity.session_id, user_id=identity.user_id, until_unix=int(identity.expires)
        )
        call.runtime.revocations.add([entry])
    return session_cookie("", 0, call.headers.get(b"host", b""))
