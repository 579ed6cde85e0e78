"""Whether the agent's files can be changed by anybody but their owner: run by root it must not run what others wrote.

The oldest hole of agents is an install folder, or one above it, that an ordinary user can write to (security.md L15):
whatever lies there then runs as root. So a run by root begins with a look at every file that decides what it does.
A run by an ordinary user has that user's rights and no others; there the agent's own folder is looked at (home.py).
On Windows the access lists, set when the agent was installed, stand for this.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Iterator

from muster_agent.sending.home import Unusable
from muster_agent.sending.places import conf_of

GROUP, OTHERS = 0o020, 0o002
ADMIN_OF_DARWIN = 80  # its members may become root; python.org's Python is theirs to write
FIRST_USER = 1000  # groups below belong to the system
PASSWD = "/etc/passwd"  # noqa: S105  # a file, and no secret


def must_be_ours(home: str, program: str | None = None) -> None:
    """Raise :class:`Unusable` when root runs a program, a Python or a folder of settings that others can change.

    home: the agent's folder, which need not exist yet. program: a file of the agent; the running one unless given.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    for path in sorted({os.path.abspath(home), *_libraries(program or __file__)}):
        found = changeable(path)
        if found is not None:
            raise Unusable("home_unsafe" if path == os.path.abspath(home) else "program_unsafe", found)
    for path in _files(_package(program or __file__)):
        if _unsafe(os.lstat(path)):
            raise Unusable("program_unsafe", path)
    settings = changeable(conf_of(home))
    if settings is not None:
        raise Unusable("conf_unsafe", settings)


def changeable(path: str) -> str | None:
    """The first of ``path`` and the folders above it, links followed, that others than root can change, or None.

    What is not there yet is judged by the folder it would be made in.
    """
    for one in (os.path.abspath(path), os.path.realpath(path)):
        for place in (one, *map(str, Path(one).parents)):
            try:
                status = os.lstat(place)
            except OSError:
                continue
            # In a folder like /tmp others can make files, and cannot replace those of root.
            kept = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and place != one
            if _unsafe(status) and not (kept and status.st_uid == 0):
                return place
    return None


def _unsafe(status: os.stat_result) -> bool:
    if stat.S_ISLNK(status.st_mode):
        return status.st_uid != 0  # its mode says nothing
    group = status.st_mode & GROUP and _peopled(status.st_gid)
    return bool(status.st_uid != 0 or group or status.st_mode & OTHERS)


def _peopled(group: int) -> bool:
    """Whether anybody but root is in a group. Debian gives /usr/local to its group staff, in which nobody is."""
    if group == 0 or (sys.platform == "darwin" and group == ADMIN_OF_DARWIN):
        return False
    if group >= FIRST_USER:
        return True
    import grp  # only where something is writable by a group at all

    try:
        if set(grp.getgrgid(group).gr_mem) - {"root"}:
            return True
        # The file and not its service: a directory of thousands of accounts is none of the system's groups' members.
        with open(PASSWD, encoding="utf-8", errors="replace") as file:
            return any(line.split(":")[3:4] == [str(group)] for line in file)
    except KeyError:
        return False
    except OSError:
        return True


def _package(program: str) -> str:
    """The folder of the package, or the one file the whole agent lies in."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(program)))
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder


def _libraries(program: str) -> Iterator[str]:
    """The program, the Python that runs it, and what that Python takes its modules from."""
    yield _package(program)
    yield sys.executable
    yield os.path.dirname(os.__file__)
    for name in ("cryptography", "psutil"):
        module = sys.modules.get(name)
        found = getattr(module, "__file__", None)
        if found:
            yield os.path.dirname(found)
    for place in sys.path:
        # A folder that is searched first decides what is imported, whatever it holds today.
        if place and os.path.isdir(place):
            yield place


def _files(folder: str) -> Iterator[str]:
    """Every file and folder of the package."""
    if os.path.isfile(folder):
        yield folder
        return
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            yield os.path.join(root, name)
