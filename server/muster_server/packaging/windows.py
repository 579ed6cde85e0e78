"""A zip for Windows: a CPython of its own, the agent, a scheduled task, and scripts that install and remove it.

The Python is the embeddable package of python.org, which IT supplies: 3.8 is the last that runs on Windows 7.
"""

from __future__ import annotations

import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

from muster_server.packaging import wheels
from muster_server.packaging.archive import zipped
from muster_server.packaging.contents import Entry, Made, Order, Unbuildable, agent_files, data
from muster_server.packaging.pyz import provided
from muster_server.packaging.wheels import Target

PTH = re.compile(r"python3(\d{1,2})\._pth")
OLDEST = 7  # the agent's language level is 3.7
MACHINES = {0x8664: "win_amd64", 0x014C: "win32", 0xAA64: "win_arm64"}  # of a PE file
PROGRAM_SCRIPTS = ("uninstall.cmd", "muster-agent.cmd", "status.cmd")


@dataclass(frozen=True)
class Python:
    """An embeddable CPython."""

    minor: int
    platform: str  # as wheels name it
    files: dict[str, bytes]


def build(order: Order) -> Made:
    """muster-agent-VERSION-RELEASE-windows-ARCH.zip."""
    if order.python is None:
        raise Unbuildable("agent.package.no_python")
    python = embeddable(order.python)
    if order.wheels is None:
        raise Unbuildable("agent.package.no_wheels", command=download(python))
    target = Target(python.minor, python.platform)
    try:
        libraries = wheels.unpacked(order.wheels, target, "program/python/Lib/site-packages/")
    except Unbuildable as error:
        raise Unbuildable(error.code, command=download(python), **error.values) from None
    arch = python.platform.removeprefix("win_")
    name = f"muster-agent-{order.version}-{order.release}-windows-{arch}"
    entries = [
        *(Entry(f"program/python/{path}", content) for path, content in python.files.items()),
        *libraries,
        *agent_files(order, "program/agent/"),
        Entry("program/version.txt", f"{order.version}-{order.release}\r\n".encode("ascii")),
        *(Entry(f"program/{script}", batch(script)) for script in PROGRAM_SCRIPTS),
        *provided(order, "settings/"),
        Entry("install.cmd", batch("install.cmd")),
        Entry("task.xml", crlf("task.xml").encode("utf-16")),  # schtasks wants UTF-16 with its mark
        Entry("README.txt", crlf("README.txt").encode("utf-8-sig")),
    ]
    return Made(name + ".zip", zipped([Entry(f"{name}/{e.path}", e.data, e.mode) for e in entries], order.epoch))


def embeddable(path: Path) -> Python:
    """Read an embeddable CPython and tell it where the agent and its libraries lie. Raises :class:`Unbuildable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise Unbuildable("agent.package.bad_zip", path=path, error=error) from None
    pth = next((name for name in files if PTH.fullmatch(name)), None)
    found = PTH.fullmatch(pth or "")
    platform = MACHINES.get(machine(files.get("python.exe", b"")))
    if pth is None or found is None or platform is None:
        raise Unbuildable("agent.package.not_embeddable", path=path)
    minor = int(found[1])
    if minor < OLDEST:
        raise Unbuildable("agent.package.old_python", path=path, version=f"3.{minor}")
    # A ._pth makes Python look at these places and at nothing of the environment, the registry or a user's folder.
    files[pth] = f"python3{minor}.zip\r\n.\r\nLib\\site-packages\r\n..\\agent\r\n".encode("ascii")
    return Python(minor, platform, files)


def machine(program: bytes) -> int:
    """The processor a PE file is for, 0 for what is none (PE format: the header's offset stands at 0x3C)."""
    if program[:2] != b"MZ" or len(program) < 0x40:
        return 0
    (at,) = struct.unpack_from("<I", program, 0x3C)
    if program[at : at + 4] != b"PE\0\0" or len(program) < at + 6:
        return 0
    return int(struct.unpack_from("<H", program, at + 4)[0])


def download(python: Python) -> str:
    """The command that fetches the libraries for that Python."""
    # The last cryptography whose wheels run on Windows 7; newer ones are built with a Rust that needs Windows 10.
    cryptography = '"cryptography<42"' if python.minor <= 8 else "cryptography"
    return (
        f"pip download --only-binary=:all: --platform {python.platform} --implementation cp --python-version "
        f"3.{python.minor} --dest wheels {cryptography} cffi pycparser psutil"
    )


def crlf(name: str) -> str:
    """A text of data/windows with the line ends of Windows."""
    return data(f"windows/{name}").decode("utf-8").replace("\n", "\r\n")


def batch(name: str) -> bytes:
    """A script for cmd. GB 2312, which Chinese systems show, and of which no byte can be taken for an operator."""
    return crlf(name).encode("gb2312")
