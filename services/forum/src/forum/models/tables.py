"""What the tables of the forum are made with.

Every moment is UTC. Keys, hashes and names that must compare the same everywhere are binary. Lengths of text are
checked by the domain: SQLite does not enforce them.
"""

from typing import Any

from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from plaza_kit.db import new_metadata

metadata = new_metadata()

LongText = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
"""100,000 code points need up to 400,000 bytes; a TEXT of MySQL ends at 65,535."""


def new_table(name: str, *items: Any) -> Table:
    """Add a table to the metadata; its numbered key, if it has one, never gives a number twice."""
    return Table(
        name,
        metadata,
        *items,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_autoincrement=any(isinstance(item, Column) and item.name == "id" for item in items),
    )
