"""An export of the Windows registry (.reg), as a machine that the real collectors can ask.

Both forms of regedit are read: "Windows Registry Editor Version 5.00" (UTF-16, its lists and expandable texts too) and
REGEDIT4 (the code page of the PC). What is in the export is there, and nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from muster_agent.machine import RegistryValue, Uname
from muster_agent.recording import RecordedMachine, Recording

VERSION_5, VERSION_4 = "Windows Registry Editor Version 5.00", "REGEDIT4"
# HKEY_CURRENT_USER is a view on one of the hives under HKEY_USERS; an export does not say which.
SOMEBODY = "S-1-5-21-1-1-1-1000"
HIVES = {
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_USERS": "HKU",
    "HKEY_CURRENT_USER": "HKU\\" + SOMEBODY,
    "HKEY_CLASSES_ROOT": "HKLM\\SOFTWARE\\Classes",
    "HKEY_CURRENT_CONFIG": "HKLM\\SYSTEM\\CurrentControlSet\\Hardware Profiles\\Current",
}
# A text may go on over the end of a line; what ends it is a quote that no backslash stands before.
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
NAME = re.compile(r'[ \t]*(?:@|"((?:[^"\\]|\\.)*)")[ \t]*=[ \t]*', re.DOTALL)
REST = re.compile(r"[ \t]*(?:;[^\n]*)?(?:\n|$)")
NUMBER = re.compile(r"dword:([0-9A-Fa-f]{1,8})")
# hex: is REG_BINARY, hex(7): the type of that number (winnt.h); a backslash carries it on to the next line.
BYTES = re.compile(r"hex(?:\(([0-9A-Fa-f]{1,8})\))?:((?:[0-9A-Fa-f]{2}|,|[ \t]|\\[ \t]*\n)*)")
SZ, EXPAND_SZ, DWORD, MULTI_SZ, QWORD = 1, 2, 4, 7, 11
Keys = dict[str, dict[str, RegistryValue]]


class NotAnExport(ValueError):
    """The file is no registry export, or a damaged one; says in which line."""


def decoded(data: bytes, ansi: str) -> str:
    """The text of the file: by its mark, else UTF-8, else the code page ``ansi``."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode(ansi, "replace")
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def typed(kind: int, data: bytes, wide: bool, ansi: str) -> RegistryValue:
    """A value of type ``kind`` as winreg answers it: text to the first NUL, unexpanded; what has no form of its own
    stays bytes."""
    if kind in (DWORD, QWORD):
        return int.from_bytes(data[: 4 if kind == DWORD else 8], "little")
    if kind in (SZ, EXPAND_SZ, MULTI_SZ):
        text = data.decode("utf-16-le" if wide else ansi, "replace")
        if kind != MULTI_SZ:
            return text.partition("\0")[0]
        return tuple(text.removesuffix("\0").removesuffix("\0").split("\0")) if text.strip("\0") else ()
    return data


def parse(data: bytes, ansi: str = "cp1252") -> Keys:
    """The values by name by key (``HKLM\\…``, ``HKU\\…``) of an export. Raises :class:`NotAnExport`."""
    text = decoded(data, ansi)
    first, _, _ = text.partition("\n")
    if first.strip() not in (VERSION_5, VERSION_4):
        raise NotAnExport(f"line 1: {first[:60]!r}")
    wide = first.strip() == VERSION_5
    keys = _Keys()
    values: dict[str, RegistryValue] | None = None
    at = len(first) + 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if not line or line.startswith(";"):
            at = end + 1
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise NotAnExport(_where(text, at))
            values = keys.named(line[1:-1])
            at = end + 1
            continue
        if values is None:
            raise NotAnExport(_where(text, at))
        at = _value(text, at, values, wide, ansi)
    return keys.values


class _Keys:
    """Values by key; a key keeps the case it was first written in."""

    def __init__(self) -> None:
        self.values: Keys = {}
        self._written: dict[str, str] = {}

    def at(self, key: str) -> dict[str, RegistryValue]:
        """The values of ``key``, which is there from now on."""
        return self.values.setdefault(self._written.setdefault(key.lower(), key), {})

    def named(self, name: str) -> dict[str, RegistryValue]:
        """The values of the key that a line in brackets names; a minus before it takes it away with all under it."""
        hive, _, path = name.lstrip("-").partition("\\")
        key = HIVES.get(hive.upper(), hive) + ("\\" + path if path else "")
        if not name.startswith("-"):
            return self.at(key)
        for gone in [other for other in self.values if (other + "\\").lower().startswith(key.lower() + "\\")]:
            del self.values[gone], self._written[gone.lower()]
        return {}


def _where(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1}: {text[at : at + 60]!r}"


def _value(text: str, at: int, values: dict[str, RegistryValue], wide: bool, ansi: str) -> int:
    """Read the value that begins at ``at``; returns where the next line begins."""
    begun = at
    named = NAME.match(text, at)
    if named is None:
        raise NotAnExport(_where(text, begun))
    name, at = _unescaped(named.group(1) or ""), named.end()
    quoted, number, raw = QUOTED.match(text, at), NUMBER.match(text, at), BYTES.match(text, at)
    if quoted:
        values[name], at = _unescaped(quoted.group(1)), quoted.end()
    elif number:
        values[name], at = int(number.group(1), 16), number.end()
    elif raw:
        data = bytes.fromhex("".join(re.findall("[0-9A-Fa-f]{2}", raw.group(2))))
        values[name], at = typed(int(raw.group(1) or "3", 16), data, wide, ansi), raw.end()
    elif text[at : at + 1] == "-":
        values.pop(name, None)
        at += 1
    else:
        raise NotAnExport(_where(text, begun))
    rest = REST.match(text, at)
    if rest is None:
        raise NotAnExport(_where(text, begun))
    return max(rest.end(), at + 1)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


# -- as a machine ----------------------------------------------------------------------------------------------------


def recording(exports: Iterable[bytes], ansi: str = "cp1252", **more: Any) -> Recording:
    """The recording of a Windows PC whose registry is what stands in ``exports``; the keys above are there, with
    nothing in them but what leads to the exported ones. ``more`` are fields of :class:`Recording`."""
    found = _Keys()
    for data in exports:
        for key, said in parse(data, ansi).items():
            found.at(key).update(said)
    children: dict[str, dict[str, str]] = {}
    written: dict[str, str] = {}
    for key in list(found.values):
        children.setdefault(written.setdefault(key.lower(), key), {})
    for key in list(found.values):
        while "\\" in key:
            parent, _, name = key.rpartition("\\")
            children.setdefault(written.setdefault(parent.lower(), parent), {}).setdefault(name.lower(), name)
            key = parent
    uname = Uname("Windows", "host-1", "10", "AMD64")
    keys = {key: tuple(sorted(names.values())) for key, names in children.items()}
    return Recording("windows", uname, True, values=dict(found.values), keys=dict(keys), **more)


class ExportedMachine(RecordedMachine):
    """A PC of which all there is is a recording made from exports; its registry knows no case, as Windows's does."""

    def __init__(self, made: Recording) -> None:
        super().__init__(made, whole=True)
        self._names = {
            question: {key.lower(): key for key in getattr(made, question)} for question in ("values", "keys")
        }

    def _answer(self, question: str, key: Any) -> Any:
        if question in self._names and key.lower() in self._names[question]:
            key = self._names[question][key.lower()]
        return super()._answer(question, key)
