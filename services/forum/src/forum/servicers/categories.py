"""CategoryService: what there is, for everybody; what is to be, by admins."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.category_changes import CategoryChanges
from forum.servicers.writes import Writes
from plaza.forum.v1 import category_service_pb2 as pb
from plaza.forum.v1 import category_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class CategoryServicer(category_service_pb2_grpc.CategoryServiceServicer):
    """See the contract."""

    def __init__(
        self, database: Database, writes: Writes, *, directory: CategoryDirectory, changes: CategoryChanges
    ) -> None:
        self._database = database
        self._writes = writes
        self._directory = directory
        self._changes = changes

    async def ListCategories(self, request: pb.ListCategoriesRequest, context: Any) -> pb.ListCategoriesResponse:
        """Return all that the caller may read."""
        async with self._database.read() as connection:
            return await self._directory.list_readable(connection, current_caller())

    async def GetCategory(self, request: pb.GetCategoryRequest, context: Any) -> pb.GetCategoryResponse:
        """Return one category."""
        async with self._database.read() as connection:
            return await self._directory.get(connection, current_caller(), request.category_id)

    async def CreateCategory(self, request: pb.CreateCategoryRequest, context: Any) -> pb.CreateCategoryResponse:
        """Make a category."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.CreateCategoryResponse:
            return await self._changes.create(connection, caller, request)

        response = await self._writes.run("CreateCategory", request, pb.CreateCategoryResponse, work)
        self._directory.drop()
        return response

    async def UpdateCategory(self, request: pb.UpdateCategoryRequest, context: Any) -> pb.UpdateCategoryResponse:
        """Change a category."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.UpdateCategoryResponse:
            return await self._changes.update(connection, caller, request)

        response = await self._writes.run("UpdateCategory", request, pb.UpdateCategoryResponse, work)
        self._directory.drop()
        return response

    async def DeleteCategory(self, request: pb.DeleteCategoryRequest, context: Any) -> pb.DeleteCategoryResponse:
        """Remove a category."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.DeleteCategoryResponse:
            return await self._changes.delete(connection, caller, request.category_id)

        response = await self._writes.run("DeleteCategory", request, pb.DeleteCategoryResponse, work)
        self._directory.drop()
        return response
