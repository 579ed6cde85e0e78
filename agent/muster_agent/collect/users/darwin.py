"""Local accounts of macOS, from its directory service."""

from __future__ import annotations

import re
import time

from muster_agent.collect.settings import darwin_login
from muster_agent.facts import Problem, Table, User
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import directory_service, plist
from muster_agent.system.directory_service import Record, first

ATTRIBUTES = ("RecordName", "UniqueID", "UserShell", "AuthenticationAuthority", "IsHidden", "GeneratedUID", "Password")
ADMINISTRATORS = "admin"
FIRST_OF_PEOPLE, GUEST = 500, 201  # the system's own accounts have numbers below 500, 201 is Guest
NUMBER = re.compile(r"^-?[0-9]{1,10}$")
RECORDS = "/var/db/dslocal/nodes/Default/users"
YEAR_9999 = 253_370_764_800  # seconds since 1970
NO_SHELL = ("/usr/bin/false", "/usr/bin/nologin", "/sbin/nologin", "/dev/null")


def administrators(machine: Machine) -> tuple[set[str], set[str]]:
    """(names, identifiers) of the members of the group of administrators."""
    for record in directory_service.read(machine, "/Groups", "RecordName", "GroupMembership", "GroupMembers"):
        if ADMINISTRATORS in record.get("RecordName", []):
            return set(record.get("GroupMembership", [])), set(record.get("GroupMembers", []))
    raise CannotRead("not_understood", "dscl /Groups")


def guest_enabled(machine: Machine) -> bool:
    """Whether a guest may log in: macOS keeps the account either way."""
    return darwin_login.guest_account(machine)[0]


def no_password_fits(record: Record) -> bool:
    """Whether the account has neither a password nor another way to prove who it is."""
    return first(record, "Password") == "*" and not record.get("AuthenticationAuthority")


def enabled(record: Record, shell: str | None) -> bool | None:
    """Whether the account can be logged in to: it has a way to prove who it is, and a shell."""
    authority = " ".join(record.get("AuthenticationAuthority", []))
    if ";DisabledUser;" in authority or shell in NO_SHELL:
        return False
    if authority:
        return True
    return False if first(record, "Password") == "*" else None


def password_changed(machine: Machine, name: str) -> str | None:
    """The day the password was last set, out of the account's own file, which root alone may read; None for an account
    without one."""
    if "/" in name:
        raise CannotRead("not_understood", name[:80])
    found = plist.read(machine, f"{RECORDS}/{name}.plist").get("accountPolicyData")
    if not isinstance(found, list) or not found or not isinstance(found[0], bytes):
        return None
    moment = plist.parse(found[0], name).get("passwordLastSetTime")
    if not isinstance(moment, (int, float)) or not 0 < moment < YEAR_9999:
        return None
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def collect(machine: Machine) -> Table:
    """Every account of the local node."""
    notes = [Problem("unsupported", "password_not_told", "macOS", "password_status")]
    notes += [
        Problem("unsupported", "account_not_told", "macOS", column) for column in ("last_login", "password_expires")
    ]
    try:
        names, identifiers = administrators(machine)
    except CannotRead as error:
        names, identifiers = set(), set()
        notes.append(error.problem("administrator"))
    unknown = any(note.column == "administrator" for note in notes)
    rows = []
    for record in directory_service.read(machine, "/Users", *ATTRIBUTES):
        name, number = first(record, "RecordName"), first(record, "UniqueID")
        if name is None or number is None or not NUMBER.match(number):
            raise CannotRead("not_understood", f"dscl /Users: {name or number}")
        uid, shell = int(number), first(record, "UserShell")
        changed = None
        try:
            changed = password_changed(machine, name)
        except CannotRead as error:
            problem = Problem(error.status, error.code, RECORDS, "password_changed")
            notes += [] if problem in notes else [problem]
        open_to_all = uid == GUEST and guest_enabled(machine)
        locked = no_password_fits(record) and not open_to_all
        member = uid == 0 or name in names or first(record, "GeneratedUID") in identifiers
        rows.append(
            User(
                uid=uid,
                username=name,
                type="person" if uid >= FIRST_OF_PEOPLE or uid == GUEST else "system",
                shell=shell,
                enabled=open_to_all if uid == GUEST else enabled(record, shell),
                administrator=None if unknown and not member else member,
                password_status="empty" if open_to_all else "locked" if locked else None,
                password_changed=changed,
            )
        )
    if not rows:
        raise CannotRead("not_understood", "dscl /Users")
    return Table(rows=tuple(rows), notes=tuple(notes))
