"""What the statements of posts cost: MariaDB's plans for lists, and how many statements a request takes."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from forum import models
from forum.repository.post_lists import Followed, Selection, list_statement
from forum.repository.post_pages import OLDEST
from plaza.forum.v1 import post_pb2, target_pb2
from plaza.forum.v1 import post_service_pb2 as pb
from plaza_kit.testing.database import MigratedDatabases

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
POSTS = 3000
READER = 1
MIDDLE = (BEGIN + timedelta(minutes=POSTS // 2), POSTS // 2)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: MigratedDatabases) -> str:
    """MariaDB's only."""
    return databases.mariadb(request.getfixturevalue("mariadb_server"))


@pytest.fixture
async def filled(forum: Any) -> Any:
    """A forum with 3,000 posts of 30 users in 6 categories."""

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(models.users), [_user(number) for number in range(1, 31)])
        await connection.execute(delete(models.categories))  # the one that the migrations make
        await connection.execute(insert(models.categories), [_category(number) for number in range(1, 7)])
        await connection.execute(insert(models.tags), [_tag(number) for number in range(1, 4)])
        posts = [_post(number) for number in range(1, POSTS + 1)]
        await connection.execute(insert(models.posts), posts)
        tagged = [{"post_id": number, "tag_id": number % 3 + 1, "position": 0} for number in range(1, POSTS + 1)]
        await connection.execute(insert(models.post_tags), tagged)
        kinds = (target_pb2.TARGET_KIND_POST, target_pb2.TARGET_KIND_USER)
        follows = [
            {"user_id": READER, "target_kind": kind, "target_id": number, "created_time": BEGIN}
            for kind in kinds
            for number in range(2, 6)
        ]
        await connection.execute(insert(models.follows), follows)
        reads = [
            {"user_id": READER, "post_id": number, "last_read_number": 100, "read_time": BEGIN}
            for number in range(1, POSTS, 2)
        ]
        await connection.execute(insert(models.post_reads), reads)
        for table in ("posts", "post_tags", "follows", "post_reads", "users", "tags"):
            await connection.execute(text(f"ANALYZE TABLE {table}"))

    await forum.service.foundation.database.write(work)
    return forum


def _user(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "username": f"user{number}",
        "username_key": f"user{number}".encode(),
        "avatar": "",
        "role": "user",
        "is_deleted": False,
        "is_banned": False,
        "joined_time": BEGIN,
        "updated_time": BEGIN,
    }


def _category(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"c{number}",
        "slug": f"c{number}",
        "description": "",
        "read_rank": 0,
        "write_rank": 1,
        "position": 0,
        "post_count": POSTS // 6,
        "change_count": 0,
        "created_time": BEGIN,
    }


