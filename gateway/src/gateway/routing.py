"""Routes and the table that finds them.

Both spellings of a path, with and without the trailing slash, are served directly. Paths without parameters are found
in one dictionary; of the others those with the same beginning and as many parts are tried afterwards, so a parameter
never shadows a fixed path, and a request's cost does not grow with the routes. `{id}` and `{n}` stand for ASCII digits,
`{uuid}` for a UUID in the usual form; anything else there is another path, so it does not exist.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec
from google.protobuf.message import Message

from gateway.language import Language

if TYPE_CHECKING:
    from gateway.call import Answer, Call

Handler = Callable[["Call"], Awaitable["msgspec.Struct | Answer | None"]]

_PARAMETER = re.compile(r"\{(id|n|uuid)\}")
_PATTERNS = {
    "id": "(?P<id>[0-9]+)",
    "n": "(?P<n>[0-9]+)",
    "uuid": "(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})",
}
READ_SECONDS = 2.0
WRITE_SECONDS = 5.0


class Access(Enum):
    """Who may come in; the service decides what they may do."""

    PUBLIC = "public"
    """Anybody; a valid token is used, an invalid one is ignored."""
    USER = "user"
    """Only with a valid token."""
    PROBE = "probe"
    """For the platform: no token, no limit, no log line."""


class Rate(Enum):
    """The classes of rate limits."""

    READ = "read"
    WRITE = "write"
    CREDENTIALS = "credentials"
    TEXT = "text"
    """Posts, replies and reports: what others read."""
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Body:
    """What a route reads from its body.

    Attributes:
        message: The request message whose ruled fields are read.
        patterns: Regular expressions by field, for the documentation, where the domain has rules of its own.
        is_optional: An empty body is an empty object.
        is_partial: What the contract requires to create may be left out to change.
        schema: A JSON schema to document instead, where one message does not say it all.
    """

    message: type[Message]
    patterns: Mapping[str, str] = field(default_factory=dict)
    is_optional: bool = False
    is_partial: bool = False
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One query parameter: its name, JSON schema and meaning, and whether nothing goes without it."""

    name: str
    schema: Mapping[str, Any]
    description: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """Whose answers may be kept for a moment and given to others (see `cache.py`); only what nobody signed in gets.

    Attributes:
        tags: What the answer shows: `posts`, `post:{id}`; names in braces are the path's parameters.
        by_rank: All that differs between signed-in users is their role, so those of one role may share too.
    """

    tags: tuple[str, ...]
    by_rank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a route promises.

    Attributes:
        access: Who may come in.
        answers: The types that the answer's body may have; none is no body.
        status: Of a success.
        body: What is read; None leaves a body unread.
        query: The parameters that count.
        errors: Codes of its own; those that every route has are implied.
        rate: The class of its rate limit; by default by its method.
        budget: Seconds for everything behind the gateway; by default by its method.
        is_documented: It stands in the OpenAPI document.
        raw: JSON schema of an answer that is finished bytes.
        media_type: Of the answer.
        has_tag: The answer has an `ETag`, so that clients can ask whether theirs is still good.
        shared: How the answer may be shared; None is never.
        changes: Tags of the shared answers that a success outdates; `*` is all. Events say so too, a little later.
    """

    access: Access = Access.USER
    answers: tuple[type[msgspec.Struct], ...] = ()
    status: int = 200
    body: Body | None = None
    query: tuple[Query, ...] = ()
    errors: tuple[str, ...] = ()
    rate: Rate | None = None
    budget: float = 0.0
    is_documented: bool = True
    raw: Mapping[str, Any] | None = None
    media_type: str = "application/json"
    has_tag: bool = False
    shared: Shared | None = None
    changes: tuple[str, ...] = ()


class Route:
    """One operation on one path."""

    __slots__ = (
        "access",
        "body",
        "budget",
        "handler",
        "is_write",
        "language",
        "method",
        "operation",
        "path",
        "rate",
        "tag",
    )

    def __init__(self, method: str, path: str, *, operation: Operation, handler: Handler, group: "Routes") -> None:
        self.method = method
        self.path = path
        self.operation = operation
        self.handler = handler
        self.language = group.language
        self.tag = group.tag
        self.is_write = method != "GET"
        self.access = operation.access
        self.body = operation.body
        self.rate = operation.rate or (Rate.WRITE if self.is_write else Rate.READ)
        self.budget = operation.budget or (WRITE_SECONDS if self.is_write else READ_SECONDS)

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of the handler's docstring."""
        rest = (self.handler.__doc__ or "").strip().partition("\n")[2]
        return "\n".join(line.strip() for line in rest.strip().splitlines())


