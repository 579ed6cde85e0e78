r"""What is registered with the security centre as antivirus: ``Security Center\Provider\Av``, which its service keeps.

STATE is the number WMI calls productState. Its masks are not documented and have not changed since Vista
(endpoints.md §1.1); each is compared as a whole, because EXPIRED holds the bits of ON.
"""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.evidence.windows_paths import Paths
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import registry_key
from muster_agent.system.image_path import program

KEY = r"HKLM\SOFTWARE\Microsoft\Security Center\Provider\Av"
SERVICE = "wscsvc"  # keeps the entries; while it does not run they say what was, not what is
OFF, ON, SNOOZED, EXPIRED = 0x0000, 0x1000, 0x2000, 0x3000
STATE_MASK, SIGNATURES_MASK, OWNER_MASK = 0xF000, 0x00F0, 0x0F00
CURRENT, OUTDATED = 0x0000, 0x0010
MICROSOFT = 0x0100
LONGEST = 200  # characters of a name


@dataclass(frozen=True)
class Registration:
    """One entry."""

    name: str
    state: int
    program: str | None  # the file that reports to the centre; None where it names none on a drive
    gone: bool  # none of the files it names is there any more: the product was removed and its entry stayed

    @property
    def unnamed(self) -> bool:
        """Whether it names no program of its maker's: nobody can tell whether the product is still there."""
        return self.program is None and not self.of_microsoft

    @property
    def on(self) -> bool | None:
        """Whether it calls itself switched on; None for a state that is none of the four."""
        return {ON: True, OFF: False, SNOOZED: False, EXPIRED: False}.get(self.state & STATE_MASK)

    @property
    def current(self) -> bool | None:
        """Whether it calls its signatures current. Of a product that is off nobody knows: it does not look."""
        said = {CURRENT: True, OUTDATED: False}.get(self.state & SIGNATURES_MASK)
        return None if said and self.on is not True else said

    @property
    def of_microsoft(self) -> bool:
        """Whether it is Windows's own."""
        return self.state & OWNER_MASK == MICROSOFT


def registration(
    machine: Machine, key: registry_key.RegistryKey, paths: Paths, system_root: str | None
) -> Registration:
    """The entry in ``key``. Raises ``not_understood`` for one without a name or a state, and why nobody can tell
    whether its program is there."""
    name, state = key.text("DISPLAYNAME"), key.number("STATE")
    if not name or not name.strip() or state is None:
        raise CannotRead("not_understood", key.path)
    own = state & OWNER_MASK == MICROSOFT
    named, unread = [], None
    for value in ("REPORTINGEXE", "PRODUCTEXE"):
        said = key.text(value)
        path = program(said, system_root) if said else None
        candidates = paths.candidates(path) if path else []
        named += candidates
        try:
            there = paths.find(path or "") if candidates else None
        except CannotRead as error:
            unread = error
            continue
        if there is not None:
            return Registration(name.strip()[:LONGEST], state, there, False)
    if unread is not None:
        raise unread
    # Windows's own is renewed into another folder; whether it is there, its service tells.
    return Registration(name.strip()[:LONGEST], state, named[0] if named else None, bool(named) and not own)


def registrations(
    machine: Machine, paths: Paths, system_root: str | None
) -> tuple[list[Registration] | None, list[Problem]]:
    """The entries, and what could not be read; None where this Windows keeps no such list: Server, and Windows 7."""
    try:
        names = machine.registry_keys(KEY)
    except NotFound:
        return None, []
    except CannotRead as error:
        return None, [error.problem()]
    found, notes = [], []
    for name in names:
        try:
            entry = registration(machine, registry_key.optional(machine, f"{KEY}\\{name}"), paths, system_root)
            found.append(entry)
            if entry.on is None:
                notes.append(Problem("error", "not_understood", f"{entry.name}: STATE={entry.state:#x}", "realtime"))
        except CannotRead as error:
            notes.append(error.problem())
    return found, notes
