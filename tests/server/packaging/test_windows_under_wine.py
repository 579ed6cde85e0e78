"""The scripts of the Windows package, run under wine: installed, upgraded, removed. One of the longer proofs."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order

SESSION = r"""@echo off
reg add HKU\S-1-5-19 /f >nul
mkdir C:\ProgramData\Muster
echo planted>C:\ProgramData\Muster\key.pem
cmd /c {first}\install.cmd /quiet
echo install %ERRORLEVEL%
if exist C:\ProgramData\Muster\key.pem echo the planted key is still there
if exist C:\ProgramData\Muster\agent.conf echo settings are there
if exist "C:\Program Files\Muster\agent\muster_agent\cli.py" echo the agent is there
if exist "C:\windows\system32\tasks\Muster Agent" echo the task is there
echo mine>C:\ProgramData\Muster\state.json
cmd /c {second}\install.cmd /quiet
echo upgrade %ERRORLEVEL%
reg query HKLM\SOFTWARE\Muster
type C:\ProgramData\Muster\state.json
cmd /c "C:\Program Files\Muster\uninstall.cmd" /quiet
echo uninstall %ERRORLEVEL%
if not exist C:\ProgramData\Muster echo nothing is left of the state
if not exist "C:\Program Files\Muster\agent" echo nothing is left of the program
if not exist "C:\windows\system32\tasks\Muster Agent" echo the task is gone
reg query HKLM\SOFTWARE\Muster
echo query %ERRORLEVEL%
"""


def test_installed_upgraded_and_removed_under_wine(full: Order, tmp_path: Path) -> None:
    if shutil.which("wine") is None:
        pytest.skip("no wine")
    for release in (1, 2):
        made = build("windows", replace(full, release=release))
        with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
            archive.extractall(tmp_path)
    environment = {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}

    def wine(*words: str) -> str:
        done = subprocess.run(["wine", *words], capture_output=True, timeout=180, env=environment)
        return done.stdout.decode("ascii", "replace").replace("\r", "")

    folders = [
        "Z:" + str(tmp_path / f"muster-agent-0.1.0-{release}-windows-amd64").replace("/", "\\") for release in (1, 2)
    ]
    wine("wineboot", "-i")
    try:
        assert "Run as administrator" in wine("cmd", "/c", folders[0] + "\\install.cmd", "/quiet"), (
            "wine's user is none"
        )
        session = tmp_path / "session.cmd"
        session.write_text(SESSION.format(first=folders[0], second=folders[1]), newline="\r\n")
        said = wine("cmd", "/c", "Z:" + str(session).replace("/", "\\"))
    finally:
        subprocess.run(["wineserver", "-k"], env=environment, timeout=60)
    assert "install 0" in said, said
    assert "the planted key is still there" not in said
    for line in ("settings are there", "the agent is there", "the task is there", "upgrade 0", "0.1.0-2", "mine"):
        assert line in said, said
    for line in ("uninstall 0", "nothing is left of the state", "nothing is left of the program", "query 1"):
        assert line in said, said
