"""Whom a text mentions, as the database knows them."""

from typing import Any

import pytest
from sqlalchemy import event, insert

from forum import models
from forum.usernames import key_of
from forum.writers import NOTHING_HEARD


async def add_users(forum: Any, *names: str) -> None:
    rows = [
        {
            "id": number,
            "username": name,
            "username_key": key_of(name) if name else None,
            "avatar": "",
            "role": "user",
            "is_deleted": not name,
            "is_banned": False,
            "joined_time": NOTHING_HEARD,
            "updated_time": NOTHING_HEARD,
        }
        for number, name in enumerate(names, start=1)
    ]

    async def work(connection: Any) -> None:
        await connection.execute(insert(models.users), rows)

    await forum.service.foundation.database.write(work)


async def mentions(forum: Any, text: str) -> tuple[tuple[int, ...], int]:
    """Return who is mentioned, and how many statements that took."""
    statements = []
    async with forum.service.foundation.database.read() as connection:
        listener = lambda *args: statements.append(args[2])  # noqa: E731
        event.listen(connection.sync_connection, "before_cursor_execute", listener)
        rendered = await forum.service.renderer.render(connection, text)
        event.remove(connection.sync_connection, "before_cursor_execute", listener)
    return rendered.mentions, len(statements)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@alice @Élise @小明你好 @nobody", ((1, 2, 3), 1)),
        ("@ALICE " * 2000, ((1,), 1)),
        ("@e\u0301lise", ((2,), 1)),
        ("@elise", ((), 1)),
        ("@小明" * 100 + "@x.y" * 5000, ((3,), 1)),
        ("a@b.example", ((), 0)),
        ("alice", ((), 0)),
    ],
)
async def test_names_are_found_in_one_statement(forum: Any, text: str, expected: tuple[tuple[int, ...], int]) -> None:
    await add_users(forum, "alice", "élise", "小明", "")

    assert await mentions(forum, text) == expected


async def test_a_post_links_whom_it_mentions_and_a_thousand_names_are_looked_up(forum: Any) -> None:
    alice = forum.user("alice")
    await forum.post(alice)
    names = " ".join(f"@name{number}" for number in range(5000))
    post_id = await forum.post(forum.user("bob"), content=f"@alice {names}")
    async with forum.service.foundation.database.read() as connection:
        content = await forum.service.foundation.repositories.posts.find_whole(connection, post_id)

    assert content.content_html.startswith(f'<p><a class="mention" href="/users/{alice.user_id}">@alice</a> @name0 ')
