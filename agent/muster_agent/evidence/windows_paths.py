r"""Paths of Windows as the registry and the catalogue write them: ``%ProgramFiles%\Huorong``, ``c:\program files``."""

from __future__ import annotations

import re
from typing import Iterable

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Denied, Machine

VARIABLE = re.compile(r"^%([A-Za-z()0-9]+)%")
DRIVE = re.compile(r"^[A-Za-z]:\\")
# Where anybody may put a program of any name.
OF_ANYBODY = ("\\users\\", "\\temp\\", "\\$recycle.bin\\", "\\downloads\\")


class Paths:
    """The folders of one Windows, by their variables. ``unread``: of what nobody knows whether it is there."""

    def __init__(self, machine: Machine, system_root: str | None) -> None:
        self._root = system_root if system_root and DRIVE.match(system_root) else "C:\\Windows"
        try:
            drive = machine.api("SystemDrive")
        except CannotRead:
            drive = None
        self._drive = drive if isinstance(drive, str) and DRIVE.match(drive + "\\") else self._root[:2]
        self._machine = machine
        self.unread: list[Problem] = []
        programs = [self._drive + "\\Program Files", self._drive + "\\Program Files (x86)"]
        self._variables = {
            "programfiles": programs,
            "programfiles(x86)": programs[1:],
            "programw6432": programs[:1],
            "commonprogramfiles": [folder + "\\Common Files" for folder in programs],
            "programdata": [self._drive + "\\ProgramData"],
            "allusersprofile": [self._drive + "\\ProgramData"],
            "systemroot": [self._root],
            "windir": [self._root],
            "systemdrive": [self._drive],
        }
        shared = (self._drive, *programs, self._drive + "\\ProgramData", self._root, self._root + "\\System32")
        self._shared = {folder.lower() for folder in (*shared, self._root + "\\System32\\drivers")}

    def candidates(self, path: str) -> list[str]:
        """The paths ``path`` may stand for: two for %ProgramFiles%, none for what is no path on a drive (a network
        share must never be asked because the registry names it)."""
        found = VARIABLE.match(path)
        if found is None:
            return [path] if DRIVE.match(path) else []
        return [folder + path[found.end() :] for folder in self._variables.get(found.group(1).lower(), [])]

    def find(self, path: str) -> str | None:
        """The first of the candidates that exists; None when none does. What may not be looked at, or is held open by
        its program, counts as there: what is not there is never denied. Raises another failure, which says nothing."""
        for candidate in self.candidates(path):
            try:
                if self._machine.exists(candidate):
                    return candidate
            except CannotRead as error:
                if isinstance(error, Denied) or error.code == "in_use":
                    return candidate
                raise
        return None

    def there(self, path: str) -> str | None:
        """As :meth:`find`; a failure is kept in ``unread``."""
        try:
            return self.find(path)
        except CannotRead as error:
            self.unread += [] if error.problem() in self.unread else [error.problem()]
            return None

    def own(self, folder: str | None) -> str | None:
        """``folder`` in small letters when it can be a product's own; None for C:\\Program Files and its like."""
        if folder is None or not DRIVE.match(folder):
            return None
        plain = folder.strip().rstrip("\\").lower()
        return None if plain in self._shared or len(plain) < 4 else plain

    @staticmethod
    def under(path: str, folders: Iterable[str]) -> bool:
        """Whether ``path`` lies in one of ``folders`` (:meth:`own`)."""
        return any(path.lower().startswith(folder + "\\") for folder in folders)

    @staticmethod
    def anybody(path: str) -> bool:
        """Whether ``path`` is where every user may put programs."""
        return any(part in path.lower() for part in OF_ANYBODY)
