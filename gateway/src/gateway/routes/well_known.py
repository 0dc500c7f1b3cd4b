"""The public keys."""

from gateway.call import Answer, Call
from gateway.problems import Problem
from gateway.routing import Access, Operation, Routes
from gateway.schemas.accounts import Jwk, Jwks

routes = Routes("Keys", "en")


@routes.get("/.well-known/jwks.json", Operation(access=Access.PUBLIC, answers=(Jwks,)))
async def get_jwks(call: Call) -> Answer:
    """Get the keys that verify access tokens."""
    keys = call.runtime.keys
    if not keys.is_loaded:
        raise Problem("UNAVAILABLE")
    documents = [Jwk(document.kid, document.x) for document in keys.documents]
    return Answer(Jwks(documents), [(b"cache-control", b"public, max-age=300")])
