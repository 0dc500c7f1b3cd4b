"""What stands before and after every RPC handler: identity, policy, deadline, errors, metrics, log, trace.

Handlers are wrapped once, when they are registered, so that a call pays for no chain of interceptors. Policy is read
from the contract (`plaza.options.v1.auth_level`): a method without a level keeps the server from starting.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from google.protobuf import descriptor_pool
from grpc import StatusCode

from plaza.options.v1 import options_pb2
from plaza_kit.caller import Caller, set_current_caller
from plaza_kit.errors import (
    DETAILS_KEY,
    DeadlineExceeded,
    FailedPrecondition,
    PermissionDenied,
    PlazaError,
    Unauthenticated,
    to_status,
)
from plaza_kit.internal_token import CALL_KEY, TOKEN_KEY, IdentityInvalid, TokenVerifier, unpack_call
from plaza_kit.metrics import RPC_HANDLED, RPC_SECONDS
from plaza_kit.telemetry import Telemetry

_LEAST_SECONDS = 0.05
"""A call with less time left is refused at once, so that the callee is the one to report it."""

_ROLES = {
    options_pb2.AUTH_LEVEL_MODERATOR: frozenset({"moderator", "admin"}),
    options_pb2.AUTH_LEVEL_ADMIN: frozenset({"admin"}),
}

log = structlog.get_logger()


class PolicyMissing(Exception):
    """A method has no auth level in its contract."""


class DeadlineRequired(FailedPrecondition):
    """The caller set no deadline."""

    reason = "DEADLINE_REQUIRED"


class LoginRequired(Unauthenticated):
    """The method is for signed-in users."""

    reason = "TOKEN_MISSING"


class InternalError(PlazaError):
    """A bug; the caller learns nothing of it."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its parts as metrics label them, and who may call it."""

    service: str
    name: str
    auth_level: "options_pb2.AuthLevel.ValueType"

    def admit(self, caller: Caller) -> None:
        """Let the caller pass.

        Raises:
            LoginRequired: Nobody is signed in.
            PermissionDenied: Somebody is, without the role.
        """
        level = self.auth_level
        if level == options_pb2.AUTH_LEVEL_PUBLIC:
            return
        if level == options_pb2.AUTH_LEVEL_SERVICE:
            if caller.user_id or caller.session_id:
                raise PermissionDenied("for services only")
            return
        if caller.is_anonymous:
            raise LoginRequired
        needed = _ROLES.get(level)
        if needed is not None and not needed & caller.roles:
            raise PermissionDenied(f"needs one of {sorted(needed)}")


def method_of(service: str, name: str) -> Method:
    """Read a method's policy from the contract.

    Raises:
        PolicyMissing: There is none.
    """
    descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    level = descriptor.GetOptions().Extensions[options_pb2.auth_level]
    if level == options_pb2.AUTH_LEVEL_UNSPECIFIED:
        raise PolicyMissing(f"{service}.{name} has no auth_level in its contract")
    return Method(service, name, level)


class Guard:
    """Wraps the handlers of one server."""

    def __init__(self, verifier: TokenVerifier, telemetry: Telemetry, domain: str) -> None:
        self._verifier = verifier
        self._telemetry = telemetry
        self._domain = domain

    def unary(self, method: Method, behaviour: Callable[[Any, Any], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Wrap a handler that answers once."""
        handled = RPC_HANDLED.labels(method.service, method.name, "OK")
        seconds = RPC_SECONDS.labels(method.service, method.name)

        async def handle(request: Any, context: Any) -> Any:
            started = time.perf_counter()
            caller = Caller()
            try:
                caller = self._identify(context)
                method.admit(caller)
                set_current_caller(caller)
                if self._telemetry.is_on:
                    response = await self._traced(method, behaviour, request, context, caller)
                else:
                    response = await behaviour(request, context)
            except Exception as error:
                await self._fail(method, context, error, caller, started)
                raise  # not reached: _fail ends the call
            handled.inc()
            seconds.observe(time.perf_counter() - started)
            return response

        return handle

    def streaming(self, method: Method, behaviour: Callable[[Any, Any], AsyncIterator[Any]]) -> Callable[..., Any]:
        """Wrap a handler that answers with a stream (an asynchronous generator)."""
        handled = RPC_HANDLED.labels(method.service, method.name, "OK")

        async def handle(request: Any, context: Any) -> AsyncIterator[Any]:
            started = time.perf_counter()
            caller = Caller()
            try:
                caller = self._identify(context)
                method.admit(caller)
                set_current_caller(caller)
                async for response in behaviour(request, context):
                    yield response
            except Exception as error:
                await self._fail(method, context, error, caller, started)
            handled.inc()

        return handle

    def _identify(self, context: Any) -> Caller:
        remaining = context.time_remaining()
        if remaining is None:
            raise DeadlineRequired
        if remaining < _LEAST_SECONDS:
            raise DeadlineExceeded("too little time left")
        token, call = "", b"[]"
        for key, value in context.invocation_metadata() or ():
            if key == TOKEN_KEY:
                token = value
            elif key == CALL_KEY:
                call = value
        if not token:
            raise IdentityInvalid("no internal token")
        return unpack_call(self._verifier.verify(token), call)

    async def _traced(
        self,
        method: Method,
        behaviour: Callable[[Any, Any], Awaitable[Any]],
        request: Any,
        context: Any,
        caller: Caller,
    ) -> Any:
        name = f"{method.service}/{method.name}"
        with self._telemetry.span(
            name, kind="server", traceparent=caller.traceparent, rpc__system__name="grpc", rpc__method=name
        ) as span:
            set_current_caller(caller._replace(traceparent=span.traceparent))  # events name this span as their cause
            try:
                return await behaviour(request, context)
            except PlazaError as error:
                if error.status in (StatusCode.INTERNAL, StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED):
                    span.fail(error.reason)
                raise

    async def _fail(self, method: Method, context: Any, error: Exception, caller: Caller, started: float) -> None:
        """Answer with an error; never returns."""
        if isinstance(error, grpc.aio.AbortError | asyncio.CancelledError):
            raise error
        if not isinstance(error, PlazaError):
            log.error("rpc.crashed", method=method.name, request_id=caller.request_id, exc_info=error)
            error = InternalError()
        log.info(
            "rpc.failed",
            method=method.name,
            code=error.status.name,
            reason=error.reason,
            detail=str(error),
            caller_id=caller.user_id,
            request_id=caller.request_id,
        )
        RPC_HANDLED.labels(method.service, method.name, error.status.name).inc()
        RPC_SECONDS.labels(method.service, method.name).observe(time.perf_counter() - started)
        status = to_status(error, self._domain)
        await context.abort(error.status, error.reason, ((DETAILS_KEY, status.SerializeToString()),))
