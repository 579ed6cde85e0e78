"""passwd(5), group(5) and login.defs(5): the accounts of a Unix system and the groups they are in.

Lines that are no entry are left out by the C library; here they are handed back, so that the caller can say so.
"""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.dataclass import dataclass

NUMBER = re.compile(r"[0-9]{1,10}\Z")
# passwd(5): an empty last field means this one.
DEFAULT_SHELL = "/bin/sh"


@dataclass(frozen=True)
class Account:
    """One line of passwd(5)."""

    name: str
    password: str  # "x": it stands in shadow(5)
    uid: int
    gid: int
    comment: str
    home: str
    shell: str  # as written; empty is DEFAULT_SHELL


@dataclass(frozen=True)
class Group:
    """One line of group(5). Accounts whose first group it is are not among its members."""

    name: str
    gid: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Accounts:
    """A passwd(5) file."""

    accounts: tuple[Account, ...]
    elsewhere: tuple[str, ...]  # lines with + or -: accounts of a directory (NIS) are mixed in
    strange: tuple[str, ...]  # lines that are no entry


@dataclass(frozen=True)
class Groups:
    """A group(5) file."""

    groups: tuple[Group, ...]
    strange: tuple[str, ...]

    def members(self, names: tuple[str, ...], accounts: tuple[Account, ...]) -> set[str]:
        """The accounts in any group that bears one of ``names``, also those whose first group it is."""
        wanted = [group for group in self.groups if group.name in names]
        numbers = {group.gid for group in wanted}
        listed = {member for group in wanted for member in group.members}
        return listed | {account.name for account in accounts if account.gid in numbers}


def _lines(text: str) -> Iterator[str]:
    """The lines that say something. The C library skips empty lines and comments."""
    for line in text.split("\n"):
        said = line.rstrip("\r").lstrip(" \t")
        if said and not said.startswith("#"):
            yield said


def parse(text: str) -> Accounts:
    """The accounts in the text of a passwd file."""
    accounts: list[Account] = []
    elsewhere: list[str] = []
    strange: list[str] = []
    for line in _lines(text):
        fields = line.split(":")
        if line[0] in "+-":
            elsewhere.append(line)
        elif len(fields) == 7 and fields[0] and NUMBER.match(fields[2]) and NUMBER.match(fields[3]):
            name, password, uid, gid, comment, home, shell = fields
            accounts.append(Account(name, password, int(uid), int(gid), comment, home, shell.strip()))
        else:
            strange.append(line)
    return Accounts(tuple(accounts), tuple(elsewhere), tuple(strange))


def parse_groups(text: str) -> Groups:
    """The groups in the text of a group file; lines of a directory (+, -) add nothing that could be read here."""
    groups: list[Group] = []
    strange: list[str] = []
    for line in _lines(text):
        fields = line.split(":")
        if line[0] in "+-":
            continue
        if len(fields) == 4 and fields[0] and NUMBER.match(fields[2]):
            members = tuple(member.strip() for member in fields[3].split(",") if member.strip())
            groups.append(Group(fields[0], int(fields[2]), members))
        else:
            strange.append(line)
    return Groups(tuple(groups), tuple(strange))


def login_defs(text: str) -> dict[str, str]:
    """The settings of a login.defs file; the last one of a name counts, as it does to shadow's tools."""
    found = {}
    for line in text.split("\n"):
        fields = line.split(None, 1)
        if fields and not fields[0].startswith("#"):
            found[fields[0]] = fields[1].strip().strip('"') if len(fields) == 2 else ""
    return found
