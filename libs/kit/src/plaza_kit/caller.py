"""On whose behalf a request is served."""

from contextvars import ContextVar
from typing import NamedTuple


class Caller(NamedTuple):
    """The user behind a request, and the request itself. A tuple, because each hop makes one per call.

    Attributes:
        user_id: Primary key of the user; 0 is nobody in particular.
        username: The user's name; empty for nobody.
        roles: Their roles; empty for nobody.
        session_id: The sign-in that the token belongs to.
        token_version: The version of the user's tokens it was issued with.
        issuer: The process that vouches for all this, e.g. `gateway`.
        request_id: Correlation id, 8 to 64 characters.
        idempotency_key: The client's key for this write; empty if none.
        address: The client's address.
        user_agent: The client's user agent, cut to 200 characters.
        traceparent: W3C trace context; empty if there is none.
    """

    user_id: int = 0
    username: str = ""
    roles: frozenset[str] = frozenset()
    session_id: str = ""
    token_version: int = 0
    issuer: str = ""
    request_id: str = ""
    idempotency_key: str = ""
    address: str = ""
    user_agent: str = ""
    traceparent: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Nobody has signed in."""
        return self.user_id == 0


_current: ContextVar[Caller] = ContextVar("plaza_caller")


def current_caller() -> Caller:
    """Return the caller of the RPC that is being served.

    Raises:
        LookupError: No RPC is being served here.
    """
    return _current.get()


def set_current_caller(caller: Caller) -> None:
    """Make `caller` the one that `current_caller` returns in this task; the server's interceptor does."""
    _current.set(caller)