class Routes:
    """A group of routes that share a tag and a default language; filled by decorators.

    Args:
        tag: For the documentation.
        language: The default.
    """

    def __init__(self, tag: str, language: Language) -> None:
        self.tag = tag
        self.language = language
        self.routes: list[Route] = []

    def add(self, method: str, path: str, *, operation: Operation, handler: Handler) -> None:
        """Add a route."""
        self.routes.append(Route(method, path, operation=operation, handler=handler, group=self))

    def get(self, path: str, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve GET (and HEAD) with the decorated function."""
        return self._decorator("GET", path, operation=operation)

    def post(self, path: str, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve POST with the decorated function."""
        return self._decorator("POST", path, operation=operation)

    def put(self, path: str, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve PUT with the decorated function."""
        return self._decorator("PUT", path, operation=operation)

    def patch(self, path: str, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve PATCH with the decorated function."""
        return self._decorator("PATCH", path, operation=operation)

    def delete(self, path: str, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve DELETE with the decorated function."""
        return self._decorator("DELETE", path, operation=operation)

    def _decorator(self, method: str, path: str, *, operation: Operation) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.add(method, path, operation=operation, handler=handler)
            return handler

        return register


class Path:
    """All operations on one path.

    Attributes:
        template: As registered; what metrics, logs and documentation show.
        routes: By method; HEAD has the entry of GET.
        allow: The value of `Allow`.
        methods: For texts: `GET或POST`.
        is_protected: No operation here is for everybody, so the token is asked for before the method is looked at.
        language: The default.
    """

    __slots__ = ("allow", "is_protected", "language", "methods", "routes", "template")

    def __init__(self, template: str, routes: Sequence[Route]) -> None:
        self.template = template
        self.routes: dict[str, Route] = {route.method: route for route in routes}
        if len(self.routes) != len(routes):
            raise ValueError(f"{template}: a method twice")
        self.methods = "或".join(route.method for route in routes)
        self.is_protected = all(route.access is Access.USER for route in routes)
        self.language = routes[0].language
        if "GET" in self.routes:
            self.routes["HEAD"] = self.routes["GET"]
        self.allow = ", ".join((*self.routes, "OPTIONS")).encode()


class PathTable:
    """Finds the path of a request.

    Args:
        routes: All of them.

    Raises:
        ValueError: Two routes have the same path and method.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        by_path: dict[str, list[Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, []).append(route)
        self.paths = [Path(template, group) for template, group in by_path.items()]
        self._fixed: dict[str, Path] = {}
        self._patterns: dict[tuple[str, int], list[tuple[re.Pattern[str], Path]]] = {}
        for path in self.paths:
            bare = path.template.rstrip("/")
            if _PARAMETER.search(bare):
                pattern = _PARAMETER.sub(
                    lambda match: _PATTERNS[match[1]], re.escape(bare).replace(r"\{", "{").replace(r"\}", "}")
                )
                entry = re.compile(pattern + "/?", re.ASCII), path
                self._patterns.setdefault(_shape(bare), []).append(entry)
            else:
                self._fixed[bare] = self._fixed[bare + "/"] = path

    def find(self, path: str) -> tuple[Path | None, Mapping[str, str]]:
        """Return the entry for a request's path and the values of its parameters; None if there is none."""
        found = self._fixed.get(path)
        if found is not None:
            return found, _NO_PARAMETERS
        for pattern, candidate in self._patterns.get(_shape(path), ()):
            match = pattern.fullmatch(path)
            if match:
                return candidate, match.groupdict()
        return None, _NO_PARAMETERS


_NO_PARAMETERS: Mapping[str, str] = {}


def _shape(path: str) -> tuple[str, int]:
    """Return the first part of a path and how many parts it has; a slash at its end does not count."""
    return path[1:].partition("/")[0], path.count("/") - path.endswith("/")
