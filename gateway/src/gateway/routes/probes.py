"""For the platform: liveness, readiness and metrics."""

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.addresses import within
from gateway.call import Answer, Call
from gateway.problems import Problem
from gateway.routing import Access, Operation, Routes

routes = Routes("Probes", "en")


class Health(msgspec.Struct):
    """A state in one word."""

    status: str


@routes.get("/livez", Operation(access=Access.PROBE, answers=(Health,)))
async def live(call: Call) -> Health:
    """Tell whether the process answers."""
    return Health("ok")


@routes.get("/readyz", Operation(access=Access.PROBE, answers=(Health,)))
async def ready(call: Call) -> Health:
    """Tell whether the process takes requests: the signing keys are loaded, and it is not about to end."""
    if call.runtime.state.is_draining or not call.runtime.identities.is_ready:
        raise Problem("UNAVAILABLE")
    return Health("ok")


@routes.get("/metrics", Operation(access=Access.PROBE, is_documented=False))
async def metrics(call: Call) -> Answer:
    """Show the process's metrics to those who may see them; for all others they do not exist."""
    if not within(call.peer, call.runtime.settings.metrics_networks) or b"x-forwarded-for" in call.headers:
        raise Problem("ROUTE_NOT_FOUND")
    return Answer(generate_latest(), [(b"content-type", CONTENT_TYPE_LATEST.encode())])
