"""The accounts of a Linux PC. Names, numbers and groups anybody may read; passwords' states, and what sudo grants
beyond the groups, only root."""

from __future__ import annotations

import time

from muster_agent.collect.users.linux_last_login import day, last_logins
from muster_agent.collect.users.linux_rights import Rights
from muster_agent.facts import Problem, Table, User
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.accounts import passwd, shadow
from muster_agent.system.accounts.passwd import Account
from muster_agent.system.accounts.shadow import Ageing
from muster_agent.system.filetime import LATEST

SHADOW = "/etc/shadow"
DAY = 24 * 60 * 60
# What stands in place of a shell where nobody is to log in, and the accounts that only turn the machine off.
NO_SHELLS = {"nologin", "false", "true", "null", "sync", "shutdown", "halt"}
UID_MIN = 1000  # where login.defs(5) sets nothing
# nobody, (uid_t) -1 in 16 and 32 bits; and the numbers systemd gives services while they run (systemd.exec(5)).
NOBODY = {65_534, 65_535, 4_294_967_294, 4_294_967_295}
DYNAMIC = range(61_184, 65_520)
KEYS = ("authorized_keys", "authorized_keys2")  # sshd_config(5), AuthorizedKeysFile


def _uid_min(machine: Machine, notes: list[Problem]) -> int | None:
    """The first number of people; None when it could not be read."""
    path = "/etc/login.defs"
    try:
        said = passwd.login_defs(machine.text(path)).get("UID_MIN", str(UID_MIN))
    except NotFound:
        return UID_MIN
    except CannotRead as error:
        notes.append(error.problem("type"))
        return None
    if not passwd.NUMBER.match(said):
        notes.append(Problem("error", "not_understood", f"{path}: UID_MIN {said}"[:200], "type"))
        return None
    return int(said)


def _ageing(machine: Machine, notes: list[Problem]) -> dict[str, Ageing] | None:
    """What shadow(5) says, None when this user may not read it."""
    try:
        found, strange = shadow.parse(machine.text(SHADOW))
    except NotFound:
        return {}
    except CannotRead as error:
        columns = ("enabled", "password_status", "password_expires", "password_changed")
        notes.extend(error.problem(column) for column in columns)
        return None
    if strange:  # the line is not shown: it may hold a password's hash
        notes.append(Problem("error", "not_understood", f"{SHADOW}: {len(strange)}", "password_status"))
    return found


def _has_keys(machine: Machine, account: Account, notes: list[Problem]) -> bool | None:
    """Whether somebody may log in to ``account`` by ssh without its password."""
    try:
        if not machine.exists("/usr/sbin/sshd"):
            return False
        for name in KEYS:
            path = f"{account.home.rstrip('/')}/.ssh/{name}"
            if machine.exists(path) and machine.stat(path).size > 0:
                return True
    except CannotRead as error:
        notes.append(error.problem("enabled"))
        return None
    return False


def collect(machine: Machine) -> Table:
    """One row an account."""
    said = passwd.parse(machine.text("/etc/passwd"))
    if not said.accounts:
        raise CannotRead("not_understood", "/etc/passwd")
    groups = passwd.parse_groups(machine.text("/etc/group"))
    notes = [Problem("error", "not_understood", f"/etc/passwd: {line}"[:200]) for line in said.strange]
    notes += [
        Problem("error", "not_understood", f"/etc/group: {line}"[:200], "administrator") for line in groups.strange
    ]
    if said.elsewhere:
        notes.append(Problem("unsupported", "accounts_elsewhere", said.elsewhere[0][:200]))
    uid_min = _uid_min(machine, notes)
    ageing = _ageing(machine, notes)
    rights = Rights(machine, groups, said.accounts)
    logged_in, missing = last_logins(machine, said.accounts)
    today = int(time.time()) // DAY
    missing_in_shadow: list[str] = []
    rows = []
    for account in said.accounts:
        own = (ageing or {}).get(account.name)
        status: str | None = shadow.password_status(account.password)
        if account.password == "x":  # noqa: S105 - a marker of passwd(5), no password
            # Without an entry in shadow nothing is known: the file may have lost its end.
            status = None if own is None else shadow.password_status(own.password)
            if own is None and ageing is not None:
                missing_in_shadow.append(account.name)
        shell = account.shell or passwd.DEFAULT_SHELL
        enabled: bool | None = None
        if shell.rpartition("/")[2] in NO_SHELLS or (own and own.closed(today)):
            enabled = False
        elif status is not None:
            enabled = _has_keys(machine, account, notes) if status == "locked" else True
        of_system = account.uid == 0 or account.uid in NOBODY or account.uid in DYNAMIC
        kind = "system" if of_system else None
        if kind is None and uid_min is not None:
            kind = "person" if account.uid >= uid_min else "system"
        changed = (own.changed or 0) * DAY if own else 0
        rows.append(
            User(
                uid=account.uid,
                username=account.name,
                type=kind,
                shell=shell,
                enabled=enabled,
                administrator=rights.administrator(account),
                password_status=status,
                password_expires=own.password_expires() if own else None,
                password_changed=day(changed) if 0 < changed < LATEST else None,
                last_login=logged_in.get(account.name),
            )
        )
    if missing_in_shadow:
        names = ", ".join(missing_in_shadow)[:200]
        notes += [Problem("error", "not_in_shadow", names, column) for column in ("enabled", "password_status")]
    return Table(rows=tuple(rows), notes=(*notes, *rights.notes, *missing))
