"""What is handed out is what is meant, file by file (docs/threat-model.md, L18: GLPI's reachable test file)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEVER = {
    "tests",
    "test",
    "testing",
    "examples",
    "example",
    "samples",
    "benchmarks",
    "docs",
    "deploy",
    ".git",
    "fixtures",
}
KINDS = {
    ".py",
    ".json",
    ".yaml",
    ".yml",
    ".j2",
    ".css",
    ".xml",
    ".plist",
    ".sh",
    ".service",
    ".timer",
    ".txt",
    ".cmd",
    ".typed",
    ".mako",
    "",
}


def test_L18_the_wheel_holds_no_test_and_no_example_and_nothing_unknown(tmp_path: Path) -> None:
    where = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *where["only-include"]],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    copy = tmp_path / "checkout"
    expected = set()
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not (ROOT / name).is_file():
            continue  # about to be removed
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
        [(folder, to)] = [pair for pair in where["sources"].items() if name.startswith(pair[0] + "/")]
        expected.add((to + name[len(folder) :]).lstrip("/"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    # What lies about in a checkout and is no part of it.
    stray = copy / "server" / "muster_server" / "__pycache__"
    stray.mkdir(exist_ok=True)
    (stray / "x.cpython-311.pyc").write_bytes(b"")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=copy, capture_output=True, check=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected
    for name in names:
        path = Path(name)
        assert not {part.lower() for part in path.parts[:-1]} & NEVER, name
        assert not path.name.startswith(("test_", "conftest", ".")), name
        assert path.suffix in KINDS, name
