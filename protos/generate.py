"""Generate the Python stubs of every contract: `python protos/generate.py [--check]`.

Deterministic: the same sources and the pinned generators give the same bytes. `--check` generates into a temporary
folder and fails when `gen/` differs.
"""

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
GEN = ROOT / "gen"
PLUGINS = ("mypy", "mypy_grpc")


def generate(target: Path) -> None:
    """Write all modules and type stubs below `target`, which must be empty."""
    includes = Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "plaza").rglob("*.proto"))
    code = protoc.main(
        [
            "protoc",
            f"-I{ROOT}",
            f"-I{includes}",
            *(f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}" for name in PLUGINS),
            f"--python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--grpc_python_out={target}",
            f"--mypy_grpc_out=quiet,only_async:{target}",
            *sources,
        ]
    )
    if code:
        sys.exit(code)
    for path in target.rglob("*_pb2_grpc.py"):
        if "class " not in path.read_text():  # a file without services gets an empty module: not worth keeping
            path.unlink()
            path.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in [target / "plaza", *(p for p in (target / "plaza").rglob("*") if p.is_dir())]:
        (folder / "py.typed").touch()


def differences(comparison: "filecmp.dircmp[str]", prefix: str = "") -> list[str]:
    """Return the relative names of all files that differ or stand on one side only."""
    found = [prefix + name for name in comparison.left_only + comparison.right_only + comparison.diff_files]
    for name, below in comparison.subdirs.items():
        found += differences(below, f"{prefix}{name}/")
    return [name for name in found if "__pycache__" not in name]


def main() -> None:
    """Regenerate in place, or compare."""
    if "--check" not in sys.argv[1:]:
        shutil.rmtree(GEN, ignore_errors=True)
        GEN.mkdir()
        generate(GEN)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(filecmp.dircmp(folder, GEN))
    if stale:
        sys.exit("protos/gen is stale, run `make proto`: " + ", ".join(sorted(stale)))


if __name__ == "__main__":
    main()
