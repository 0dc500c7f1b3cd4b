"""What stands before every handler, over real connections."""

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from plaza.auth.v1 import auth_service_pb2 as pb
from plaza.auth.v1 import auth_service_pb2_grpc, session_service_pb2_grpc, user_service_pb2_grpc
from plaza.auth.v1.session_service_pb2 import ListSessionsRequest, ListSessionsResponse, RevokeSessionRequest
from plaza.auth.v1.user_service_pb2 import ListUsersRequest, ListUsersResponse, SetRoleRequest, SetRoleResponse
from plaza_kit.caller import Caller, current_caller
from plaza_kit.errors import InvalidArgument, RemoteError, Violation, from_rpc_error
from plaza_kit.grpc_client import Client
from plaza_kit.grpc_server import _GuardedServer
from plaza_kit.interceptors import PolicyMissing
from plaza_kit.internal_token import CALL_KEY, TOKEN_KEY, pack_call
from plaza_kit.testing.grpc import Trust, new_trust, serving

ALICE = Caller(user_id=1, username="alice", roles=frozenset({"user"}), session_id="s", request_id="r-12345678")


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    """Abstract to the type checker, like the two below: what a test does not call answers UNIMPLEMENTED."""

    async def Register(self, request: pb.RegisterRequest, context: Any) -> pb.RegisterResponse:
        if request.username == "crash":
            raise ZeroDivisionError("canary")
        raise InvalidArgument("canary", violations=[Violation("username", "TOO_LONG", 150)])

    async def Login(self, request: pb.LoginRequest, context: Any) -> pb.LoginResponse:
        caller = current_caller()
        return pb.LoginResponse(user_id=caller.user_id, username=f"{caller.request_id} {caller.address}")

    async def ListRevocations(self, request: Any, context: Any) -> pb.ListRevocationsResponse:
        return pb.ListRevocationsResponse()


class Sessions(session_service_pb2_grpc.SessionServiceServicer):
    async def ListSessions(self, request: Any, context: Any) -> ListSessionsResponse:
        return ListSessionsResponse()


class Users(user_service_pb2_grpc.UserServiceServicer):
    async def ListUsers(self, request: Any, context: Any) -> ListUsersResponse:
        return ListUsersResponse()

    async def SetRole(self, request: Any, context: Any) -> SetRoleResponse:
        return SetRoleResponse()


@pytest.fixture
def trust() -> Trust:
    return new_trust()


@pytest.fixture
async def client(trust: Trust) -> AsyncIterator[Client]:
    registrations = [
        partial(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, Auth()),  # type: ignore[abstract]
        partial(session_service_pb2_grpc.add_SessionServiceServicer_to_server, Sessions()),  # type: ignore[abstract]
        partial(user_service_pb2_grpc.add_UserServiceServicer_to_server, Users()),  # type: ignore[abstract]
    ]
    async with serving("auth", registrations, trust=trust) as client:
        yield client


async def test_a_handler_sees_the_caller(client: Client) -> None:
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    caller = Caller(user_id=7, username="张三", request_id="r-1", address="192.0.2.1")
    answer = await client.call(stub.Login, pb.LoginRequest(), caller=caller, timeout=5)
    assert (answer.user_id, answer.username) == (7, "r-1 192.0.2.1")


async def test_an_error_arrives_with_its_reason_and_without_its_text(client: Client) -> None:
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    with pytest.raises(RemoteError) as refused:
        await client.call(stub.Register, pb.RegisterRequest(), caller=ALICE, timeout=5)
    assert (refused.value.reason, refused.value.violations) == (
        "INVALID_REQUEST",
        [Violation("username", "TOO_LONG", 150)],
    )
    assert "canary" not in str(refused.value)


async def test_a_bug_is_internal_and_tells_nothing(client: Client) -> None:
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    with pytest.raises(grpc.aio.AioRpcError) as crashed:
        await stub.Register(
            pb.RegisterRequest(username="crash"),
            timeout=5,
            metadata=((TOKEN_KEY, client._minter.mint("auth", ALICE)), (CALL_KEY, pack_call(ALICE))),
        )
    assert from_rpc_error(crashed.value).reason == "INTERNAL"
    assert "canary" not in repr(crashed.value)
    assert "ZeroDivision" not in repr(crashed.value)


ANONYMOUS, USER, MODERATOR, ADMIN = (
    Caller(),
    ALICE,
    Caller(user_id=2, roles=frozenset({"moderator"})),
    Caller(user_id=3, roles=frozenset({"admin"})),
)


