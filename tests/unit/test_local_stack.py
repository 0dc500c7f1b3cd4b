"""The parts of `make run` that need no process: options, keys, logs, the data folder."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from plaza_stack import logs
from plaza_stack.data_directory import DataDirectory
from plaza_stack.keys import Keys
from plaza_stack.options import read_options
from plaza_stack.problem import StackError
from stack import check_port


def test_defaults() -> None:
    options = read_options([], {})
    assert (options.host, options.port, options.data.name) == ("127.0.0.1", 8000, ".plaza")
    assert (options.database, options.redis_url, options.ready_file) == (None, None, None)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8_0", "٨"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(StackError, match=f"PORT={port} is no port"):
        read_options([f"--port={port}"], {})


@pytest.mark.parametrize(
    "url",
    [
        "plaza",
        "sqlite:///x",
        "mysql://host/",
        "mysql://root@:3306/",
        "mysql://root@host:port/",
        "mysql://root@host/forum",
    ],
)
def test_a_database_that_names_no_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StackError, match="use DATABASE=mysql://user:password@host:port/"):
        read_options([], {"DATABASE": url})


def test_passwords_are_not_repeated() -> None:
    with pytest.raises(StackError) as caught:
        read_options([], {"DATABASE": "mysql://root:swordfish@host/x"})
    assert "swordfish" not in str(caught.value)


def test_keys_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    paths = [Keys(tmp_path).secret("auth", name) for name in ("internal_key_file", "signing_keys_dir", "data_key_file")]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    again = [Keys(tmp_path).secret("auth", name) for name in ("internal_key_file", "signing_keys_dir", "data_key_file")]
    assert again == paths
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_trusted_key_is_the_public_half(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    private = load_pem_private_key(keys.secret("gateway", "internal_key_file").read_bytes(), password=None)
    trusted = load_pem_public_key((keys.trusted / "gateway.pem").read_bytes())
    assert private.public_key() == trusted


def test_the_active_signing_key_exists(tmp_path: Path) -> None:
    directory = Keys(tmp_path).secret("auth", "signing_keys_dir")
    assert (directory / f"{(directory / 'active').read_text().strip()}.pem").exists()


def test_the_data_key_has_32_bytes(tmp_path: Path) -> None:
    assert len(base64.b64decode(Keys(tmp_path).secret("auth", "data_key_file").read_bytes())) == 32


def test_a_data_folder_serves_one_run_at_a_time(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path / "data")
    with pytest.raises(StackError, match="is in use by another run"):
        DataDirectory(tmp_path / "data")
    first.close()
    DataDirectory(tmp_path / "data").close()


def test_a_data_folder_is_private(tmp_path: Path) -> None:
    DataDirectory(tmp_path / "data").close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"file/data cannot hold the data"):
        DataDirectory(tmp_path / "file" / "data")


def test_a_new_run_begins_new_logs_and_keeps_three(tmp_path: Path) -> None:
    log = logs.LogFile(tmp_path / "auth.log")
    for run in range(6):
        log.rotate()
        log.path.write_text(f"run {run}")
    assert sorted((path.name, path.read_text()) for path in tmp_path.iterdir()) == [
        ("auth.log", "run 5"),
        ("auth.log.1", "run 4"),
        ("auth.log.2", "run 3"),
        ("auth.log.3", "run 2"),
    ]


def test_a_log_that_grows_too_large_is_set_aside_under_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 10)
    log = logs.LogFile(tmp_path / "auth.log")
    with log.path.open("ab", buffering=0) as writer:
        writer.write(b"more than ten bytes\n")
        log.bound()
        writer.write(b"next\n")
        log.bound()
    assert log.path.read_text() == "next\n"
    assert (tmp_path / "auth.log.1").read_text() == "more than ten bytes\n"


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = logs.LogFile(tmp_path / "auth.log")
    log.path.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(2000)))
    assert log.tail(2) == "    line 1998 \N{REPLACEMENT CHARACTER}\n    line 1999 \N{REPLACEMENT CHARACTER}"


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(StackError, match=r"Nothing can listen on 192\.0\.2\.1, port 8000"):
        check_port("192.0.2.1", 8000)
