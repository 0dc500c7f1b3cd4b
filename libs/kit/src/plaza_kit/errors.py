"""The errors a service may answer with, and their form on the wire.

    PlazaError
      InvalidArgument     broken fields                    Unauthenticated    who are you
      FailedPrecondition  not in this state                PermissionDenied   not you
      NotFound            no such thing                    AlreadyExists      there is one
      Aborted             lost a race, try again           ResourceExhausted  too much; retry_after says when
      Unavailable         not now; retry_after says when   DeadlineExceeded   took too long

A domain raises a subclass with a `reason` of its own. On the wire it is a `google.rpc.Status` with `ErrorInfo` (the
reason), `BadRequest` (the violations) and `RetryInfo`, as AIP-193 has it. Only this module knows `google.rpc`.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata key of the serialised `google.rpc.Status` (gRPC's own convention)."""


class Violation(NamedTuple):
    """One broken field: its name (dotted for nesting), a code such as TOO_LONG, and the limit it broke (0 if none)."""

    field: str
    code: str
    limit: int = 0


class PlazaError(Exception):
    """An answer other than success.

    Args:
        message: English, for logs; never shown to a person.
        metadata: Every dynamic part of the text, by name.
        violations: The broken fields, in the order to report.
        retry_after: Seconds after which a retry may succeed.
    """

    status: ClassVar[StatusCode] = StatusCode.INTERNAL
    reason: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str = "",
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message or self.reason)
        self.metadata = dict(metadata or {})
        self.violations = list(violations)
        self.retry_after = retry_after


class InvalidArgument(PlazaError):
    """The request is broken whatever the state."""

    status = StatusCode.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"


class Unauthenticated(PlazaError):
    """The caller is not who they must be."""

    status = StatusCode.UNAUTHENTICATED
    reason = "TOKEN_INVALID"


class PermissionDenied(PlazaError):
    """The caller may not do this."""

    status = StatusCode.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class NotFound(PlazaError):
    """There is no such thing, or none that the caller may know of."""

    status = StatusCode.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExists(PlazaError):
    """There is such a thing already."""

    status = StatusCode.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class FailedPrecondition(PlazaError):
    """The request is fine, the state is not."""

    status = StatusCode.FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class Aborted(PlazaError):
    """Somebody else was faster; trying again may work."""

    status = StatusCode.ABORTED
    reason = "ABORTED"


class ResourceExhausted(PlazaError):
    """A limit is reached."""

    status = StatusCode.RESOURCE_EXHAUSTED
    reason = "RATE_LIMITED"


class Unavailable(PlazaError):
    """Something needed is away for the moment."""

    status = StatusCode.UNAVAILABLE
    reason = "UNAVAILABLE"

    def __init__(self, message: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)


class DeadlineExceeded(PlazaError):
    """The time that the caller gave is up."""

    status = StatusCode.DEADLINE_EXCEEDED
    reason = "TIMEOUT"


class RemoteError(Exception):
    """An error another process answered with, or the failure to reach it.

    Attributes:
        code: The gRPC code.
        reason: The other side's reason, or `UNAVAILABLE` / `TIMEOUT` / `INTERNAL` when it gave none.
        metadata: The dynamic parts of the text.
        violations: The broken fields.
        retry_after: Seconds, if the other side named a time.
    """

    def __init__(
        self,
        code: StatusCode,
        reason: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code.name} {reason}")
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = list(violations)
        self.retry_after = retry_after


_BARE_REASONS = {
    StatusCode.UNAVAILABLE: "UNAVAILABLE",
    StatusCode.DEADLINE_EXCEEDED: "TIMEOUT",
    StatusCode.RESOURCE_EXHAUSTED: "UNAVAILABLE",  # gRPC itself says so at maximum_concurrent_rpcs
    StatusCode.CANCELLED: "CANCELLED",
    StatusCode.UNIMPLEMENTED: "UNIMPLEMENTED",
}


def to_status(error: PlazaError, domain: str) -> status_pb2.Status:
    """Return the wire form of an error.

    Args:
        error: What the domain raised.
        domain: Who answers: `auth.plaza`.
    """
    status = status_pb2.Status(code=error.status.value[0], message=error.reason)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata))
    if error.violations:
        bad_request = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad_request.field_violations.add(
                field=violation.field, reason=violation.code, description=str(violation.limit or "")
            )
        status.details.add().Pack(bad_request)
    if error.retry_after is not None:
        retry_info = error_details_pb2.RetryInfo()
        retry_info.retry_delay.FromMilliseconds(int(error.retry_after * 1000))
        status.details.add().Pack(retry_info)
    return status


def from_rpc_error(error: grpc.aio.AioRpcError) -> RemoteError:
    """Return what a failed call says, whoever made it fail."""
    code = error.code()
    details = next((value for key, value in error.trailing_metadata() or () if key == DETAILS_KEY), None)
    bare = RemoteError(code, _BARE_REASONS.get(code, "INTERNAL"))
    if not isinstance(details, bytes):
        return bare
    status = status_pb2.Status()
    try:
        status.ParseFromString(details)
    except DecodeError:
        return bare
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry_info = error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad_request)
        if detail.Unpack(retry_info):
            retry_after = retry_info.retry_delay.ToMilliseconds() / 1000
    return RemoteError(
        code,
        info.reason or bare.reason,
        metadata=info.metadata,
        violations=[
            Violation(item.field, item.reason, int(item.description or 0)) for item in bad_request.field_violations
        ],
        retry_after=retry_after,
    )
