"""The migrations, on both kinds of database."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text

from forum import models
from forum.processes import migrations_folder
from plaza_kit.db import driver_url
from plaza_kit.migrations import alembic_config, migrate
from plaza_kit.testing.stack import MariaDb


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("mariadb_server").create_database())


def tables(url: str) -> set[str]:
    engine = create_engine(driver_url(url, synchronous=True))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_migrations_make_exactly_the_tables_of_the_models(empty_url: str) -> None:
    migrate(empty_url, migrations_folder())

    assert tables(empty_url) == {*models.metadata.tables, "alembic_version"}
    command.check(alembic_config(empty_url, migrations_folder()))  # raises when a column, key or index differs


def test_a_second_migration_changes_nothing(empty_url: str) -> None:
    migrate(empty_url, migrations_folder())
    before = tables(empty_url)
    migrate(empty_url, migrations_folder())

    assert tables(empty_url) == before


def test_the_schema_goes_down_and_up_again(empty_url: str) -> None:
    migrate(empty_url, migrations_folder())
    command.downgrade(alembic_config(empty_url, migrations_folder()), "base")
    assert tables(empty_url) == {"alembic_version"}

    migrate(empty_url, migrations_folder())
    command.check(alembic_config(empty_url, migrations_folder()))


def test_text_is_utf8mb4_and_compared_by_bytes_on_mariadb(mariadb_server: MariaDb) -> None:
    url = mariadb_server.create_database()
    migrate(url, migrations_folder())
    engine = create_engine(driver_url(url, synchronous=True))
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()")
        )
        collations = {name: collation for name, collation in rows if name != "alembic_version"}
    engine.dispose()

    assert set(collations) == set(models.metadata.tables)
    assert set(collations.values()) == {"utf8mb4_bin"}
