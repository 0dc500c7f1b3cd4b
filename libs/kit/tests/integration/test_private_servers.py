"""The fixtures other tests rest on: private servers answer, are apart, and die with the process that uses them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import pytest
import redis

from plaza_kit.testing import stack
from plaza_kit.testing.polling import eventually

OWNER = """
import sys
from pathlib import Path
from plaza_kit.testing import stack
server = stack.start_redis(Path(sys.argv[1]) / "redis")
print(server.url, flush=True)
sys.stdin.read()
"""


def query(url: str, statement: str) -> object:
    at = urlsplit(url)
    connection = pymysql.connect(host=at.hostname, port=at.port or 0, user=at.username, database=at.path[1:])
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def test_mariadb_hands_out_empty_databases(mariadb_server: stack.MariaDb) -> None:
    first, second = mariadb_server.create_database(), mariadb_server.create_database()
    query(first, "CREATE TABLE kept (id INT)")
    assert query(first, "SHOW TABLES") == ("kept",)
    assert query(second, "SHOW TABLES") is None


def test_mariadb_is_new_enough(mariadb_url: str) -> None:
    version = query(mariadb_url, "SELECT VERSION()")
    assert isinstance(version, tuple)
    assert "MariaDB" in version[0]


def test_redis_answers(redis_url: str) -> None:
    assert answers(redis_url)


def test_a_stopped_server_leaves_nothing(tmp_path: Path) -> None:
    server = stack.start_redis(tmp_path / "redis")
    assert answers(server.url)
    server.stop()
    assert not answers(server.url)
    assert not (tmp_path / "redis").exists()


def test_a_given_redis_is_used_and_left_running(redis_url: str, tmp_path: Path) -> None:
    server = stack.open_redis(tmp_path / "unused", worker="gw3", environment={stack.REDIS_URL: redis_url})
    assert server.url == redis_url.removesuffix("/0") + "/3"
    server.stop()
    assert answers(redis_url)


def test_databases_of_a_given_mariadb_are_dropped(
    mariadb_server: stack.MariaDb, mariadb_url: str, tmp_path: Path
) -> None:
    root = mariadb_url.rpartition("/")[0] + "/"
    given = stack.open_mariadb(tmp_path / "unused", worker="given", environment={stack.MARIADB_URL: root})
    name = given.create_database().rpartition("/")[2]
    assert query(mariadb_url, f"SHOW DATABASES LIKE '{name}'") == (name,)
    given.close()
    assert query(mariadb_url, f"SHOW DATABASES LIKE '{name}'") is None


@pytest.fixture
def url_of_killed_owner(tmp_path: Path) -> str:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert answers(url)
        os.kill(owner.pid, signal.SIGKILL)
    return url


async def test_a_server_dies_with_a_killed_owner(url_of_killed_owner: str) -> None:
    await eventually(lambda: not answers(url_of_killed_owner))


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    argv = [stack.find_program("redis-server"), "--no-such-option", "1"]
    with pytest.raises(stack.ServerStartError, match="Bad directive"):
        stack.PrivateServer(argv, directory=tmp_path, port=1, url="redis://unused")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(stack.MissingServerError, match="no-such-server"):
        stack.find_program("no-such-server")
