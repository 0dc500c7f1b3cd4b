"""The search index through restarts, losses of the bus, and trouble with its folder."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from forum import indexing, models
from forum.indexing import Indexing
from forum.main import SERVICE
from forum.metrics import SEARCH_REBUILDS
from forum.search_index import SearchIndex, Wanted
from forum.tokens import terms_of
from plaza.forum.v1 import forum_events_pb2 as events_pb
from plaza.forum.v1.post_pb2 import CONTENT_STATUS_REMOVED
from plaza_kit.event_stream import FIELD, stream_name
from plaza_kit.outbox import Outbox
from plaza_kit.relay import Relay
from plaza_kit.testing.polling import eventually

STREAM = stream_name(SERVICE, 0)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(redis_url)
    await client.delete(STREAM)
    yield client
    await client.aclose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "search"


@pytest.fixture
def make_indexing(board: Any, folder: Path) -> Callable[..., Indexing]:
    def make(**changes: Any) -> Indexing:
        values: dict[str, Any] = {"database": "here", "folder": folder, "streams": [STREAM]}
        return Indexing(board.forum.service.foundation, **(values | changes))

    return make


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part(stop)) for part in parts]
    yield
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 15)


@asynccontextmanager
async def indexed(the_indexing: Indexing, redis: "Redis") -> AsyncIterator[SearchIndex]:
    """Run an index until the block ends; yields it once it can be searched."""
    async with running(partial(the_indexing.run, redis)):
        await eventually(lambda: the_indexing.index is not None, timeout=15)
        assert the_indexing.index is not None
        yield the_indexing.index
    the_indexing.close()


def relay(board: Any, redis: "Redis") -> Any:
    return Relay(board.database, Outbox(models.outbox, source=SERVICE), models.leases, redis).run


async def relayed(board: Any, redis: "Redis") -> None:
    """Publish all that happened so far."""

    async def is_sent() -> bool:
        length = await redis.xlen(STREAM) if await redis.exists(STREAM) else 0
        return bool(length >= await board.count(models.outbox))

    async with running(relay(board, redis)):
        await eventually(is_sent, timeout=15)


def folders_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def damage_files(folder: Path, name: str) -> None:
    for path in folder.rglob(name):
        path.write_text("{")


def moved(post_id: int) -> events_pb.PostModerated:
    return events_pb.PostModerated(post_id=post_id, actor_id=1, action="post.move")


def titles(index: SearchIndex | None, query: str) -> list[int]:
    assert index is not None
    return sorted(hit.post_id for hit in index.search(Wanted(terms_of(query))))


def rebuilds() -> float:
    return SEARCH_REBUILDS._value.get()  # type: ignore[no-any-return]


async def test_what_is_there_is_indexed_and_what_comes_is_added(board: Any, redis: "Redis", make_indexing: Any) -> None:
    alice = await board.user("alice")
    first = await board.post(alice, title="wren")
    hidden = await board.post(alice, title="wren", status=CONTENT_STATUS_REMOVED)
    await board.reply(alice, hidden)

    async with indexed(make_indexing(), redis) as index, running(relay(board, redis)):
        assert titles(index, "wren") == [first]
        assert index.document_count == 1
        second = await board.post(alice, title="wren")
        await eventually(lambda: titles(index, "wren") == [first, second], timeout=15)


async def test_a_restart_goes_on_where_the_last_commit_was(board: Any, redis: "Redis", make_indexing: Any) -> None:
    alice = await board.user("alice")
    first = await board.post(alice, title="wren")
    async with indexed(make_indexing(), redis) as index, running(relay(board, redis)):
        second = await board.post(alice, title="wren")
        await eventually(lambda: titles(index, "wren") == [first, second], timeout=15)
    # A row behind the service's back, which only a rebuild would find, and one with an event.
    unannounced = await board.post(alice, title="wren", status=CONTENT_STATUS_REMOVED)
    await relayed(board, redis)
    before = rebuilds()
    async with indexed(make_indexing(), redis) as index:
        await eventually(lambda: titles(index, "wren") == [first, second], timeout=15)
    await board.change(models.posts, unannounced, status=1)
    third = await board.post(alice, title="wren")
    await relayed(board, redis)

    async with indexed(make_indexing(), redis) as index:
        await eventually(lambda: titles(index, "wren") == [first, second, third], timeout=15)
    assert rebuilds() == before


@pytest.mark.parametrize("loss", ["stream", "head"])
async def test_an_index_that_missed_events_is_built_anew(
    board: Any, redis: "Redis", make_indexing: Any, loss: str
) -> None:
    alice = await board.user("alice")
    first = await board.post(alice, title="wren")
    await relayed(board, redis)
    async with indexed(make_indexing(), redis) as index:
        assert titles(index, "wren") == [first]
    await board.change(models.posts, first, title="robin")
    second = await board.post(alice, title="wren")
    if loss == "stream":
        await redis.delete(STREAM)
    else:
        await relayed(board, redis)
        await redis.xadd(STREAM, {FIELD: b""})
        await redis.xtrim(STREAM, maxlen=1, approximate=False)
    before, new = rebuilds(), make_indexing()

    async with running(partial(new.run, redis)):
        await eventually(lambda: new.index and titles(new.index, "wren") == [second], timeout=15)
        assert titles(new.index, "robin") == [first]
    new.close()
    assert rebuilds() == before + 1


async def test_a_bus_that_is_emptied_under_a_running_index_loses_nothing(
    board: Any, redis: "Redis", make_indexing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_CHECK_SECONDS", 0.0)
    alice = await board.user("alice")
    first = await board.post(alice, title="wren")
    await relayed(board, redis)
    async with indexed(make_indexing(), redis) as index:
        await redis.delete(STREAM)
        second = await board.post(alice, title="wren")
        # Ids below those that were lost, as of a Redis whose clock was set back.
        async with board.database.read() as connection:
            rows = (await connection.execute(models.outbox.select().order_by(models.outbox.c.id))).all()
        for number, row in enumerate(rows, start=1):
            await redis.xadd(STREAM, {FIELD: row.envelope}, id=f"{number}-0")
        await eventually(lambda: titles(index, "wren") == [first, second], timeout=15)


async def test_another_database_or_format_is_indexed_anew(
    board: Any, redis: "Redis", make_indexing: Any, folder: Path
) -> None:
    alice = await board.user("alice")
    await board.post(alice, title="wren")
    await relayed(board, redis)
    async with indexed(make_indexing(), redis):
        before = rebuilds()
    async with indexed(make_indexing(), redis):
        assert rebuilds() == before
    async with indexed(make_indexing(database="elsewhere"), redis):
        assert await eventually(lambda: rebuilds() == before + 1, timeout=15)
    state = orjson.loads((folder / "state.json").read_bytes())
    (folder / "state.json").write_bytes(orjson.dumps(state | {"format": 0}))
    async with indexed(make_indexing(database="elsewhere"), redis):
        assert await eventually(lambda: rebuilds() == before + 2, timeout=15)
    assert len(folders_in(folder)) == 1


@pytest.mark.parametrize("damage", ["meta.json", "state.json", "everything"])
async def test_a_damaged_index_is_built_anew(
    board: Any, redis: "Redis", make_indexing: Any, folder: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_REPAIR_SECONDS", 0.0)
    alice = await board.user("alice")
    post_id = await board.post(alice, title="wren")
    async with indexed(make_indexing(), redis):
        pass
    if damage == "everything":
        shutil.rmtree(folder)
    else:
        damage_files(folder, damage)

    async with indexed(make_indexing(), redis) as index:
        assert titles(index, "wren") == [post_id]


async def test_a_folder_has_one_user(board: Any, redis: "Redis", make_indexing: Any, folder: Path) -> None:
    async with indexed(make_indexing(), redis):
        other = make_indexing()
        with pytest.raises(OSError, match="another process uses"):
            await other.run(redis, asyncio.Event())
        other.close()
    assert (folder / "state.json").exists()


async def test_without_a_folder_the_index_leaves_nothing_behind(
    board: Any, redis: "Redis", make_indexing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    async with indexed(make_indexing(folder=None), redis):
        assert len(list(temporary.iterdir())) == 1
    assert list(temporary.iterdir()) == []


async def test_what_is_no_event_is_passed_over(board: Any, redis: "Redis", make_indexing: Any) -> None:
    alice = await board.user("alice")
    async with indexed(make_indexing(), redis) as index, running(relay(board, redis)):
        await redis.xadd(STREAM, {b"other": b"x"})
        await redis.xadd(STREAM, {FIELD: b"\xff\xff"})
        post_id = await board.post(alice, title="wren")
        await eventually(lambda: titles(index, "wren") == [post_id], timeout=15)


async def test_long_threads_move_in_portions(
    board: Any, redis: "Redis", make_indexing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await board.user("alice")
    category_id = await board.category()
    post_id = await board.post(alice, title="wren")
    for _ in range(3):
        await board.reply(alice, post_id, content_html="<p>wren</p>")
    monkeypatch.setattr("forum.index_changes.REPLIES", 2)
    monkeypatch.setattr("forum.index_changes.PORTION", 1)
    async with indexed(make_indexing(), redis) as index, running(relay(board, redis)):
        assert len(titles(index, "wren")) == 4
        await board.change(models.posts, post_id, category_id=category_id)
        await board.happen(post_id, moved(post_id))
        here = Wanted(terms_of("wren"), category_ids=[category_id])
        await eventually(lambda: len(index.search(here)) == 4, timeout=15)


async def test_while_the_bus_is_away_the_kept_index_is_searched(board: Any, redis: "Redis", make_indexing: Any) -> None:
    alice = await board.user("alice")
    post_id = await board.post(alice, title="wren")
    async with indexed(make_indexing(), redis):
        pass
    nowhere: Any = Redis.from_url("redis://127.0.0.1:1/0")

    async with indexed(make_indexing(), nowhere) as index:
        assert titles(index, "wren") == [post_id]
    await nowhere.aclose()
