import threading
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import Column, Integer, MetaData, String, Table

from plaza_kit.db import BigId, Database, new_metadata
from plaza_kit.idempotency import idempotency_table
from plaza_kit.lease import lease_table
from plaza_kit.outbox import outbox_table
from plaza_kit.streams import dead_letters_table, inbox_table
from plaza_kit.testing.database import create_tables
from plaza_kit.testing.polling import eventually

metadata: MetaData = new_metadata()
outbox = outbox_table(metadata)
leases = lease_table(metadata)
inbox = inbox_table(metadata)
dead_letters = dead_letters_table(metadata)
idempotency_keys = idempotency_table(metadata)
notes = Table(
    "notes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("text", String(100), nullable=False, unique=True),
    Column("number", Integer, nullable=False, default=0),
    mysql_charset="utf8mb4",
)


class Tables:
    outbox, leases, inbox, dead_letters, idempotency_keys, notes = (
        outbox,
        leases,
        inbox,
        dead_letters,
        idempotency_keys,
        notes,
    )


@pytest.fixture
def tables() -> type[Tables]:
    return Tables


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url: str = (
        f"sqlite:///{tmp_path / 'kit.db'}" if request.param == "sqlite" else request.getfixturevalue("mariadb_url")
    )
    create_tables(url, metadata)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(autouse=True)
async def no_thread_left() -> AsyncIterator[None]:
    """A connection that could not be opened ends in its thread a little later, and may not do so in another's loop."""
    yield
    await eventually(lambda: not driver_threads())


def driver_threads() -> list[threading.Thread]:
    """aiosqlite runs each connection in a thread; none may outlive the database."""
    return [thread for thread in threading.enumerate() if "_connection_worker" in thread.name]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def source() -> str:
    """A service name that no other test uses, so that streams are one's own."""
    return f"test-{uuid.uuid4().hex[:12]}"
