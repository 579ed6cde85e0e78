r"""The accounts a Windows PC keeps itself. Those of a domain, and Microsoft's own cloud accounts, are not listed; the
local account that stands for one is."""

from __future__ import annotations

from typing import Any

from muster_agent.collect.users import windows_account
from muster_agent.facts import Problem, Table, User
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.filetime import LATEST
from muster_agent.system.registry_setting import text
from muster_agent.system.windows_answer import record, records, whole
from muster_agent.system.windows_answer import text as text_of

USERS, MODALS, MEMBERS = "NetUserEnum", "NetUserModalsGet", "NetLocalGroupGetMembers"
CLOCK = "GetSystemTimeAsFileTime"
ADMINISTRATORS = "S-1-5-32-544"
# Members of the group that mean more than themselves: everyone, whoever is logged in, every local account.
EVERYBODY = {"S-1-1-0", "S-1-2-0", "S-1-5-4", "S-1-5-11", "S-1-5-113"}
USER_PRIV_ADMIN = 2
TYPES = {True: "person", False: "system", None: None}
PRODUCT = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions"


def _administrators(machine: Machine, notes: list[Problem]) -> set[str] | None:
    try:
        return {text_of(member, "sid", MEMBERS) for member in records(machine, MEMBERS, ADMINISTRATORS)}
    except CannotRead as error:
        notes.append(error.problem("administrator"))
        return None


def _administrator(account: dict[str, Any], members: set[str] | None) -> bool | None:
    """By the members of the group; where they could not be read, Windows's own word is taken if it says yes."""
    if members is None:
        return True if account.get("priv") == USER_PRIV_ADMIN else None
    return str(account.get("sid")) in members or bool(members & EVERYBODY)


def _now(machine: Machine) -> int:
    """The clock of the PC, in seconds since 1970."""
    said = machine.api(CLOCK)
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said < LATEST:
        raise CannotRead("not_understood", CLOCK)
    return said


def _modals(machine: Machine, notes: list[Problem]) -> tuple[int | None, int | None]:
    """(shortest password, seconds until one expires) of this PC."""
    try:
        said = record(machine, MODALS, "0")
        return whole(said, "min_passwd_len", MODALS), whole(said, "max_passwd_age", MODALS)
    except CannotRead as error:
        notes += [error.problem(column) for column in ("password_expires", "password_status")]
        return None, None


def collect(machine: Machine) -> Table:
    """A row an account. A domain controller has no accounts of its own."""
    if (text(machine, PRODUCT, "ProductType") or "").lower() == "lanmannt":
        raise CannotRead("not_on_this_system", "domain controller", "unsupported")
    accounts = records(machine, USERS)
    if not accounts:  # Administrator and Guest cannot be deleted
        raise CannotRead("not_understood", USERS)
    notes: list[Problem] = []
    now: int | None = None
    try:
        now = _now(machine)
    except CannotRead as error:
        notes.append(error.problem("password_changed"))
    members = _administrators(machine, notes)
    shortest, lifetime = _modals(machine, notes)
    rows = []
    for account in accounts:
        rid, flags, name = whole(account, "rid", USERS), whole(account, "flags", USERS), text_of(account, "name", USERS)
        administrator = _administrator(account, members)
        age, last = account.get("password_age"), account.get("last_logon")
        row = User(
            uid=rid,
            username=name,
            type=TYPES[windows_account.is_person(rid, name, administrator)],
            enabled=not flags & windows_account.UF_ACCOUNTDISABLE,
            administrator=administrator,
            password_status=windows_account.password_status(flags, shortest),
            password_expires=windows_account.password_expires(flags, lifetime),
            password_changed=windows_account.changed(age, now) if isinstance(age, int) and now is not None else None,
            last_login=windows_account.day(last) if isinstance(last, int) and 0 < last < LATEST else None,
        )
        rows.append(row)
    return Table(rows=tuple(rows), notes=tuple(notes))