@pytest.mark.parametrize(
    ("method", "admitted"),
    [
        ("Login", [ANONYMOUS, USER, MODERATOR, ADMIN]),
        ("ListSessions", [USER, MODERATOR, ADMIN]),
        ("ListUsers", [MODERATOR, ADMIN]),
        ("SetRole", [ADMIN]),
        ("ListRevocations", [ANONYMOUS]),
    ],
)
async def test_only_the_level_of_the_contract_is_admitted(client: Client, method: str, admitted: list[Caller]) -> None:
    call, request = {
        "Login": (auth_service_pb2_grpc.AuthServiceStub(client.channel).Login, pb.LoginRequest()),
        "ListRevocations": (
            auth_service_pb2_grpc.AuthServiceStub(client.channel).ListRevocations,
            pb.ListRevocationsRequest(),
        ),
        "ListSessions": (
            session_service_pb2_grpc.SessionServiceStub(client.channel).ListSessions,
            ListSessionsRequest(),
        ),
        "ListUsers": (user_service_pb2_grpc.UserServiceStub(client.channel).ListUsers, ListUsersRequest()),
        "SetRole": (user_service_pb2_grpc.UserServiceStub(client.channel).SetRole, SetRoleRequest()),
    }[method]
    for caller in (ANONYMOUS, USER, MODERATOR, ADMIN):
        try:
            await client.call(call, request, caller=caller, timeout=5)  # type: ignore[arg-type]  # of many types
            refusal = ""
        except RemoteError as error:
            refusal = error.reason
        expected = "" if caller in admitted else "TOKEN_MISSING" if caller is ANONYMOUS else "PERMISSION_DENIED"
        assert refusal == expected, f"{method} by {caller.roles or 'anonymous'}"


def signed(trust: Trust, **changes: Any) -> str:
    claims = {
        "iss": "gateway",
        "aud": "auth",
        "sub": "1",
        "name": "alice",
        "roles": [],
        "sid": "",
        "ver": 0,
        "exp": int(time.time()) + 30,
    }
    claims |= changes
    return jwt.encode({key: value for key, value in claims.items() if value is not None}, trust.key, algorithm="EdDSA")


@pytest.mark.parametrize(
    "token",
    [
        "none",
        "garbage",
        "other-key",
        "alg-none",
        {"aud": "forum"},
        {"aud": ["auth", "forum"]},
        {"iss": "auth"},
        {"exp": int(time.time()) - 5},
        {"exp": None},
        {"sub": None},
        {"roles": None},
    ],
)
async def test_forged_identities_are_refused(client: Client, trust: Trust, token: str | dict[str, Any]) -> None:
    metadata: list[tuple[str, str | bytes]]
    match token:
        case "none":
            metadata = [(CALL_KEY, pack_call(ALICE)), ("x-user-id", "1")]
        case "other-key":
            metadata = [(TOKEN_KEY, signed(Trust(Ed25519PrivateKey.generate())))]
        case "alg-none":
            metadata = [(TOKEN_KEY, jwt.encode({"iss": "gateway", "aud": "auth", "sub": "1"}, "", algorithm="none"))]
        case str():
            metadata = [(TOKEN_KEY, token)]
        case _:
            metadata = [(TOKEN_KEY, signed(trust, **token))]
    stub = session_service_pb2_grpc.SessionServiceStub(client.channel)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ListSessions(ListSessionsRequest(), timeout=5, metadata=metadata)
    assert from_rpc_error(refused.value).reason == "INTERNAL_IDENTITY_INVALID"


async def test_a_call_without_a_deadline_is_refused(client: Client, trust: Trust) -> None:
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    metadata = ((TOKEN_KEY, trust.minter().mint("auth", ALICE)), (CALL_KEY, pack_call(ALICE)))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Login(pb.LoginRequest(), metadata=metadata)
    assert from_rpc_error(refused.value).reason == "DEADLINE_REQUIRED"


async def test_a_method_that_is_not_implemented_says_so(client: Client) -> None:
    stub = session_service_pb2_grpc.SessionServiceStub(client.channel)
    with pytest.raises(RemoteError) as refused:
        await client.call(stub.RevokeSession, RevokeSessionRequest(), caller=ALICE, timeout=5)
    assert refused.value.code in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)


async def test_health_needs_no_identity(client: Client) -> None:
    stub: Any = health_pb2_grpc.HealthStub(client.channel)  # its types know no methods
    for name in ("", "liveness", "readiness"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_method_without_a_level_keeps_the_server_from_starting() -> None:
    guarded = _GuardedServer(grpc.aio.server(), None)  # type: ignore[arg-type]  # refused before it is used
    handler: Any = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    with pytest.raises(PolicyMissing, match=r"grpc\.health\.v1\.Health\.Check"):
        guarded.add_registered_method_handlers("grpc.health.v1.Health", {"Check": handler})


async def test_what_cannot_be_reached_is_unavailable(trust: Trust) -> None:
    client = Client("127.0.0.1:1", audience="auth", minter=trust.minter())
    stub = auth_service_pb2_grpc.AuthServiceStub(client.channel)
    with pytest.raises(RemoteError) as failed:
        await client.call(stub.Login, pb.LoginRequest(), caller=ALICE, timeout=2)
    assert failed.value.reason == "UNAVAILABLE"
    await client.close()
