"""Errors and their one form on the wire: RFC 9457 problem documents with the legacy member `error`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from grpc import StatusCode

from gateway.catalogue import Catalogue
from gateway.language import Language
from plaza_kit.errors import RemoteError, Violation

Header = tuple[bytes, bytes]
CONTENT_TYPE = b"application/problem+json"

# UNAUTHENTICATED is missing on purpose: what users are told about their tokens has a code of its own, so without one
# the service has refused our internal token, and that is a defect of the installation.
_BY_STATUS = {
    StatusCode.INVALID_ARGUMENT: "INVALID_REQUEST",
    StatusCode.OUT_OF_RANGE: "INVALID_REQUEST",
    StatusCode.FAILED_PRECONDITION: "FAILED_PRECONDITION",
    StatusCode.PERMISSION_DENIED: "PERMISSION_DENIED",
    StatusCode.NOT_FOUND: "NOT_FOUND",
    StatusCode.ALREADY_EXISTS: "ALREADY_EXISTS",
    StatusCode.ABORTED: "ABORTED",
    StatusCode.RESOURCE_EXHAUSTED: "RATE_LIMITED",
    StatusCode.UNIMPLEMENTED: "UNIMPLEMENTED",
    StatusCode.UNAVAILABLE: "UNAVAILABLE",
    StatusCode.CANCELLED: "UNAVAILABLE",
    StatusCode.DEADLINE_EXCEEDED: "TIMEOUT",
}
_RETRY_AFTER = {429: 1.0, 503: 1.0}
"""Seconds to name, by status, where nobody has said when to come again."""


class Problem(Exception):
    """An answer other than success.

    Args:
        code: A code of the catalogue.
        metadata: The dynamic parts of its text.
        violations: The broken fields, in the order to report.
        retry_after: Seconds after which a retry may succeed.
        headers: Further response headers.
    """

    def __init__(
        self,
        code: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.metadata = metadata or {}
        self.violations = violations
        self.retry_after = retry_after
        self.headers = headers


class Occasion(NamedTuple):
    """Where a problem arose: what its document says besides the code.

    Attributes:
        language: To answer in.
        route: The route's method and path, `GET /posts/{id}`, for its own wording.
        instance: The request's path as received.
        request_id: Its correlation id.
    """

    language: Language
    route: str
    instance: str
    request_id: str


class Rendered(NamedTuple):
    """A finished answer."""

    status: int
    headers: list[Header]
    body: bytes


def from_remote(error: RemoteError, catalogue: Catalogue) -> Problem:
    """Return the problem for what a service answered: by its reason, else by its gRPC code, else INTERNAL."""
    code = error.reason if error.reason in catalogue.codes else _BY_STATUS.get(error.code, "INTERNAL")
    return Problem(code, metadata=error.metadata, violations=error.violations, retry_after=error.retry_after)


class ProblemRenderer:
    """Makes problem documents out of problems.

    Args:
        catalogue: The texts.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._encoder = msgspec.json.Encoder()

    def document(self, problem: Problem, occasion: Occasion) -> dict[str, Any]:
        """Return the members of the problem document."""
        code = self._catalogue.codes[problem.code]
        language = occasion.language
        text = code.text(language, occasion.route, problem.metadata)
        document: dict[str, Any] = {
            "type": code.type,
            "title": code.title[language],
            "status": code.status,
            "detail": text,
            "instance": occasion.instance,
            "error": text,
            "code": code.name,
            "request_id": occasion.request_id,
        }
        if problem.violations:
            document["errors"] = [
                {"field": item.field, "code": item.code, "message": self._violation(item, language)}
                for item in problem.violations
            ]
        return document

    def render(self, problem: Problem, occasion: Occasion) -> Rendered:
        """Return status, headers and body; the headers that every response has are not among them."""
        code = self._catalogue.codes[problem.code]
        headers: list[Header] = [
            (b"content-type", CONTENT_TYPE),
            (b"content-language", occasion.language.encode()),
            (b"cache-control", b"no-store"),
            *problem.headers,
        ]
        retry_after = problem.retry_after
        if retry_after is None:
            retry_after = _RETRY_AFTER.get(code.status)
        if retry_after is not None:
            headers.append((b"retry-after", str(max(1, math.ceil(retry_after))).encode()))
        if code.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        return Rendered(code.status, headers, self._encoder.encode(self.document(problem, occasion)))

    def _violation(self, violation: Violation, language: Language) -> str:
        return self._catalogue.violation(violation.code, violation.limit, language)
