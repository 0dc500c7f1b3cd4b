"""The one layer around all routes: request ids, problems, the access log and metrics."""

from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.accesslog import AccessLog
from gateway.body import ClientGone
from gateway.call import Call
from gateway.pipeline import CALL
from gateway.problems import Problem, from_remote
from gateway.routing import Access
from gateway.runtime import Runtime
from plaza_kit.errors import RemoteError

log = structlog.get_logger()

CLIENT_GONE = 499
"""Logged for a client that left before its answer (nginx's number; never sent)."""


class Edge:
    """Pure ASGI.

    Args:
        app: What is inside.
        runtime: The shared parts.
    """

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime
        self._log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no HTTP request is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(scope, self._runtime, receive=receive, send=send)
        scope[CALL] = call
        state = self._runtime.state
        state.in_flight += 1
        code = ""
        try:
            await self._app(scope, receive, send)
        except ClientGone:
            call.status = CLIENT_GONE
        except (Problem, RemoteError) as error:
            code = await self._refuse(call, error)
        except Exception as error:
            log.error("http.crashed", route=call.template, request_id=call.request_id, exc_info=error)
            code = await self._refuse(call, Problem("INTERNAL"))
        finally:
            state.in_flight -= 1
            self._record(call, code)

    async def _refuse(self, call: Call, error: Problem | RemoteError) -> str:
        """Answer with a problem; returns its code."""
        if isinstance(error, RemoteError):
            problem = from_remote(error, self._runtime.catalogue)
            if problem.code == "INTERNAL":
                log.error("http.service_failed", route=call.template, request_id=call.request_id, detail=str(error))
        else:
            problem = error
        if call.status:
            # The answer has begun: nothing can be said any more, and a cut-off answer must not look complete.
            raise problem
        rendered = self._runtime.renderer.render(problem, call.occasion())
        await call.respond(rendered.status, rendered.headers, rendered.body)
        return problem.code

    def _record(self, call: Call, code: str) -> None:
        route = call.route
        if route is not None and route.access is Access.PROBE:
            return
        fields: dict[str, Any] = {"request_id": call.request_id}
        if call.identity is not None:
            fields["user"] = call.identity.user_hash
        if code:
            fields["code"] = code
        self._log.write(call.started, call.scope["method"], call.template, status=call.status, fields=fields)
