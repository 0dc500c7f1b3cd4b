"""A forum of any size, made by a fixed recipe and written straight into its tables: the benchmark's data.

Texts are drawn from a Chinese and an English vocabulary by Zipf's law, so that some words are everywhere and most are
rare, as in real texts. The same numbers of posts and replies always give the same corpus.
"""

import datetime as dt
import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql

AUTHORS = 1000
FIRST_AUTHOR = 1_000_000
"""Beyond the accounts that the benchmark registers."""
BATCH = 2000
SENTENCES = 20_000
REPLIES = (30, 8, 8, 8, 8, 8, 8, 8, 7, 7)
"""Of ten posts in a row: ten on average, and every tenth has the thirty that the detail page is measured with."""
_BEGIN = dt.datetime(2025, 1, 1)
_LIVE = 1

_ENGLISH = (
    "the of and to in is you that it he was for on are with as his they at be this have from or one had by word "
    "but not what all were we when your can said there use an each which she do how their if will up other about "
    "out many then them these so some her would make like him into time has look two more write go see number no "
    "way could people my than first water been call who oil its now find long down day did get come made may part "
    "garden tomato balcony bicycle kitchen window river mountain weather train station ticket market bread coffee "
    "music guitar piano camera picture museum library novel letter dictionary language grammar teacher student "
    "lesson homework exam computer keyboard network database server release version package error warning "
    "question answer solution problem reason example result experiment telescope planet galaxy winter summer "
    "autumn spring flower forest village harbour ship"
)
_COMMON = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学"
    "法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天"
)


class Words:
    """Draws sentences."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        pairs = itertools.product(_COMMON[:64], _COMMON[64:])
        self.chinese = ["".join(pair) for pair in itertools.islice(pairs, 3000)]
        self._random.shuffle(self.chinese)
        simple = _ENGLISH.split()
        self.english = simple + ["".join(pair) for pair in itertools.product(simple[100:160], simple[160:])]
        self._weights = {
            id(words): [1 / rank for rank in range(1, len(words) + 1)] for words in (self.chinese, self.english)
        }

    def sentence(self) -> str:
        """Return one sentence, Chinese or English."""
        if self._random.random() < 0.5:
            return "".join(self._draw(self.chinese, 12)) + "。"
        return " ".join(self._draw(self.english, 14)) + "."

    def _draw(self, words: list[str], count: int) -> list[str]:
        return self._random.choices(words, self._weights[id(words)], k=count)


def fill(database_url: str, *, posts: int) -> None:
    """Empty the forum's tables and write so many posts and ten times as many replies, a third of them nested.

    Args:
        database_url: The forum's database, `mysql://...`, migrated.
        posts: How many; a multiple of ten.
    """
    words = Words(7)
    sentences = [words.sentence() for _ in range(SENTENCES)]
    connection = _connect(database_url)
    try:
        cursor = connection.cursor()
        cursor.execute("SET unique_checks=0, foreign_key_checks=0")
        for table in ("votes", "replies", "posts"):
            cursor.execute(f"TRUNCATE {table}")
        cursor.execute("DELETE FROM users WHERE id >= %s", (FIRST_AUTHOR,))
        _insert(cursor, "users", _users())
        _insert(cursor, "posts", _posts(posts, sentences))
        _insert(cursor, "replies", _replies(posts, sentences))
        cursor.execute("UPDATE categories SET post_count = %s, change_count = change_count + 1 WHERE id = 1", (posts,))
        connection.commit()
        for table in ("posts", "replies", "users"):
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()
    finally:
        connection.close()


def _connect(database_url: str) -> Any:
    from sqlalchemy.engine import make_url

    url = make_url(database_url)
    return pymysql.connect(
        host=url.host or "127.0.0.1",
        port=url.port or 3306,
        user=url.username or "root",
        password=url.password or "",
        database=url.database,
        charset="utf8mb4",
    )


def _insert(cursor: Any, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    names = ", ".join(f"`{name}`" for name in first)
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(first))})"
    for batch in _batches(itertools.chain([first], rows)):
        cursor.executemany(statement, [tuple(row.values()) for row in batch])
        cursor.connection.commit()


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _users() -> Iterator[dict[str, Any]]:
    for number in range(AUTHORS):
        name = f"author_{number}"
        yield {
            "id": FIRST_AUTHOR + number,
            "username": name,
            "username_key": name.encode(),
            "avatar": "",
            "role": "user",
            "is_deleted": 0,
            "is_banned": 0,
            "joined_time": _BEGIN,
            "updated_time": _BEGIN,
        }


def _written(number: int, count: int, sentences: Sequence[str], *, at: dt.datetime) -> dict[str, Any]:
    content = " ".join(sentences[(number * 7919 + step * 104_729) % len(sentences)] for step in range(count))
    return {
        "author_id": FIRST_AUTHOR + number % AUTHORS,
        "content": content,
        "content_html": f"<p>{content}</p>\n",
        "content_hash": hashlib.blake2b(f"{number}".encode(), digest_size=16).digest(),
        "status": _LIVE,
        "version": 1,
        "created_time": at,
        "updated_time": at,
        "up_count": number % 7,
        "down_count": 0,
        "score": number % 7,
    }


def _posts(count: int, sentences: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        at = _BEGIN + dt.timedelta(minutes=5 * number)
        replies = REPLIES[number % len(REPLIES)]
        written = _written(number, 5, sentences, at=at)
        yield {
            "id": number,
            "category_id": 1,
            "title": sentences[number * 31 % len(sentences)][:120],
            "excerpt": written["content"][:200],
            "last_activity_time": at + dt.timedelta(seconds=replies),
            "reply_seq": replies,
            "reply_count": replies,
            "pin_scope": 0,
            "is_locked": 0,
            "is_featured": 0,
            **written,
        }


def _replies(posts: int, sentences: Sequence[str]) -> Iterator[dict[str, Any]]:
    row_id = 0
    for post in range(1, posts + 1):
        at = _BEGIN + dt.timedelta(minutes=5 * post)
        for number in range(1, REPLIES[post % len(REPLIES)] + 1):
            row_id += 1
            # Every third one answers the one before it, which answers the post.
            parent = row_id - 1 if number % 3 == 0 else None
            yield {
                "id": row_id,
                "post_id": post,
                "parent_id": parent,
                "number": number,
                "depth": 1 if parent else 0,
                **_written(row_id, 2, sentences, at=at + dt.timedelta(seconds=number)),
            }
