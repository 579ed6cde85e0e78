"""When a package was last updated, by the logs of dnf, yum and zypper.

rpm's own database tells when each package was installed, but not whether that replaced an older one, so it is no
evidence here.
"""

from __future__ import annotations

import re
import time
from typing import Callable, Iterator

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import rotated_log
from muster_agent.system.filetime import LATEST
from muster_agent.versions import rpm

FOLDER = "/var/log"
DNF, YUM, ZYPPER = "dnf.rpm.log", "yum.log", "zypp/history"
DAY = 86400
# 2023-11-28T10:20:30+0800 SUBDEBUG Upgraded: bash-4.4.19-12.el8.x86_64 (dnf); dnf 5 writes no such log.
OF_DNF = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})T\S+ [A-Z]+ (?:Upgrade|Upgraded|Update|Updated): \S", re.MULTILINE)
# Nov 28 10:20:30 Updated: 1:bash-4.2.46-34.el7.x86_64 (yum): without a year.
OF_YUM = re.compile(r"([A-Z][a-z]{2}) ([ 0-9][0-9]) [0-9:]{8} (Updated: \S)?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# 2023-11-28 10:20:30|install|bash|4.4-9.14.1|x86_64|root@pc|SLES12-SP5-Updates|…| (zypper)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?= )")
# What zypper writes down before what it does: |command|root@pc|'zypper' '--non-interactive' 'patch'|
UPDATING = frozenset({"up", "update", "patch", "dup", "dist-upgrade", "full-upgrade"})


def last_in_dnf_log(text: str, written: int) -> str | None:
    """The day of the last update in the text of a dnf.rpm.log. Local time: only the day is certain."""
    return max(OF_DNF.findall(text), default=None)


def last_in_yum_log(text: str, written: int) -> str | None:
    """The day of the last update in the text of a yum.log that was last ``written`` to at that second.

    Its lines name no year. The last one was written when the file was; going back, a date later in the year than the
    one behind it is of the year before. Raises ``not_understood`` when the second is none of our time.
    """
    if OF_YUM.search(text) is None:
        return None
    if not 0 < written < LATEST:
        raise CannotRead("not_understood", YUM)
    # A day ahead: the log is in local time, what the file system says is not.
    last = time.gmtime(written + DAY)
    year, limit = last.tm_year, (last.tm_mon, last.tm_mday)
    for line in reversed(text.splitlines()):
        found = OF_YUM.match(line)
        if not found or found.group(1) not in MONTHS:
            continue
        day = (MONTHS.index(found.group(1)) + 1, int(found.group(2)))
        if day > limit:
            year -= 1
        limit = day
        if found.group(3):
            return f"{year:04d}-{day[0]:02d}-{day[1]:02d}"
    return None


def _is_update(command: str) -> bool:
    """Whether a command zypper wrote down is an update: its first word that is no option."""
    words = [word for word in re.findall(r"'([^']*)'", command)[1:] if not word.startswith("-")]
    return bool(words) and words[0] in UPDATING


def last_in_zypper_history(text: str, written: int) -> str | None:
    """The day of the last update in the text of zypper's history.

    It says "install" for both, so an update is what replaced a lower version the history knows of, what was installed
    by an update command, and a patch that was applied.
    """
    days: list[str] = []
    versions: dict[tuple[str, str], str] = {}
    updating = False
    for line in text.splitlines():
        date, fields = DATE.match(line), line.split("|")
        if date is None or len(fields) < 4:
            continue
        action = fields[1].strip()
        if action == "command":
            updating = _is_update("|".join(fields[3:]))
        elif action == "patch":
            days += [date.group()] if "|applied|" in line.replace(" ", "") else []
        elif action == "install" and len(fields) > 4:
            package = (fields[2].strip(), fields[4].strip())
            before, after = versions.get(package), fields[3].strip()
            if updating or (before and after and rpm(before) < rpm(after)):
                days.append(date.group())
            if after and not re.search(r"\s", after):
                versions[package] = after
        elif action == "remove" and len(fields) > 4:
            versions.pop((fields[2].strip(), fields[4].strip()), None)
    return max(days, default=None)


def _newest_first(machine: Machine, folder: str, log: str) -> Iterator[str]:
    """The paths of a log and of its rotations: .1, .2.gz (dnf itself), -20231128, -20231128.gz (logrotate)."""
    numbered, dated = [], []
    for name in machine.names(folder):
        found = re.match(re.escape(log) + r"(?:\.([0-9]{1,4})|-([0-9]{8}))?(?:\.gz)?$", name)
        if found and found.group(2):
            dated.append((found.group(2), name))
        elif found:
            numbered.append((int(found.group(1) or 0), name))
    for _, name in [*sorted(numbered), *sorted(dated, reverse=True)]:
        yield f"{folder}/{name}"


LOGS: tuple[tuple[str, Callable[[str, int], str | None]], ...] = (
    (DNF, last_in_dnf_log),
    (YUM, last_in_yum_log),
    (ZYPPER, last_in_zypper_history),
)


def last_update(machine: Machine) -> str:
    """The day of the last update. Raises ``no_upgrade_logged`` where no log tells, and when one cannot be read."""
    for log, last in LOGS:
        folder, _, name = f"{FOLDER}/{log}".rpartition("/")
        for path in _newest_first(machine, folder, name):
            day = last(rotated_log.text(machine, path), machine.stat(path).mtime)
            if day is not None:
                return day
    raise CannotRead("no_upgrade_logged", f"{FOLDER}/{DNF}")
