import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from plaza.auth.v1.auth_service_pb2 import RegisterRequest, RegisterResponse
from plaza_kit.caller import Caller, set_current_caller
from plaza_kit.db import Database
from plaza_kit.idempotency import LIFETIME, Idempotency, IdempotencyKeyReused
from plaza_kit.sealing import Sealer

REQUEST = RegisterRequest(username="alice", password="canary-password")


@pytest.fixture
def idempotency(database: Database, tables: Any) -> Idempotency:
    return Idempotency(database, tables.idempotency_keys, Sealer(bytes(32)))


class Effects:
    """Counts what really happened, in the database."""

    def __init__(self, database: Database, notes: Any) -> None:
        self._database, self._notes = database, notes

    async def work(self, connection: AsyncConnection) -> RegisterResponse:
        result: Any = await connection.execute(
            insert(self._notes).values(text=f"effect {await connection.scalar(select(func.count(self._notes.c.id)))}")
        )
        return RegisterResponse(user_id=result.inserted_primary_key[0])

    async def count(self) -> int:
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(self._notes)) or 0)


@pytest.fixture
def effects(database: Database, tables: Any) -> Effects:
    return Effects(database, tables.notes)


def call_as(user_id: int, key: str) -> None:
    set_current_caller(Caller(user_id=user_id, idempotency_key=key))


async def test_a_repeated_write_happens_once(idempotency: Idempotency, effects: Effects) -> None:
    call_as(1, "key-1")
    answers = [await idempotency.run("Register", REQUEST, RegisterResponse, effects.work) for _ in range(3)]
    assert len({answer.user_id for answer in answers}) == 1
    assert await effects.count() == 1


async def test_concurrent_repetitions_happen_once(idempotency: Idempotency, effects: Effects) -> None:
    call_as(1, "key-1")
    answers = await asyncio.gather(
        *(idempotency.run("Register", REQUEST, RegisterResponse, effects.work) for _ in range(8))
    )
    assert len({answer.user_id for answer in answers}) == 1
    assert await effects.count() == 1


async def test_a_key_belongs_to_its_caller_and_method(idempotency: Idempotency, effects: Effects) -> None:
    for user_id, method in ((1, "Register"), (2, "Register"), (1, "Login")):
        call_as(user_id, "key-1")
        await idempotency.run(method, REQUEST, RegisterResponse, effects.work)
    assert await effects.count() == 3


async def test_another_body_under_the_same_key_is_refused(idempotency: Idempotency, effects: Effects) -> None:
    call_as(1, "key-1")
    await idempotency.run("Register", REQUEST, RegisterResponse, effects.work)
    with pytest.raises(IdempotencyKeyReused):
        await idempotency.run("Register", RegisterRequest(username="bob"), RegisterResponse, effects.work)
    assert await effects.count() == 1


async def test_a_failure_uses_no_key_up(idempotency: Idempotency, effects: Effects) -> None:
    async def failing(connection: AsyncConnection) -> RegisterResponse:
        await effects.work(connection)
        raise LookupError

    call_as(1, "key-1")
    with pytest.raises(LookupError):
        await idempotency.run("Register", REQUEST, RegisterResponse, failing)
    await idempotency.run("Register", REQUEST, RegisterResponse, effects.work)
    assert await effects.count() == 1


async def test_without_a_key_each_call_counts(idempotency: Idempotency, effects: Effects) -> None:
    call_as(1, "")
    for _ in range(2):
        await idempotency.run("Register", REQUEST, RegisterResponse, effects.work)
    assert await effects.count() == 2


async def test_nothing_readable_is_stored(idempotency: Idempotency, database: Database, tables: Any) -> None:
    async def work(connection: AsyncConnection) -> RegisterRequest:
        return REQUEST

    call_as(1, "canary-key")
    await idempotency.run("Register", REQUEST, RegisterRequest, work)
    async with database.read() as connection:
        row = (await connection.execute(select(tables.idempotency_keys))).one()
    stored = b"".join(value for value in row if isinstance(value, bytes))
    assert b"canary" not in stored


async def test_old_keys_are_purged(idempotency: Idempotency, effects: Effects, database: Database, tables: Any) -> None:
    call_as(1, "key-1")
    await idempotency.run("Register", REQUEST, RegisterResponse, effects.work)
    assert await database.write(idempotency.purge) == 0
    keys = tables.idempotency_keys

    async def age(connection: AsyncConnection) -> None:
        (created,) = (await connection.execute(select(keys.c.created_time))).scalars()
        await connection.execute(update(keys).values(created_time=created - LIFETIME))

    await database.write(age)
    assert await database.write(idempotency.purge) == 1
