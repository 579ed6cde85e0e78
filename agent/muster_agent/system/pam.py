"""pam.conf(5): which modules a program asks when somebody logs in or changes a password, and with what arguments."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound

FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d")  # a file in an earlier one hides that in a later
TYPES = ("auth", "account", "password", "session")
# A control of one word or in brackets; then the module; then arguments, of which one in brackets may hold blanks.
LINE = re.compile(r"(-?\w+)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)\Z")
ARGUMENT = re.compile(r"\[((?:[^\]\\]|\\.)*)\]|(\S+)")
DEPTH = 16
MOST = 500  # files altogether: some that include the next one twice would be read for ever


@dataclass(frozen=True)
class Line:
    """One line of a stack."""

    type: str
    control: str
    module: str  # pam_unix, without folder and .so; for include and substack the file they name
    arguments: tuple[str, ...]

    def value(self, name: str) -> str | None:
        """The value of an argument ``name=value``, the last one; None when it is not given."""
        found = [argument.partition("=")[2] for argument in self.arguments if argument.startswith(name + "=")]
        return found[-1] if found else None


def parse(text: str, path: str) -> list[Line]:
    """The lines of a file in pam.d. Raises :class:`CannotRead` for one that is none."""
    found = []
    for line in re.sub(r"\\\r?\n", " ", text).replace("\r", "").split("\n"):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        words = said.split()
        if words[0] == "@include" and len(words) == 2:
            found.append(Line("", "include", words[1], ()))
            continue
        match = LINE.match(said)
        kind = match.group(1).lstrip("-").lower() if match else ""
        if not match or kind not in TYPES:
            raise CannotRead("not_understood", f"{path}: {said[:80]}")
        control = match.group(2).lower()
        module = match.group(3)
        if control not in ("include", "substack"):
            module = module.rpartition("/")[2]
            module = module[:-3] if module.endswith(".so") else module
        arguments = tuple(bracketed or plain for bracketed, plain in ARGUMENT.findall(match.group(4)))
        found.append(Line(kind, control, module, arguments))
    return found


def stack(machine: Machine, service: str, kind: str) -> list[Line]:
    """The lines of type ``kind`` that ``service`` asks, those of the files it includes in their place. Raises
    :class:`CannotRead`, :class:`NotFound` when there is no such service."""
    return _stack(machine, service, kind, 0, [])


def _stack(machine: Machine, service: str, kind: str, depth: int, read: list[str]) -> list[Line]:
    read.append(service)
    if depth > DEPTH or len(read) > MOST:
        raise CannotRead("not_understood", f"{FOLDERS[0]}/{service}: include")
    found = []
    for line in _file(machine, service):
        if line.control in ("include", "substack"):
            if line.type in ("", kind):
                found += _stack(machine, line.module.rpartition("/")[2], kind, depth + 1, read)
        elif line.type == kind:
            found.append(line)
    return found


def _file(machine: Machine, service: str) -> list[Line]:
    for folder in FOLDERS:
        try:
            return parse(machine.text(f"{folder}/{service}"), f"{folder}/{service}")
        except NotFound:
            continue
    raise NotFound(f"{FOLDERS[0]}/{service}")


def in_force(lines: list[Line], module: str) -> list[Line]:
    """The lines of ``module`` whose refusal counts; an optional one's does not."""
    return [line for line in lines if line.module == module and line.control != "optional"]