def _tag(number: int) -> dict[str, Any]:
    values = {"name": f"t{number}", "name_key": f"t{number}".encode(), "description": "", "is_restricted": False}
    return values | {"id": number, "post_count": POSTS // 3, "created_time": BEGIN}


def _post(number: int) -> dict[str, Any]:
    choices = random.Random(number)
    moment = BEGIN + timedelta(minutes=number)
    return {
        "id": number,
        "author_id": choices.randint(1, 30),
        "category_id": choices.randint(1, 6),
        "title": "t",
        "content": "c" * 500,
        "content_html": "c" * 500,
        "content_hash": b"",
        "excerpt": "c",
        "status": post_pb2.CONTENT_STATUS_LIVE,
        "version": 1,
        "created_time": moment,
        "updated_time": moment,
        "last_activity_time": moment + timedelta(minutes=choices.randint(0, 500)),
        "reply_seq": choices.randint(0, 3),
        "reply_count": choices.randint(0, 3),
        "up_count": 0,
        "down_count": 0,
        "score": choices.randint(-5, 50),
        "pin_scope": 0,
        "is_locked": False,
        "is_featured": False,
    }


RECENT = BEGIN + timedelta(minutes=POSTS - 100)
"""Few enough posts are younger that no planner prefers another index."""

PLANS: dict[str, tuple[Selection, set[str]]] = {
    "new": (Selection(sort="new", limit=21), {"ix_posts_new"}),
    "new, further down": (Selection(sort="new", limit=21, position=MIDDLE), {"ix_posts_new"}),
    "new, for a user": (
        Selection(sort="new", limit=21, reader_id=READER, hidden=frozenset({2, 3}), position=MIDDLE),
        {"ix_posts_new"},
    ),
    "active": (Selection(sort="active", limit=21, position=MIDDLE), {"ix_posts_active"}),
    "top": (Selection(sort="top", limit=21, position=(20, 7)), {"ix_posts_top"}),
    "top of a week": (Selection(sort="top", limit=21, since=RECENT), {"ix_posts_new"}),
    "unanswered": (Selection(sort="unanswered", limit=21, position=MIDDLE), {"ix_posts_unanswered"}),
    "new of a category": (
        Selection(sort="new", limit=21, category_ids=[2], position=MIDDLE),
        {"ix_posts_category_new"},
    ),
    "active of categories": (Selection(sort="active", limit=21, category_ids=[2, 3]), {"ix_posts_category_active"}),
    "top of a category": (Selection(sort="top", limit=21, category_ids=[2]), {"ix_posts_category_top"}),
    "new of a tag": (Selection(sort="new", limit=21, tag_id=2), {"ix_post_tags_tag"}),
    "top of a tag": (Selection(sort="top", limit=21, tag_id=2), {"ix_post_tags_tag"}),
    "new of a user": (Selection(sort="new", limit=21, author_id=7, position=MIDDLE), {"ix_posts_author_new"}),
    "active of a user": (Selection(sort="active", limit=21, author_id=7), {"ix_posts_author_new"}),
    "unread": (Selection(sort="new", limit=21, reader_id=READER, unread_since=MIDDLE[0]), {"ix_posts_active"}),
    "followed": (
        Selection(sort="active", limit=21, reader_id=READER, followed=Followed([2, 3], [1])),
        {
            "ix_posts_category_active",
            "ix_posts_author_new",
            "ix_post_tags_tag",
            "uq_follows_user_id_target_kind_target_id",
        },
    ),
}


@pytest.mark.parametrize("name", PLANS)
async def test_a_list_is_read_from_its_index(filled: Any, name: str) -> None:
    selection, indexes = PLANS[name]
    with recorded(filled, "_reader") as statements:
        async with filled.service.foundation.database.read() as connection:
            rows = (await connection.execute(list_statement(selection))).all()
            [(statement, parameters)] = statements
            plan = await explain(connection, statement, parameters)
    read = {step.key for step in plan}

    assert len(rows) == 21
    assert indexes <= read
    assert all(step.key for step in plan if step.table == "posts")  # no scan of the whole table
    assert all(step.type == "eq_ref" for step in plan if step.table == "users")


@pytest.mark.parametrize("method", ["_newest", "_from_place", "_above", "_state"])
@pytest.mark.parametrize("hidden", [frozenset(), frozenset({2, 3})])
async def test_pages_by_number_are_found_in_an_index_alone(filled: Any, hidden: frozenset[int], method: str) -> None:
    read = getattr(filled.service.foundation.repositories.post_pages.without(hidden), method)
    place = (OLDEST[0] if method == "_above" else MIDDLE[0].replace(tzinfo=None), 0)
    values = {"skip": 700, "limit": 20, "place_time": place[0], "place_id": place[1], "before": datetime(2099, 1, 1)}
    async with filled.service.foundation.database.read() as connection:
        plan = await explain(connection, read._sql, read._parameters(values))

    counted = [step for step in plan if step.table == "posts" and step.type != "eq_ref"]
    assert [(step.key, "Using index" in step.Extra) for step in counted] == (
        [] if method == "_state" else [("ix_posts_new", True)]
    )
    assert not [step for step in plan if "filesort" in step.Extra]
    assert all(step.type == "eq_ref" for step in plan if step.table == "users")


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, 4),
        ({"tag": "t1"}, 4),
        ({"category_id": 2, "sort": pb.POST_SORT_ACTIVE}, 4),
        ({"is_followed": True, "is_unread": True, "tag": "t1"}, 6),
    ],
)
async def test_a_list_takes_few_statements_whatever_its_length(filled: Any, fields: dict[str, Any], most: int) -> None:
    caller = filled.user("user1")
    await filled.call("ListPosts", pb.ListPostsRequest(**fields), caller)  # the categories are known from now on
    counts = []
    for size in (1, 100):
        with recorded(filled, "_reader") as statements:
            response = await filled.call("ListPosts", pb.ListPostsRequest(page_size=size, **fields), caller)
        assert len(response.posts) >= min(size, 50)
        counts.append(len([statement for statement, _ in statements if "FROM categories" not in statement]))

    assert counts[0] == counts[1] <= most


async def test_a_post_is_written_with_four_statements(filled: Any) -> None:
    alice = filled.user("alice")
    await filled.post(alice)
    await filled.service.word_filters.judge("")
    statements = await _server_statements(filled, lambda: filled.post(alice))

    assert statements == {"select": 1, "insert": 2, "update": 1, "commit": 1}


async def _server_statements(forum: Any, work: Any) -> dict[str, int]:
    """Return what the server was asked meanwhile, whichever way it went."""
    names = ("select", "insert", "update", "delete", "commit")

    async def status() -> dict[str, int]:
        async with forum.service.foundation.database.read() as connection:
            rows = await connection.execute(text("SHOW GLOBAL STATUS LIKE 'Com_%'"))
            found = dict(tuple(row) for row in rows)
        return {name: int(found[f"Com_{name}"]) for name in names}

    before = await status()
    await work()
    after = await status()
    return {name: after[name] - before[name] for name in names if after[name] != before[name]}


@contextmanager
def recorded(forum: Any, engine: str) -> Iterator[list[tuple[str, Any]]]:
    """Yield the statements that one of the database's engines runs meanwhile."""
    found: list[tuple[str, Any]] = []
    target = getattr(forum.service.foundation.database, engine).sync_engine

    def record(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        found.append((statement, parameters))

    event.listen(target, "before_cursor_execute", record)
    try:
        yield found
    finally:
        event.remove(target, "before_cursor_execute", record)


async def explain(connection: AsyncConnection, statement: str, parameters: Any) -> list[Any]:
    """Return the steps of a plan that read tables."""
    rows = (await connection.exec_driver_sql(f"EXPLAIN {statement}", tuple(parameters))).all()
    return [row for row in rows if row.table is not None and not row.table.startswith("<")]
