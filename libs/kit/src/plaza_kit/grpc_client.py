"""Calling another process: identity, deadline, retries where they are safe, errors as `RemoteError`."""

from typing import Any, TypeVar

import grpc
import orjson
from google.protobuf.descriptor import ServiceDescriptor

from plaza.options.v1 import options_pb2
from plaza_kit.caller import Caller
from plaza_kit.errors import from_rpc_error
from plaza_kit.grpc_server import MAX_MESSAGE_BYTES
from plaza_kit.internal_token import CALL_KEY, TOKEN_KEY, TokenMinter, pack_call

ResponseT = TypeVar("ResponseT")

_MARGIN_SECONDS = 0.02
"""Kept for the way back, so that the callee reports a missed deadline before we do."""


class Client:
    """One channel to one service.

    Attributes:
        channel: For the stubs. It connects on first use and again by itself, after 0.1 to 2 s.
    """

    def __init__(
        self, target: str, *, audience: str, minter: TokenMinter, services: tuple[ServiceDescriptor, ...] = ()
    ) -> None:
        """Open a channel.

        Args:
            target: A gRPC target, e.g. `dns:///auth:50051`; all addresses behind it share the calls.
            audience: The service's name, for the internal token.
            minter: Vouches for the callers.
            services: Contracts whose idempotent methods are tried again when the other side is unavailable.
        """
        self._audience = audience
        self._minter = minter
        self.channel = grpc.aio.insecure_channel(
            target,
            options=[
                ("grpc.service_config", _service_config(services)),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 2_000),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.http2.bdp_probe", 0),  # a ping per burst to size windows that our messages never fill
            ],
        )

    async def call(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Any, ResponseT]",
        request: Any,
        *,
        caller: Caller,
        timeout: float,
    ) -> ResponseT:
        """Call a method of a stub on this channel.

        Args:
            method: E.g. `stub.Login`.
            request: Its request.
            caller: On whose behalf.
            timeout: Seconds left for the whole call.

        Raises:
            RemoteError: The other side answered with an error, or did not answer.
        """
        try:
            return await method(
                request,
                timeout=timeout - _MARGIN_SECONDS,
                metadata=((TOKEN_KEY, self._minter.mint(self._audience, caller)), (CALL_KEY, pack_call(caller))),
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def close(self) -> None:
        """Close the channel; calls in flight fail."""
        await self.channel.close()


def _service_config(services: tuple[ServiceDescriptor, ...]) -> str:
    """Round robin over all addresses; idempotent methods are tried up to 3 times, at most one retry in ten calls."""
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    names = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if method.GetOptions().Extensions[options_pb2.idempotent]
    ]
    if names:
        config["methodConfig"] = [
            {
                "name": names,
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
        config["retryThrottling"] = {"maxTokens": 10, "tokenRatio": 0.1}
    return orjson.dumps(config).decode()
