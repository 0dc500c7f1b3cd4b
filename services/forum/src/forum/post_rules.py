"""What a new or changed post must keep to, beyond its own fields."""

from sqlalchemy.ext.asyncio import AsyncConnection

from forum.categories import CategoryDirectory
from forum.content import Rendered, Renderer
from forum.errors import CategoryNotFound, CategoryReadOnly, ContentRejected
from forum.word_filters import WordFilters


class PostRules:
    """Lets places and texts pass, or not."""

    def __init__(self, directory: CategoryDirectory, renderer: Renderer, word_filters: WordFilters) -> None:
        self._directory = directory
        self._renderer = renderer
        self._word_filters = word_filters

    async def check_place(self, category_id: int, rank: int) -> None:
        """Let a category pass in which somebody of that rank may write.

        Raises:
            CategoryNotFound: There is none for them (CATEGORY_NOT_FOUND).
            CategoryReadOnly: They may only read there (CATEGORY_READ_ONLY).
        """
        categories = await self._directory.current()
        if not categories.may_read(category_id, rank):
            raise CategoryNotFound
        if not categories.may_write(category_id, rank):
            raise CategoryReadOnly

    async def render(self, connection: AsyncConnection, content: str) -> Rendered:
        """Return a text as HTML, with who is named in it."""
        return await self._renderer.render(connection, content)

    async def must_hold(self, title: str, content: str, *, rank: int) -> bool:
        """Tell whether a word filter wants a review first.

        Raises:
            ContentRejected: One refuses the text (CONTENT_REJECTED).
        """
        verdict = await self._word_filters.judge(title, content, rank=rank)
        if verdict == "reject":
            raise ContentRejected
        return verdict == "hold"
