"""`tools/check_tree.py` finds what it says it finds, and no member of the workspace is forgotten by a tool."""

import subprocess
import sys
import tomllib
from typing import Any

import pytest

from check_tree import module_problems, sql_problems, text_problems
from workspace import ROOT, deployables, find_members

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_tree_keeps_its_rules() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "check_tree.py"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("tools/big.py", "\n" * 401, "401 lines, 400 are allowed"),
        (
            "gateway/src/gateway/utils.py",
            '"""Things."""\n',
            "`utils` says nothing: name the module after what it holds",
        ),
        ("gateway/src/gateway/call.py", "import os\n", "no docstring says what the module is for"),
    ],
)
def test_a_bad_module_is_found(name: str, text: str, problem: str) -> None:
    assert list(module_problems(name, text)) == [problem]


@pytest.mark.parametrize("name", ["tools/lock.py", "tests/e2e/test_x.py", "services/auth/src/auth/__init__.py"])
def test_a_good_module_passes(name: str) -> None:
    assert list(module_problems(name, '"""What it is for."""\n' if "src" in name else "import os\n")) == []


@pytest.mark.parametrize(
    "line", ["from sqlalchemy import select", "import sqlalchemy as sa", "from sqlalchemy.orm import Session"]
)
def test_sql_outside_the_repository_is_found(line: str) -> None:
    assert list(sql_problems("services/auth/src/auth/login.py", f"{line}\n"))
    assert not list(sql_problems("services/auth/src/auth/repository/users.py", f"{line}\n"))
    assert not list(sql_problems("services/auth/src/auth/models.py", f"{line}\n"))


def test_passing_a_connection_on_is_no_sql() -> None:
    assert not list(
        sql_problems("services/auth/src/auth/login.py", "from sqlalchemy.ext.asyncio import AsyncConnection\n")
    )


@pytest.mark.parametrize(
    "text", ["index-url = https://py" + "pi.org/simple", "see /h" + "ome/ada/plaza", "cd /r" + "oot/plaza"]
)
def test_an_address_that_is_not_ours_is_found(text: str) -> None:
    assert len(list(text_problems(text))) == 1


@pytest.mark.parametrize(
    "text", ["https://plaza.test/h" + "ome/x", "$DATA/r" + "oot/x", "a/w" + "ork/x", "/users/resume/w" + "ork/"]
)
def test_other_paths_are_nobodys_folder(text: str) -> None:
    assert list(text_problems(text)) == []


@pytest.mark.parametrize("member", find_members(), ids=lambda member: member.name)
def test_every_member_is_known_to_every_tool(member: Any) -> None:
    folder = member.folder.relative_to(ROOT)
    assert f"{folder}/tests" in PYPROJECT["tool"]["pytest"]["ini_options"]["testpaths"]
    source = "gen" if member.name == "plaza-protos" else "src"
    assert f"{folder}/{source}" in PYPROJECT["tool"]["mypy"]["mypy_path"]


def test_every_deployable_is_bound_by_the_import_contracts() -> None:
    names = {member.name.removeprefix("plaza-") for member in deployables()}
    settings = PYPROJECT["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in settings["contracts"]}
    assert set(settings["root_packages"]) == {"plaza_kit", *names}
    assert set(contracts["independent"]["modules"]) == names
    assert set(contracts["kit"]["forbidden_modules"]) == names
    services = names - {"gateway"}
    assert {f"{name}-layers" for name in services} <= set(contracts)


def test_every_deployable_has_its_owners_and_its_readme() -> None:
    owners = (ROOT / "CODEOWNERS").read_text()
    for member in deployables():
        assert f"/{member.folder.relative_to(ROOT)}/ " in owners
        assert (member.folder / "README.md").is_file()
