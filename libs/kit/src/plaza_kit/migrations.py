"""Running a service's migrations: `migrate` takes a lock, so that any number of replicas may try at once.

A service's `migrations/env.py` is two lines: it calls `run_env` with its metadata.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import URL

from plaza_kit.db import driver_url

_LOCK_SECONDS = 60


def alembic_config(url: str, scripts: Path) -> Config:
    """Return the configuration for a database and a folder of migrations."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def migrate(url: str, scripts: Path, revision: str = "head") -> None:
    """Bring a database to a revision; creates an SQLite file and its folder if there is none.

    Raises:
        TimeoutError: Another process has been migrating for 60 s.
    """
    parsed = driver_url(url, synchronous=True)
    config = alembic_config(url, scripts)
    with _lock(parsed):
        command.upgrade(config, revision)


def run_env(metadata: MetaData) -> None:
    """Run the migrations that alembic asks for; the body of a service's `env.py`."""
    url = driver_url(context.config.attributes["url"], synchronous=True)
    engine = create_engine(url)
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            # A blocked ALTER blocks every reader behind it, for a day by default: fail soon instead.
            connection.execute(text("SET SESSION lock_wait_timeout = 3"))
            connection.commit()
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=is_sqlite, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


@contextmanager
def _lock(url: URL) -> Iterator[None]:
    if url.drivername.startswith("sqlite"):
        with _file_lock(Path(url.database or "")):
            yield
    else:
        engine = create_engine(url)
        with engine.connect() as connection, _server_lock(connection, url.database or ""):
            yield
        engine.dispose()


@contextmanager
def _file_lock(database: Path) -> Iterator[None]:
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_suffix(".migrate-lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _server_lock(connection: Connection, database: str) -> Iterator[None]:
    name = f"plaza-migrate-{database}"[:64]
    if not connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": _LOCK_SECONDS}):
        raise TimeoutError(f"another process is migrating {database}")
    try:
        yield
    finally:
        connection.scalar(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
