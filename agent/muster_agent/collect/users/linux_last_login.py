"""When each account was last logged in to: lastlog for consoles and ssh, wtmp for the display managers as well.

lightdm, the display manager of 银河麒麟 and 统信 UOS, writes wtmp only, so lastlog alone would call people who log in
every day unused accounts.
"""

from __future__ import annotations

import re
import time

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.accounts import logins
from muster_agent.system.accounts.passwd import Account

FOLDER = "/var/log"
WTMP = re.compile(r"wtmp(?:\.[0-9]{1,2}|-[0-9]{8,10})?\Z")  # and those logrotate set aside
WTMP_LIMIT = 16 * 1024 * 1024
LASTLOG = FOLDER + "/lastlog"
LASTLOG_LIMIT = 8 * 1024 * 1024  # a sparse file that ends at the highest uid: 28 000 accounts
LASTLOG2 = "/var/lib/lastlog/lastlog2.db"  # its successor, an SQLite database


def day(seconds: int) -> str:
    """The day (UTC) of a moment."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _by_number(machine: Machine, accounts: tuple[Account, ...]) -> dict[int, int]:
    size = machine.stat(LASTLOG).size
    reach = min(size, LASTLOG_LIMIT)
    uids = {account.uid for account in accounts if (account.uid + 1) * logins.LONGEST <= LASTLOG_LIMIT}
    count = min(reach, (max(uids, default=0) + 1) * logins.LONGEST)
    if not size:
        return {}
    return logins.lastlog(machine.read_start(LASTLOG, count), uids, size, machine.uname().machine, LASTLOG)


def last_logins(machine: Machine, accounts: tuple[Account, ...]) -> tuple[dict[str, str], list[Problem]]:
    """The day of the last login by name, and notes on records that could not be read."""
    found: dict[str, int] = {}
    notes = []
    try:
        by_number = _by_number(machine, accounts)
        found = {account.name: by_number[account.uid] for account in accounts if account.uid in by_number}
    except NotFound:
        newer = machine.exists(LASTLOG2)
        code, detail = ("lastlog2_not_read", LASTLOG2) if newer else ("no_login_record", LASTLOG)
        notes.append(Problem("unsupported", code, detail, "last_login"))
    except CannotRead as error:
        notes.append(error.problem("last_login"))
    try:
        names = [name for name in machine.listdir(FOLDER) if WTMP.match(name)]
    except CannotRead as error:
        return {name: day(seconds) for name, seconds in found.items()}, [*notes, error.problem("last_login")]
    for name in names:
        try:
            path = f"{FOLDER}/{name}"
            for user, seconds in logins.wtmp(machine.read(path, WTMP_LIMIT), machine.uname().machine, path).items():
                found[user] = max(seconds, found.get(user, 0))
        except CannotRead as error:
            notes.append(error.problem("last_login"))
    return {name: day(seconds) for name, seconds in found.items()}, notes
