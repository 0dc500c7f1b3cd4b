"""The unit of work of every RPC that changes something."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza_kit.caller import current_caller
from plaza_kit.errors import PlazaError
from plaza_kit.idempotency import Idempotency

PreparedT = TypeVar("PreparedT")
ResponseT = TypeVar("ResponseT", bound=Message)


class Writes:
    """Runs changes at most once per idempotency key.

    What is slow or counts failures (hashing, the throttle) must not sit in a transaction, so a change may have a
    preparation in front of it. A repeated request may fail there because the first one succeeded: its old password is
    wrong by then. So a failed preparation still asks for the kept answer of the key.
    """

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency

    async def run(
        self,
        method: str,
        request: Message,
        response_type: type[ResponseT],
        work: Callable[[AsyncConnection], Awaitable[ResponseT]],
    ) -> ResponseT:
        """Run `work` in one transaction, or answer what it answered before; see `Idempotency.run`."""
        return await self._idempotency.run(method, request, response_type, work)

    async def run_prepared(
        self,
        method: str,
        request: Message,
        response_type: type[ResponseT],
        *,
        prepare: Callable[[], Awaitable[PreparedT]],
        work: Callable[[AsyncConnection, PreparedT], Awaitable[ResponseT]],
    ) -> ResponseT:
        """Run `prepare` outside and `work` inside a transaction, or answer what was answered before."""
        try:
            prepared = await prepare()
        except PlazaError as error:
            if not current_caller().idempotency_key:
                raise
            return await self._idempotency.run(method, request, response_type, _raising(error))
        return await self._idempotency.run(
            method, request, response_type, lambda connection: work(connection, prepared)
        )


def _raising(error: PlazaError) -> Callable[[AsyncConnection], Awaitable[ResponseT]]:
    async def work(_: AsyncConnection) -> ResponseT:
        raise error

    return work
