"""An empty, migrated database per test, cheaply: migrated once per pytest process, then copied or emptied."""

import shutil
from pathlib import Path

from sqlalchemy import MetaData, create_engine

from plaza_kit.db import driver_url
from plaza_kit.migrations import migrate
from plaza_kit.testing.stack import MariaDb


class MigratedDatabases:
    """Databases of one service, on SQLite and on MariaDB."""

    def __init__(self, scripts: Path, folder: Path) -> None:
        self._scripts = scripts
        self._template = folder / "template.db"
        self._mariadb_url = ""

    def sqlite(self, path: Path) -> str:
        """Return the URL of a new database at `path`."""
        if not self._template.exists():
            migrate(f"sqlite:///{self._template}", self._scripts)
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def mariadb(self, server: MariaDb) -> str:
        """Return the URL of this process's one database, emptied."""
        if not self._mariadb_url:
            self._mariadb_url = server.create_database()
            migrate(self._mariadb_url, self._scripts)
        else:
            empty(self._mariadb_url)
        return self._mariadb_url


def create_tables(url: str, metadata: MetaData) -> None:
    """Create the tables of `metadata`, without migrations."""
    engine = create_engine(driver_url(url, synchronous=True))
    metadata.drop_all(engine)
    metadata.create_all(engine)
    engine.dispose()


def empty(url: str) -> None:
    """Delete all rows of all tables, except the revision that the schema is at."""
    engine = create_engine(driver_url(url, synchronous=True))
    metadata = MetaData()
    with engine.begin() as connection:
        metadata.reflect(connection)
        if connection.dialect.name != "sqlite":
            # Rows that point at rows of their own table have no order to go in. The connection ends with this function.
            connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")
        for table in reversed(metadata.sorted_tables):
            if table.name != "alembic_version":
                connection.execute(table.delete())
    engine.dispose()
