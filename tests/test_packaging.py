"""What is handed out: the agent in one file, and a wheel that holds its data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_the_agent_in_one_file_runs_alone(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "agent", copy / "agent")
    shutil.copy(ROOT / "Makefile", copy)
    made = subprocess.run(["make", "agent", f"PYTHON={sys.executable}"], cwd=copy, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    program = copy / "dist" / "muster-agent.pyz"
    names = zipfile.ZipFile(program).namelist()
    assert not [name for name in names if "__pycache__" in name or "muster_server" in name]
    shutil.rmtree(copy / "agent")
    check = [sys.executable, "-I", "-S", str(program), "check", "--json"]
    done = subprocess.run(check, capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode in (0, 3), done.stderr
    assert json.loads(done.stdout)["tables"]["os_version"]["status"] == "ok"
    run = [sys.executable, "-I", "-S", str(program), "run", "--home", str(tmp_path / "home")]
    assert subprocess.run(run, capture_output=True, timeout=60).returncode == 5  # the exit code gets out


def test_the_wheel_holds_policies_reports_and_migrations(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("agent", "server", "policies", "reports"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=copy, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    shutil.rmtree(copy)

    def muster(*words: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import muster_server.__main__ as m; m.main()"
        line = [sys.executable, "-c", code, str(tmp_path / "site"), "--lang", "en", *words]
        return subprocess.run(
            line, capture_output=True, text=True, cwd="/", timeout=60, env={**os.environ, "PYTHONPATH": ""}
        )

    assert muster("policy", "check").returncode == 0
    data = str(tmp_path / "data")
    assert muster("--data", data, "init").returncode == 0
    done = muster("--data", data, "report", "--html", str(tmp_path / "x.html"))
    assert done.returncode == 5  # nothing was reported yet
    assert "no PC" in muster("--data", data, "report").stdout


def test_the_servers_command_without_its_libraries_is_one_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "server" / "muster_server", tmp_path / "muster_server")
    line = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "]
    line[-1] += "import muster_server.__main__ as m; m.main()"
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "passmuster[server]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readmes_links_lead_somewhere(name: str) -> None:
    import re

    text = (ROOT / name).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
