"""One method of a service."""

from collections.abc import Awaitable
from typing import Generic, TypeVar

import grpc

from plaza_kit.caller import Caller
from plaza_kit.grpc_client import Client

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class Rpc(Generic[RequestT, ResponseT]):
    """One method, together with the channel it is called on."""

    __slots__ = ("_client", "_method")

    def __init__(self, client: Client, method: "grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]") -> None:
        self._client = client
        self._method = method

    def call(self, request: RequestT, *, caller: Caller, timeout: float) -> Awaitable[ResponseT]:
        """Call it.

        Raises:
            RemoteError: See `plaza_kit.grpc_client.Client.call`.
        """
        return self._client.call(self._method, request, caller=caller, timeout=timeout)
