"""Pages far down are what counting from the top would give, whatever happens to the list."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from forum import models, page_positions, post_pages
from forum.ranks import MODERATOR
from plaza.forum.v1 import post_pb2
from plaza.forum.v1 import post_service_pb2 as pb

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LIVE, DELETED = post_pb2.CONTENT_STATUS_LIVE, post_pb2.CONTENT_STATUS_DELETED


class Rows:
    """Writes posts straight into the table, with the counters that the service would keep."""

    def __init__(self, forum: Any) -> None:
        self._forum = forum
        self._last = BEGIN

    async def add(self, count: int, *, category_id: int = 1, at: datetime | None = None) -> None:
        rows = [self._row(category_id, at) for _ in range(count)]

        async def work(connection: Any) -> None:
            await connection.execute(insert(models.posts), rows)
            await _count(connection, category_id, count, changes=0)

        await self._write(work)

    async def set_status(self, post_id: int, status: int) -> None:
        async def work(connection: Any) -> None:
            found = select(models.posts.c.category_id, models.posts.c.status).where(models.posts.c.id == post_id)
            category_id, old = (await connection.execute(found)).one()
            if old != status:
                await connection.execute(update(models.posts).where(models.posts.c.id == post_id).values(status=status))
                await _count(connection, category_id, 1 if status == LIVE else -1, changes=1)

        await self._write(work)

    async def ids(self, *hidden: int) -> list[int]:
        """Return the ids of all live posts, newest first: what the pages must be cut from."""
        columns = models.posts.c
        found = (
            select(columns.id)
            .where(columns.status == LIVE, columns.category_id.not_in(hidden))
            .order_by(columns.created_time.desc(), columns.id.desc())
        )
        async with self._forum.service.foundation.database.read() as connection:
            return list((await connection.execute(found)).scalars())

    async def _write(self, work: Callable[[Any], Awaitable[None]]) -> None:
        await self._forum.service.foundation.database.write(work)

    def _row(self, category_id: int, at: datetime | None) -> dict[str, Any]:
        self._last += timedelta(seconds=random.choice((0, 0, 1)))
        moment = at or self._last
        return {
            "author_id": 1,
            "category_id": category_id,
            "title": "t",
            "content": "c",
            "content_html": "c",
            "content_hash": b"",
            "excerpt": "c",
            "status": LIVE,
            "version": 1,
            "created_time": moment,
            "updated_time": moment,
            "last_activity_time": moment,
            **dict.fromkeys(("reply_seq", "reply_count", "up_count", "down_count", "score", "pin_scope"), 0),
            "is_locked": False,
            "is_featured": False,
        }


async def _count(connection: Any, category_id: int, by: int, *, changes: int) -> None:
    columns = models.categories.c
    counters = {"post_count": columns.post_count + by, "change_count": columns.change_count + changes}
    await connection.execute(update(models.categories).where(columns.id == category_id).values(counters))


@pytest.fixture
async def rows(forum: Any, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """A forum whose pages are deep after 20 posts, with a known place every 7 posts."""
    monkeypatch.setattr(post_pages, "SHALLOW", 20)
    monkeypatch.setattr(page_positions, "STEP", 7)
    await forum.post(forum.user("alice"))  # makes the author's row
    return Rows(forum)


async def pages(forum: Any, size: int, caller: Any = None) -> list[int]:
    """Return the ids on all pages, asked for from the last page up."""
    found: list[int] = []
    last = await forum.call("ListPostPage", pb.ListPostPageRequest(page=0, page_size=size), caller)
    for number in range(last.page_count, 0, -1):
        response = await forum.call("ListPostPage", pb.ListPostPageRequest(page=number, page_size=size), caller)
        assert (response.page, response.total_size) == (number, last.total_size)
        found = [post.id for post in response.posts] + found
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_every_page_is_what_counting_from_the_top_gives(forum: Any, rows: Rows, seed: int) -> None:
    choices = random.Random(seed)
    hidden = await forum.category(read_role="moderator", write_role="moderator")
    for category_id in (1, hidden, 1):
        await rows.add(40, category_id=category_id)
    for _ in range(6):
        change = choices.choice(("add", "add hidden", "delete", "restore", "nothing"))
        if change.startswith("add"):
            await rows.add(choices.randint(1, 30), category_id=hidden if "hidden" in change else 1)
        elif change in ("delete", "restore"):
            for post_id in choices.sample(await rows.ids(), 5):
                await rows.set_status(post_id, DELETED)
                if change == "restore" and choices.random() < 0.5:
                    await rows.set_status(post_id, LIVE)
        size = choices.randint(1, 13)
        assert await pages(forum, size) == await rows.ids(hidden)
        assert await pages(forum, size, forum.moderator()) == await rows.ids()


async def test_known_places_are_not_read_again_until_a_post_leaves(
    forum: Any, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.add(100)
    statements = forum.service.foundation.repositories.post_pages.without(frozenset())
    reads = 0
    read = statements.place_above

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args, **more)

    monkeypatch.setattr(statements, "place_above", counted)
    await pages(forum, 10)
    built = reads
    await pages(forum, 10)
    assert (built > 5, reads) == (True, built)

    await rows.add(7)
    await pages(forum, 10)
    assert 0 < reads - built <= 2

    before = reads
    await rows.set_status((await rows.ids())[-1], DELETED)
    assert await pages(forum, 10) == await rows.ids()
    assert reads - before >= built - 1


async def test_posts_of_the_last_minute_are_no_known_places(forum: Any, rows: Rows) -> None:
    now = forum.clock()
    await rows.add(60, at=now)
    await rows.add(20, at=now - timedelta(seconds=30))  # committed later than the others

    assert await pages(forum, 9) == await rows.ids()
    await rows.add(20, at=now - timedelta(seconds=20))
    assert await pages(forum, 9) == await rows.ids()


async def test_a_list_that_changes_between_two_statements_is_counted_from_the_top(
    forum: Any, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.add(60)
    await pages(forum, 10)
    statements = forum.service.foundation.repositories.post_pages.without(frozenset())
    read = statements.from_place

    async def overtaken(*args: Any, **more: Any) -> Any:
        await rows.set_status((await rows.ids())[-1], DELETED)
        await rows.add(1)
        return await read(*args, **more)

    monkeypatch.setattr(statements, "from_place", overtaken)
    response = await forum.call("ListPostPage", pb.ListPostPageRequest(page=4, page_size=10))

    assert [post.id for post in response.posts] == (await rows.ids())[30:40]


async def test_a_category_that_is_hidden_from_now_on_is_left_out_at_once(forum: Any, rows: Rows) -> None:
    garden = await forum.category()
    for category_id in (1, garden, 1):
        await rows.add(30, category_id=category_id)
    assert await pages(forum, 10) == await rows.ids()
    await forum.service.foundation.database.write(
        lambda connection: connection.execute(
            update(models.categories).where(models.categories.c.id == garden).values(read_rank=MODERATOR)
        )
    )
    forum.service.categories.drop()

    assert await pages(forum, 10) == await rows.ids(garden)
    assert await pages(forum, 10, forum.moderator()) == await rows.ids()
