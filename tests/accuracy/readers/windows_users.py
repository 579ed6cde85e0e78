"""Lists of Windows's accounts against our table of accounts.

The agent asks NetUserEnum; what WMI's Win32_UserAccount and InSpec's script over ADSI tell of an account is handed to
the collector as that function would have answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result
from wmi_dump import objects

from muster_agent.collect.users import windows
from muster_agent.facts import User
from muster_agent.machine import CannotRead, Denied, Uname
from muster_agent.recording import RecordedMachine, Recording

READS = {("windows", "users")}
NOW = 1_795_392_000  # any moment: no age in these recordings is compared
DAY = 24 * 60 * 60
# The names of the flags as ADSI has them, and those NetUserEnum tells (lmaccess.h).
FLAGS = {"SCRIPT": 0x1, "ACCOUNTDISABLE": 0x2, "PASSWD_NOTREQD": 0x20, "PASSWD_CANT_CHANGE": 0x40}
BOOLEANS = {"TRUE": True, "FALSE": False}
FLAGS = {**FLAGS, "NORMAL_ACCOUNT": 0x200, "DONT_EXPIRE_PASSWORD": 0x10000, "PASSWORD_EXPIRED": 0x800000}


def account(name: str, sid: str, flags: int, age: int = 0) -> dict[str, Any]:
    """One account as NetUserEnum answers it. Raises ``ValueError`` for a SID without a number."""
    number = re.fullmatch(r"S-1-5-21-[0-9-]{1,60}-([0-9]{1,10})", sid)
    if number is None:
        raise ValueError(sid)
    rid = int(number.group(1))
    return {"name": name, "rid": rid, "sid": sid, "flags": flags, "password_age": age, "priv": 1, "last_logon": None}


def rows_of(accounts: list[dict[str, Any]], administrators: Any) -> dict[int, User]:
    """The rows of a PC with these accounts, by their number."""
    apis: dict[tuple[str, ...], Any] = {
        ("NetUserEnum",): accounts,
        ("GetSystemTimeAsFileTime",): NOW,
        ("NetUserModalsGet", "0"): Denied("NetUserModalsGet"),
        ("NetLocalGroupGetMembers", windows.ADMINISTRATORS): administrators,
    }
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis)
    table = windows.collect(RecordedMachine(recording, whole=True))
    return {row.uid: row for row in table.rows or ()}


def of_wmi(entry: Entry) -> Iterator[Result]:
    """Win32_UserAccount: each flag is a property of its own, so none is stated a second time. What the rows say of an
    account can be wrong by these properties, but agreeing with what was handed in is not being right."""
    accounts = []
    wanted: dict[int, tuple[str, bool]] = {}
    for row in objects(entry.text()):
        flags = FLAGS["NORMAL_ACCOUNT"]
        flags |= FLAGS["ACCOUNTDISABLE"] if BOOLEANS[row["Disabled"]] else 0
        flags |= 0 if BOOLEANS[row["PasswordRequired"]] else FLAGS["PASSWD_NOTREQD"]
        flags |= 0 if BOOLEANS[row["PasswordExpires"]] else FLAGS["DONT_EXPIRE_PASSWORD"]
        accounts.append(account(row["Name"], row["SID"], flags))
        wanted[accounts[-1]["rid"]] = (row["Name"], not BOOLEANS[row["Disabled"]])
    rows = rows_of(accounts, Denied("NetLocalGroupGetMembers"))
    if {uid: (row.username, row.enabled) for uid, row in rows.items()} != wanted:
        yield Result(entry.file, WRONG, f"accounts or whether they are enabled: {sorted(rows)} of {sorted(wanted)}")
        return
    yield Result(entry.file, UNSTATED, ", ".join(f"{row.uid} {row.type} {row.enabled}" for row in rows.values()))


def of_adsi(entry: Entry) -> Iterator[Result]:
    """InSpec's list: whether an account is disabled, and its groups, stand beside the flags. The flags and the SIDs of
    the members are handed in; that the account is disabled, its owner states in a field of its own."""
    said = json.loads(entry.text())
    accounts = [
        account(
            row["username"],
            row["uid"],
            sum(FLAGS.get(flag, 0) for flag in row["userflags"]),
            int(row["passwordage"] or 0) * DAY,
        )
        for row in said
    ]
    members = [{"sid": row["uid"], "name": None} for row in said if "Administrators" in row["groups"]]
    rows = rows_of(accounts, members)
    for row, one in zip(said, accounts, strict=True):
        found = rows[one["rid"]]
        if ("ACCOUNTDISABLE" in row["userflags"]) is not row["disabled"]:
            yield Result(entry.file, UNKNOWN, f"{one['rid']}: the recording contradicts itself")
            continue
        wanted = (not row["disabled"], "Administrators" in row["groups"])
        verdict = RIGHT if (found.enabled, found.administrator) == wanted else WRONG
        yield Result(entry.file, verdict, f"{one['rid']}: {found.enabled}, {found.administrator} of {wanted}")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The verdicts on the raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        name = entry.path.name
        read = of_wmi if "Win32_UserAccount" in name else of_adsi if name.startswith("adsiusers") else None
        if read is None:
            yield Result(entry.file, UNKNOWN, "the agent has no use for this output")
            continue
        try:
            yield from list(read(entry))
        except (ValueError, KeyError, TypeError, AttributeError, CannotRead) as error:
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}")
