"""B74: a folder with a blank in its name changes nothing of what the Windows scripts and the task start."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import muster_server.packaging.contents as contents

WINDOWS = contents.DATA / "windows"
SCRIPTS = sorted(WINDOWS.glob("*.cmd"))
# What may hold a blank: folders of the system, of the program, and where the package was unpacked.
FOLDERS = re.compile(r"%(?:SYS|FROM|PROGRAM|STATE|ProgramFiles|ProgramData|SystemRoot|~dp0|~f0)%?", re.IGNORECASE)


def unquoted(line: str) -> list[str]:
    """The folders in a line that stand outside quotes."""
    found = []
    for match in FOLDERS.finditer(line):
        if line[: match.start()].count('"') % 2 == 0:
            found.append(match.group())
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_B74_every_folder_stands_in_quotes(path: Path) -> None:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if text.lower().startswith(("rem ", "echo ")):
            continue
        assert unquoted(text.replace('\\"', "")) == [] or text.startswith('set "'), f"{path.name}:{number}: {line}"
    assert unquoted("del %STATE%\\x") == ["%STATE%"], "it does see one"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_B74_every_program_is_named_by_its_folder(path: Path) -> None:
    """PATH, PATHEXT and the current folder choose nothing."""
    said = path.read_text("utf-8")
    for name in ("reg", "schtasks", "icacls", "xcopy", "ping", "cmd", "python"):
        for match in re.finditer(rf"(?<![\w\\.-]){name}(?:\.exe)?\s", said, re.IGNORECASE):
            line = said[said.rfind("\n", 0, match.start()) + 1 : said.find("\n", match.start())]
            assert line.strip().lower().startswith(("rem ", "echo ")), f"{path.name}: {line}"


def test_B74_the_task_names_its_program_apart_from_its_arguments() -> None:
    """<Command> is one path, blanks and all; a path and arguments in one would be cut at the first blank."""
    task = ElementTree.fromstring(  # our own file
        (WINDOWS / "task.xml").read_text("utf-8").replace(' encoding="UTF-16"', "")
    )
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    command = task.find(f".//{space}Command")
    assert command is not None and command.text == "%ProgramFiles%\\Muster\\python\\python.exe"
    assert '"' not in (command.text or "")


def test_B74_what_uninstalls_is_quoted_in_the_registry() -> None:
    """Windows runs UninstallString as it is: without quotes C:\\Program.exe would be asked first."""
    assert '/v UninstallString /d "\\"%PROGRAM%\\uninstall.cmd\\""' in (WINDOWS / "install.cmd").read_text("utf-8")
