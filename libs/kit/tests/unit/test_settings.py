import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import structlog
from pydantic_settings import SettingsConfigDict

from plaza_kit.ids import uuid7
from plaza_kit.logging import configure_logging
from plaza_kit.settings import ServiceSettings, describe, load


class DemoSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PLAZA_DEMO_", frozen=True, extra="forbid")


def test_every_setting_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAZA_DEMO_BIND", "0.0.0.0:50051")
    settings = load(DemoSettings)
    assert (settings.bind, settings.environment) == ("0.0.0.0:50051", "production")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PLAZA_DEMO_METRICS_PORT", "many", "PLAZA_DEMO_METRICS_PORT: "),
        ("PLAZA_DEMO_BINDD", "x", "PLAZA_DEMO_BINDD: there is no such setting"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load(DemoSettings)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(line)


def test_a_mounted_file_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "PLAZA_DEMO_REDIS_URL").write_text("redis://:canary@redis/0")
    monkeypatch.setenv("PLAZA_SECRETS_DIR", str(tmp_path))
    settings = load(DemoSettings)
    assert settings.redis_url.get_secret_value() == "redis://:canary@redis/0"
    assert "canary" not in describe(settings)
    assert "canary" not in repr(settings)


def test_a_log_line_is_json_without_secrets() -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        configure_logging("demo", "info", "json")
        log = structlog.get_logger()
        log.debug("left.out")
        try:
            raise ValueError("bad\nline")
        except ValueError:
            log.info("user.seen", refresh_token="canary", user_id=7, exc_info=True)
    structlog.reset_defaults()
    (line,) = output.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["service"], event["user_id"]) == ("user.seen", "demo", 7)
    assert "canary" not in line
    assert "ValueError" in event["exception"]


def test_ids_sort_by_time_and_say_their_version() -> None:
    ids = [uuid7() for _ in range(100)]
    assert {value.version for value in ids} == {7}
    assert len(set(ids)) == 100
    assert [value.int >> 80 for value in ids] == sorted(value.int >> 80 for value in ids)
