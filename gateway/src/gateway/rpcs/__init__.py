"""The services behind the gateway and their methods."""

from gateway.rpcs.auth import AUTH_CONTRACTS, AuthRpcs
from gateway.rpcs.forum import FORUM_CONTRACTS, ForumRpcs
from gateway.rpcs.rpc import Rpc
from plaza_kit.grpc_client import Client

__all__ = ["AUTH_CONTRACTS", "FORUM_CONTRACTS", "AuthRpcs", "ForumRpcs", "Rpc", "Services"]


class Services:
    """All services; closing them closes their channels."""

    def __init__(self, *, auth: Client, forum: Client) -> None:
        self.auth = AuthRpcs(auth)
        self.forum = ForumRpcs(forum)

    async def close(self) -> None:
        """Close all channels."""
        await self.auth.client.close()
        await self.forum.client.close()
