"""System V init, as on 中标麒麟 6 and CentOS 6: chkconfig, the links in rc?.d, inittab; and Upstart's initctl."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

LEVELS = re.compile(r"(\S+)((?:\s+[0-6]:\S+){7})\s*\Z")
# chkconfig translates "on" and "off"; the agent asks in the C locale, but recordings come in others.
ON = {"on", "启用", "开启", "ein", "marche", "activado", "sim", "はい"}
LINK = re.compile(r"S[0-9]{2}(.+)\Z")
JOB = re.compile(r"(\S+)(?: \(([^()]*)\))? (start|stop)/([a-z-]+)(?:, process ([0-9]+))?\s*\Z")


@dataclass(frozen=True)
class Chkconfig:
    """``chkconfig --list``."""

    levels: dict[str, tuple[bool, ...]]  # of each service: whether it starts in runlevel 0 … 6
    xinetd: dict[str, bool]  # services that xinetd starts when somebody connects


def chkconfig(text: str) -> Chkconfig:
    """What ``chkconfig --list`` printed. Raises :class:`CannotRead` for a line it does not understand."""
    levels: dict[str, tuple[bool, ...]] = {}
    xinetd: dict[str, bool] = {}
    in_note = False
    for line in text.replace("\r", "").split("\n"):
        said = LEVELS.match(line.strip())
        only = re.match(r"\s+(\S+):\s+(\S+)\s*\Z", line)
        if not line.strip():
            continue
        if said and not line[0].isspace():
            in_note = False
            states = [field.partition(":")[2] for field in said.group(2).split()]
            levels[said.group(1)] = tuple(state in ON for state in states)
        elif only and not in_note:
            xinetd[only.group(1)] = only.group(2) in ON
        elif line.startswith(("Note:", "注意", "注：")):  # systems with systemd say first that there is more
            in_note = True
        elif "xinetd" in line and line.rstrip().endswith((":", "：")):
            in_note = False
        elif not in_note:
            raise CannotRead("not_understood", f"chkconfig: {line.strip()[:80]}")
    if not levels:  # every system has some
        raise CannotRead("not_understood", "chkconfig")
    return Chkconfig(levels, xinetd)


def started(names: list[str]) -> set[str]:
    """The services whose links in a folder rc?.d start them."""
    return {link.group(1) for link in map(LINK.match, names) if link}


def default_runlevel(inittab: str) -> str | None:
    """The runlevel a machine starts into (inittab(5)): a digit, None when the file does not say."""
    found = re.search(r"^[^#:\n]{0,14}:([0-6]):initdefault:", inittab, re.MULTILINE)
    return found.group(1) if found else None


@dataclass(frozen=True)
class Job:
    """One line of ``initctl list``."""

    name: str
    instance: str | None
    goal: str  # start or stop
    state: str  # running, waiting, …
    process: int | None


def initctl(text: str) -> list[Job]:
    """What ``initctl list`` or ``initctl status`` printed. Raises :class:`CannotRead`."""
    found = []
    for line in text.replace("\r", "").split("\n"):
        job = JOB.match(line)
        if job:
            process = job.group(5)
            number = int(process) if process and len(process) < 10 else None
            found.append(Job(job.group(1), job.group(2), job.group(3), job.group(4), number))
        elif line.strip() and not line.startswith("\t"):  # further processes of a job stand indented
            raise CannotRead("not_understood", f"initctl: {line.strip()[:80]}")
    if not found:
        raise CannotRead("not_understood", "initctl")
    return found
