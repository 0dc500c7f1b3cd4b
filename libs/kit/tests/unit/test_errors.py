import grpc
import pytest

from plaza_kit.errors import (
    DETAILS_KEY,
    InvalidArgument,
    PlazaError,
    ResourceExhausted,
    Unavailable,
    Violation,
    from_rpc_error,
    to_status,
)


class NameTaken(InvalidArgument):
    reason = "NAME_TAKEN"


def over_the_wire(error: PlazaError) -> grpc.aio.AioRpcError:
    details = to_status(error, "test.plaza").SerializeToString()
    return grpc.aio.AioRpcError(
        error.status, grpc.aio.Metadata(), grpc.aio.Metadata((DETAILS_KEY, details)), details=error.reason
    )


def test_an_error_keeps_everything_on_the_wire() -> None:
    sent = NameTaken(
        "for the log only",
        metadata={"name": "张三"},
        violations=[Violation("name", "TOO_LONG", 20), Violation("age", "WRONG_TYPE")],
        retry_after=1.5,
    )
    received = from_rpc_error(over_the_wire(sent))
    assert (received.code, received.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NAME_TAKEN")
    assert received.metadata == {"name": "张三"}
    assert received.violations == [Violation("name", "TOO_LONG", 20), Violation("age", "WRONG_TYPE")]
    assert received.retry_after == 1.5


def test_the_text_for_the_log_never_leaves() -> None:
    assert b"for the log only" not in to_status(NameTaken("for the log only"), "test.plaza").SerializeToString()


@pytest.mark.parametrize("error", [Unavailable(), ResourceExhausted(retry_after=7.0)])
def test_a_time_to_retry_arrives(error: PlazaError) -> None:
    assert from_rpc_error(over_the_wire(error)).retry_after == error.retry_after


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "TIMEOUT"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "UNAVAILABLE"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL"),
    ],
)
@pytest.mark.parametrize("details", [None, b"\xff\xff not a status"])
def test_a_failure_without_readable_details_has_a_reason_all_the_same(
    code: grpc.StatusCode, reason: str, details: bytes | None
) -> None:
    trailing = grpc.aio.Metadata((DETAILS_KEY, details)) if details else grpc.aio.Metadata()
    assert from_rpc_error(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing)).reason == reason
