"""What alembic runs: the service's tables on the database it is given."""

from forum.models import metadata
from plaza_kit.migrations import run_env

run_env(metadata)
