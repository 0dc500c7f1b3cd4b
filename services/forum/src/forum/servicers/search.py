"""SearchService: what is found, for everybody."""

from typing import Any

from forum.search import Search
from plaza.forum.v1 import search_service_pb2 as pb
from plaza.forum.v1 import search_service_pb2_grpc
from plaza_kit.caller import current_caller


class SearchServicer(search_service_pb2_grpc.SearchServiceServicer):
    """See the contract."""

    def __init__(self, search: Search) -> None:
        self._search = search

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:
        """Return what was found, best first."""
        return await self._search.find(current_caller(), request)
