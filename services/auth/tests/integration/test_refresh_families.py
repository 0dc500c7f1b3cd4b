"""Refresh tokens against a model: whatever a client and a thief do, in any order."""

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pydantic import SecretStr

from auth.errors import RefreshTokenInvalid
from auth.main import Service
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.testing.database import MigratedDatabases

GRACE_SECONDS = 10
CALLER = Caller(request_id="test-request", address="192.0.2.1")


@dataclass
class Family:
    """What the model knows of one session: its tokens, oldest first, and when the last but one was spent."""

    tokens: list[str]
    pairs: dict[str, str] = field(default_factory=dict)
    spent_at: float = 0.0
    is_alive: bool = True


class RefreshFamilies(RuleBasedStateMachine):
    """Two sessions of one user; any token that was ever given out may come at any time."""

    make_service: Any
    clock: Any

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.service: Service = self.make_service()
        self.now = 0.0
        self.families: list[Family] = []

    def teardown(self) -> None:
        self.runner.run(self.service.close())
        self.runner.close()

    @initialize()
    def sign_in_twice(self) -> None:
        self.families = [Family([self.runner.run(self._open())]) for _ in range(2)]

    @rule(seconds=st.sampled_from([1, 4, GRACE_SECONDS, 60]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)
        self.now += seconds

    @rule(index=st.integers(0, 1))
    def the_client_refreshes(self, index: int) -> None:
        self._spend(self.families[index], self.families[index].tokens[-1])

    @rule(index=st.integers(0, 1))
    def the_client_lost_the_answer(self, index: int) -> None:
        family = self.families[index]
        self._spend(family, family.tokens[-2] if len(family.tokens) > 1 else family.tokens[-1])

    @precondition(lambda self: any(len(family.tokens) > 2 for family in self.families))
    @rule(data=st.data())
    def somebody_has_an_old_token(self, data: st.DataObject) -> None:
        family = data.draw(st.sampled_from([family for family in self.families if len(family.tokens) > 2]))
        self._spend(family, data.draw(st.sampled_from(family.tokens[:-2])))

    def _spend(self, family: Family, token: str) -> None:
        expected = self._expectation(family, token)
        try:
            request = pb.RefreshTokenRequest(refresh_token=token)
            answer = self.runner.run(self.service.sign_in.sessions.refresh(request, CALLER)).refresh_token
        except RefreshTokenInvalid:
            answer = ""
        if expected == "next":
            assert answer
            assert answer not in family.tokens
            family.pairs[token] = answer
            family.tokens.append(answer)
            family.spent_at = self.now
        elif expected == "same":
            assert answer == family.pairs[token]
        else:
            assert answer == ""
            family.is_alive = False

    def _expectation(self, family: Family, token: str) -> str:
        if not family.is_alive:
            return "nothing"
        if token == family.tokens[-1]:
            return "next"
        is_predecessor = len(family.tokens) > 1 and token == family.tokens[-2]
        return "same" if is_predecessor and self.now - family.spent_at < GRACE_SECONDS else "nothing"

    async def _open(self) -> str:
        database, repositories = self.service.foundation.database, self.service.foundation.repositories

        async def work(connection: Any) -> str:
            user = await repositories.users.find_by_username(connection, b"alice")
            user_id = user.id if user else await repositories.users.insert(connection, self._row())
            locked = await repositories.users.lock(connection, user_id)
            assert locked is not None
            return (await self.service.sign_in.sessions.open(connection, locked, CALLER)).refresh_token

        return await database.write(work)

    def _row(self) -> dict[str, Any]:
        return {"username": "alice", "username_key": b"alice", "password_hash": "", "joined_time": self.clock()}


def test_refresh_families_keep_to_the_model(
    databases: MigratedDatabases, tmp_path: Path, make_any_settings: Any, moving_clock: Any
) -> None:
    template = tmp_path / "template.db"
    databases.sqlite(template)
    numbers = iter(range(10_000))

    def make_service(_: Any) -> Service:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(template, path)
        return Service(make_any_settings(database_url=SecretStr(f"sqlite:///{path}")), clock=moving_clock)

    class Machine(RefreshFamilies):
        clock = moving_clock

    Machine.make_service = make_service
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert next(numbers) > 1
