"""The one child process of a run: what only COM and WMI tell (Windows Update, Defender, BitLocker)."""

from __future__ import annotations

import base64
import ntpath
import os
import re
from typing import Any, Mapping

from muster_agent.local import child
from muster_agent.local.windows import registry
from muster_agent.local.windows.libraries import is_32_bit_on_64_bit, system_folder, windows_folder
from muster_agent.local.windows.powershell_answer import NO_ANSWER, Answer, parse
from muster_agent.local.windows.powershell_script import script
from muster_agent.machine import CannotRead, NotFound
from muster_agent.system import current_version

TIME_LIMIT = 60.0  # seconds; the search for updates takes some on a slow disk
OUTPUT_LIMIT = 16 * 1024 * 1024
OFF = "MUSTER_NO_POWERSHELL"
ENGINE = r"HKLM\SOFTWARE\Microsoft\PowerShell\3\PowerShellEngine"  # this key is there from version 3 on
MAJOR = re.compile(r"([0-9]{1,4})\.")

# What it came to, kept for the process's life: several tables ask, and it is started once.
_outcome: list[dict[str, Any] | CannotRead] = []


def answers() -> Answer:
    """What every part of the script answered. Raises :class:`CannotRead`, each time the same."""
    if not _outcome:
        try:
            _outcome.append(_asked(os.environ))
        except CannotRead as error:
            _outcome.append(error)
    if isinstance(_outcome[0], CannotRead):
        raise _outcome[0]
    return _outcome[0]


def _asked(environment: Mapping[str, str]) -> Answer:
    if environment.get(OFF) == "1":
        raise CannotRead("powershell_off", OFF, "unsupported")
    build = windows_build()
    if build < current_version.WINDOWS_10:
        raise CannotRead("no_powershell", f"build {build}", "unsupported")
    version = engine_version()
    found = MAJOR.match(version)
    if found is None or int(found.group(1)) < 3:
        raise CannotRead("no_powershell", version, "unsupported")
    with child.started(arguments(program())) as running:
        pieces: list[bytes] = []
        missing = NO_ANSWER
        try:
            for piece in running.output(TIME_LIMIT, OUTPUT_LIMIT):
                pieces.append(piece)
        except CannotRead as error:
            if not pieces:
                raise
            missing = error.code.replace("_", " ")  # what was printed until then is an answer all the same
        return parse(b"".join(pieces), running.complaint, missing)


def windows_build() -> int:
    """The build of this Windows. Before Windows 10 PowerShell was seen to hang, so it is not started there, whatever
    version of it was installed later. Raises :class:`CannotRead` when no build is stated."""
    said = registry.values(current_version.KEY).get("CurrentBuild")
    if not isinstance(said, str) or not current_version.BUILD.match(said):
        raise CannotRead("not_understood", current_version.KEY + ": CurrentBuild")
    return int(said)


def engine_version() -> str:
    """The version of Windows PowerShell, e.g. 5.1.19041.1; empty before version 3. Read, and never started to ask."""
    try:
        return str(registry.values(ENGINE).get("PowerShellVersion", ""))
    except NotFound:
        return ""


def program() -> str:
    """powershell.exe for the processor of this Windows: a 32-bit one does not see all of it."""
    folder = ntpath.join(windows_folder(), "Sysnative") if is_32_bit_on_64_bit() else system_folder()
    return ntpath.join(folder, "WindowsPowerShell", "v1.0", "powershell.exe")


def arguments(path: str) -> list[str]:
    """The argument vector: no profile, no question, no script file, no waiting for input."""
    encoded = base64.b64encode(script().encode("utf-16-le")).decode("ascii")
    options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "None", "-OutputFormat", "Text"]
    return [path, *options, "-EncodedCommand", encoded]
