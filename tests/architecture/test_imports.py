"""The import contracts of the root pyproject catch what they forbid: each is broken on purpose in a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workspace import ROOT, find_members

SOURCES = {member.folder / "src" for member in find_members() if (member.folder / "src").is_dir()}


def lint_imports(folder: Path) -> tuple[bool, str]:
    """Check the packages in `folder` instead of the installed ones; return whether all contracts hold, and the report."""
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    for source in SOURCES:
        shutil.copytree(source, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_contracts_hold(packages: Path) -> None:
    holds, report = lint_imports(packages)
    assert holds, report


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("auth/users.py", "import gateway.catalogue", "No deployable imports another"),
        ("gateway/call.py", "from auth import models", "No deployable imports another"),
        ("plaza_kit/ids.py", "from auth.models import users", "The kit imports no deployable"),
        ("gateway/call.py", "from plaza_kit.testing import polling", "What tests share is not part of what runs"),
        ("auth/repository/users.py", "from auth import login", "Layers of auth"),
        (
            "auth/servicers/users.py",
            "from auth.repository import users",
            "Servicers leave rules and data to the domain",
        ),
        ("gateway/schemas/__init__.py", "from gateway import routes", "Layers of the gateway"),
    ],
)
def test_a_forbidden_import_is_caught(packages: Path, module: str, line: str, contract: str) -> None:
    with (packages / module).open("a") as file:
        file.write(f"\n{line}\n")
    holds, report = lint_imports(packages)
    assert not holds
    assert f"{contract} BROKEN" in report


def test_a_module_of_auth_without_a_layer_is_caught(packages: Path) -> None:
    (packages / "auth" / "somewhere.py").write_text('"""New."""\n')
    holds, report = lint_imports(packages)
    assert not holds
    assert "auth.somewhere" in report
