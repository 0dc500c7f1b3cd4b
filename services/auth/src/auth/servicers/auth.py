"""AuthService: registration, sign-in and the keys that prove it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.login import Verified
from auth.registration import Draft
from auth.servicers.writes import Writes
from auth.sign_in import SignIn
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza.auth.v1 import auth_service_pb2_grpc, token_pb2
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class AuthServicer(auth_service_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, sign_in: SignIn) -> None:
        self._database = database
        self._writes = writes
        self._registration = sign_in.registration
        self._login = sign_in.login
        self._sessions = sign_in.sessions
        self._revocations = sign_in.revocations
        self._keys = sign_in.keys

    async def Register(self, request: pb.RegisterRequest, context: Any) -> pb.RegisterResponse:
        """Create an account."""

        async def work(connection: AsyncConnection, draft: Draft) -> pb.RegisterResponse:
            return pb.RegisterResponse(user_id=await self._registration.create(connection, draft))

        return await self._writes.run_prepared(
            "Register", request, pb.RegisterResponse, prepare=lambda: self._registration.prepare(request), work=work
        )

    async def Login(self, request: pb.LoginRequest, context: Any) -> pb.LoginResponse:
        """Open a session."""
        caller = current_caller()

        async def work(connection: AsyncConnection, verified: Verified) -> pb.LoginResponse:
            return await self._login.sign_in(connection, verified, caller)

        return await self._writes.run_prepared(
            "Login",
            request,
            pb.LoginResponse,
            prepare=lambda: self._login.verify(request, caller.address),
            work=work,
        )

    async def RefreshToken(self, request: pb.RefreshTokenRequest, context: Any) -> pb.RefreshTokenResponse:
        """Exchange a refresh token; the grace of its predecessor is what makes a repetition safe, not a key."""
        return pb.RefreshTokenResponse(tokens=await self._sessions.refresh(request, current_caller()))

    async def GetJwks(self, request: pb.GetJwksRequest, context: Any) -> pb.GetJwksResponse:
        """Return the public keys."""
        return pb.GetJwksResponse(keys=[token_pb2.Jwk(kid=key.kid, x=key.x) for key in self._keys.all])

    async def ListRevocations(self, request: pb.ListRevocationsRequest, context: Any) -> pb.ListRevocationsResponse:
        """Return what is refused although it has not expired."""
        async with self._database.read() as connection:
            return await self._revocations.list_page(connection, request)
