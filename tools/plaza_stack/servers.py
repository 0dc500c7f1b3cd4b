"""Servers that somebody else runs: check that they are there, and make a database per service."""

from urllib.parse import SplitResult, unquote

import pymysql
import redis

from plaza_stack.problem import StackError

SECONDS = 5
UNKNOWN_DATABASE = 1049  # MySQL's error numbers
ACCESS_DENIED = frozenset({1044, 1045, 1142, 1227, 1698})


def check_redis(url: str) -> None:
    """Fail with one line unless the Redis of this URL answers.

    Raises:
        StackError: It does not.
    """
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as client:
            client.ping()
    except redis.AuthenticationError:
        raise StackError("The Redis server of REDIS_URL refuses the password.") from None
    except redis.RedisError:
        raise StackError("No Redis server answers at REDIS_URL: start it, or leave REDIS_URL out.") from None
    except ValueError:
        raise StackError("REDIS_URL is no Redis URL: use redis://:password@host:port/0.") from None


class DatabaseServer:
    """A MySQL or MariaDB server with one database per service."""

    def __init__(self, url: SplitResult) -> None:
        self._url = url
        self._at = f"{url.hostname}:{url.port or 3306}"

    def database(self, service: str) -> str:
        """Return the URL of the service's database, `plaza_<service>`, creating it if it is missing.

        Raises:
            StackError: The server does not answer, refuses the user, or does not let it create the database.
        """
        name = f"plaza_{service}"
        try:
            try:
                self._connect(name).close()
            except pymysql.err.OperationalError as error:
                if error.args[0] != UNKNOWN_DATABASE:
                    raise
                self._create(name)
                self._connect(name).close()
        except pymysql.MySQLError as error:
            raise StackError(self._explain(name, error)) from None
        return self._url._replace(path=f"/{name}").geturl()

    def _connect(self, database: str | None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self._url.hostname,
            port=self._url.port or 3306,
            user=unquote(self._url.username or ""),
            password=unquote(self._url.password or ""),
            database=database,
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
        )

    def _create(self, name: str) -> None:
        with self._connect(None) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")

    def _explain(self, name: str, error: pymysql.MySQLError) -> str:
        code = error.args[0] if error.args else 0
        user = unquote(self._url.username or "")
        if code == 1045 or code == 1698:
            return f"The database server {self._at} refuses user {user}: check user and password in DATABASE."
        if code in ACCESS_DENIED:
            return (
                f"User {user} may not create or use the database {name} on {self._at}: "
                f"give it the rights (GRANT ALL ON `plaza\\_%`.* TO '{user}'@'%')."
            )
        return f"No database server answers at {self._at}: start it, or leave DATABASE out."
