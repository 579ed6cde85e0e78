r"""What a Windows PC shares, and whether it can be opened without a password.

Who may open a share, and write to it, stands in access lists that are not read. But where every way in without a
password is shut for the whole PC, no share can be opened that way, whatever its list says.
"""

from __future__ import annotations

from muster_agent.facts import Problem, SharedResource, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_setting import number
from muster_agent.system.windows_answer import records, runs, text, whole

NAME, SERVICE = "NetShareEnum", "LanmanServer"
# STYPE_* (lmshare.h)
TYPES = {0: "Disk", 1: "Printer", 2: "Device", 3: "IPC"}
SPECIAL = 0x80000000
FILES = ("Disk", "Printer")  # IPC$ is no share of anything: programs talk through it, some before they log in
PARAMETERS = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
GUEST, UF_ACCOUNTDISABLE = 501, 0x2


def _anonymous(machine: Machine) -> dict[str, bool | None]:
    """The shares, in lower case, that a connection without any account may reach, and whether it can open them.

    Everyone, whom the access lists of most shares name, holds such connections only where Windows is told so. Else it
    takes an entry of their own, and the lists are not read.
    """
    said = machine.registry_value(PARAMETERS, "NullSessionShares")
    names = {name.strip().lower() for name in said} - {""} if isinstance(said, tuple) else set()
    opens = True if names and number(machine, LSA, "EveryoneIncludesAnonymous") == 1 else None
    return dict.fromkeys(names, opens)


def _shut(machine: Machine) -> bool:
    """Whether nobody gets in over the network without a password: the guest is off, accounts without a password may
    log in at the keyboard only, and connections without an account are held to the shares named for them."""
    needed = (number(machine, LSA, "LimitBlankPasswordUse"), number(machine, PARAMETERS, "RestrictNullSessAccess"))
    if needed != (1, 1):
        return False
    guests = [row for row in records(machine, "NetUserEnum") if row.get("rid") == GUEST]
    return bool(guests) and all(whole(row, "flags", "NetUserEnum") & UF_ACCOUNTDISABLE for row in guests)


def _guest(machine: Machine, notes: list[Problem]) -> tuple[dict[str, bool | None], bool]:
    """(shares named for connections without an account, whether all others need a password)."""
    try:
        return _anonymous(machine), _shut(machine)
    except CannotRead as error:
        notes.append(error.problem("guest"))
        return {}, False


def collect(machine: Machine) -> Table:
    """A row a share. While the service that shares does not run, nothing is shared."""
    try:
        shares = records(machine, NAME)
    except CannotRead:
        if runs(machine, SERVICE):
            raise
        return Table(rows=())
    notes: list[Problem] = []
    anonymous, shut = _guest(machine, notes)
    rows = []
    for share in shares:
        number_of_type = whole(share, "type", NAME)
        name, type_name = text(share, "name", NAME), TYPES.get(number_of_type & 0xFF)
        path = share.get("path") or None
        if path is not None and not isinstance(path, str):
            raise CannotRead("not_understood", f"{NAME}: path")
        rows.append(
            SharedResource(
                name=name,
                path=path if type_name == "Disk" else None,
                protocol="smb",
                type_name=type_name,
                administrative=bool(number_of_type & SPECIAL),
                guest=anonymous.get(name.lower(), False if shut and type_name in FILES else None),
            )
        )
    unknown = ", ".join(row.name or "" for row in rows if row.guest is None)[:200]
    if unknown and not any(note.column == "guest" for note in notes):
        notes.append(Problem("unsupported", "access_list_not_read", unknown, "guest"))
    if rows:
        notes.append(Problem("unsupported", "access_list_not_read", "", "writable"))
    return Table(rows=tuple(rows), notes=tuple(notes))
