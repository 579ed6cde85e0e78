"""A recording without what identifies the PC or its user: placeholders instead, the same one for the same thing.

Replaced are the host name, UUIDs, machine ids, serial numbers, account and real names of people, the SIDs of the PC and
its domain, addresses of network cards, the PC's own addresses, and logins in addresses; password hashes are taken out.
Names of programs and of the office's servers stay: without them the recording would not show what it was made for. A
person reads it before handing it on.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from dataclasses import replace
from typing import Any, Callable

from muster_agent.collect.system_info.linux import FIRMWARE
from muster_agent.facts import Tables
from muster_agent.machine import CannotRead, Listing, Output, Socket
from muster_agent.recording import Recording
from muster_agent.recording.redaction import accounts, addresses
from muster_agent.recording.redaction.patterns import PATTERNS, SHORTEST, SHORTEST_ACCOUNT, words_of_the_system
from muster_agent.recording.reduction import packed, unpacked
from muster_agent.system.accounts import logins
from muster_agent.system.placeholder import PLACEHOLDER

__all__ = ["PATTERNS", "Redaction", "redacted"]


class Redaction:
    """What is replaced by what, found while replacing; :attr:`counts` says how often, by kind."""

    def __init__(self, recording: Recording, tables: Tables) -> None:
        self.counts: Counter[str] = Counter()
        self._placeholders: dict[str, dict[str, str]] = {}
        self._names: list[tuple[str, re.Pattern[str], str]] = []
        serials = [row.hardware_serial for row in _rows(tables, "system_info") if row.hardware_serial]
        for path in FIRMWARE["hardware_serial"]:
            data = recording.files.get(path)
            serials.append(data.decode("utf-8", "replace").strip("\0 \t\r\n") if isinstance(data, bytes) else "")
        for serial in dict.fromkeys(serials):
            if serial and not PLACEHOLDER.match(serial):
                self._name("serial", serial, f"SERIAL-{len(self._names) + 1}")
        known = words_of_the_system(recording)
        self._people(recording, tables, known)
        self._addresses = addresses.replacements(tables)
        self._address_pattern = addresses.pattern(self._addresses)
        host = recording.uname.node
        for name in dict.fromkeys((host, host.partition(".")[0])):
            if len(name) >= SHORTEST and not name.isdigit() and name.lower() not in known:
                self._name("host", name, "host-1")

    def _people(self, recording: Recording, tables: Tables, known: set[str]) -> None:
        """Account names of people, in their places always, and wherever they stand when they are long enough to be told
        from other words; their real names everywhere."""
        accounts_seen = [row.username for row in _rows(tables, "users") if row.type == "person" and row.username]
        names, real = accounts.people(recording)
        self._accounts = {}
        for name in dict.fromkeys([*names, *accounts_seen]):
            if name.lower() in known or name.lower() in accounts.BUILT_IN:
                continue
            self._accounts[name] = self._known("user", name)
            if len(name) >= SHORTEST_ACCOUNT and not name.isdigit():
                self._name("user", name, self._accounts[name])
        for name in dict.fromkeys(real):
            if len(name) >= (SHORTEST if name.isascii() else 2) and name.lower() not in known:
                self._name("person", name, self._known("person", name))

    def _known(self, kind: str, value: str) -> str:
        """The placeholder of ``value``, without counting it as replaced."""
        makers = {"person": lambda number: f"Person {number}", "user": PATTERNS["user"][1]}
        placeholders = self._placeholders.setdefault(kind, {})
        return placeholders.setdefault(value.lower(), makers[kind](len(placeholders) + 1))

    def _name(self, kind: str, name: str, placeholder: str) -> None:
        pattern = re.compile(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", re.IGNORECASE)
        self._names.append((kind, pattern, placeholder))

    def _placeholder(self, kind: str, value: str, make: Callable[[int], str]) -> str:
        known = self._placeholders.setdefault(kind, {})
        self.counts[kind] += 1
        return known.setdefault(value.lower(), make(len(known) + 1))

    def host(self, name: str) -> str:
        """The name of the host itself, whatever it is."""
        self.counts["host"] += bool(name)
        return "host-1" if name else ""

    def text(self, text: str, but: str = "") -> str:
        """``text`` with placeholders, ``but`` for those of one kind."""
        for kind, pattern, placeholder in self._names:
            text, count = pattern.subn(placeholder, text)
            self.counts[kind] += count
        if self._address_pattern is not None:
            text, count = self._address_pattern.subn(lambda found: self._addresses[found.group()], text)
            self.counts["address"] += count
        for kind, (pattern, make) in PATTERNS.items():
            if kind == but:
                continue
            text = pattern.sub(lambda found, kind=kind, make=make: self._instead(found, kind, make), text)  # type: ignore[misc]
        return text

    def _instead(self, found: re.Match[str], kind: str, make: Callable[[int], str]) -> str:
        value = found.group("it")
        if kind in ("uuid", "machine") and PLACEHOLDER.match(value):
            return found.group()  # what a maker who filled in nothing leaves behind identifies nobody
        if kind == "mac" and len(set(value.lower().replace("-", ":")) - {":"}) == 1:
            return found.group()  # nobody (00:…) and everybody (ff:…)
        start, end = found.start("it") - found.start(), found.end("it") - found.start()
        return found.group()[:start] + self._placeholder(kind, value, make) + found.group()[end:]

    def data(self, data: bytes) -> bytes:
        """``data`` with placeholders, whether it is text or not; a packed log is looked into."""
        if data.startswith(b"\x1f\x8b"):
            plain = unpacked(data)
            return data if plain is None else packed(self.data(plain))
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def file(self, path: str, data: bytes) -> bytes:
        """The content of a file; one of accounts loses its hashes, and the names of people in every field."""
        if path in accounts.FILES:
            data, count = accounts.without_secrets(path, data, self._accounts)
            self.counts["secret"] += count
        if path.startswith("/var/log/wtmp"):  # records of one size each
            return logins.renamed(data, self.text)
        if path.startswith("/proc/net/"):  # 32 hexadecimal digits are an IPv6 address there, not the id of a machine
            text = self.text(data.decode("utf-8", "surrogateescape"), but="machine")
            return text.encode("utf-8", "surrogateescape")
        return self.data(data)

    def address(self, address: str) -> str:
        """An address of this PC as its replacement, and without the number of the network card, which IPv6 can carry
        (RFC 4291, appendix A)."""
        address = self._addresses.get(address, address)
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return address
        if parsed.version == 4 or parsed.packed[11:13] != b"\xff\xfe":
            return address
        card = self._placeholder("mac", parsed.packed[8:].hex(), lambda number: f"020000fffe0000{number % 256:02x}")
        return str(ipaddress.IPv6Address(parsed.packed[:8] + bytes.fromhex(card)))

    def value(self, value: Any, but: str = "") -> Any:
        """Any answer of a recording, or any part of what JSON can say, with placeholders, ``but`` for one kind."""
        if isinstance(value, str):
            return self.text(value, but)
        if isinstance(value, bytes):
            return self.data(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self.value(entry, but) for entry in value)
        if isinstance(value, dict):
            return {self.value(key, but): self.value(entry, but) for key, entry in value.items()}
        if isinstance(value, CannotRead):
            again = CannotRead(value.code, self.text(value.detail), value.status)
            again.__class__ = value.__class__
            return again
        if isinstance(value, Output):
            return Output(value.status, self.data(value.stdout), self.data(value.stderr))
        if isinstance(value, Listing):
            return replace(value, rows=tuple(self._row(row) for row in value.rows))
        return value

    def _row(self, row: Any) -> Any:
        changed = {name: self.text(said) for name, said in vars(row).items() if isinstance(said, str)}
        if isinstance(row, Socket):
            changed["address"] = self.address(row.address)
        return replace(row, **changed)


def _rows(tables: Tables, name: str) -> tuple[Any, ...]:
    table = tables.get(name)
    return (table.rows if table is not None else None) or ()


def _without_password(name: str, value: Any) -> Any:
    """A value of the registry, but for a password: Winlogon keeps the one of automatic logon in clear text. Numbers are
    settings about passwords."""
    return "redacted" if isinstance(value, str) and value and "password" in name.lower() else value


def redacted(recording: Recording, tables: Tables | None = None) -> tuple[Recording, Redaction]:
    """``recording`` with placeholders, and what was replaced. ``tables`` is what was collected from it: it names the
    accounts and the serial number, on whichever system."""
    redaction = Redaction(recording, tables or {})
    parts = ("starts", "folders", "stats", "links", "programs", "values", "keys", "apis", "processes", "sockets")
    # GUIDs of the registry are classes of devices and products, the same on every PC.
    answers = {
        name: redaction.value(getattr(recording, name), "uuid" if name in ("values", "keys") else "") for name in parts
    }
    answers["values"] = {
        key: {name: _without_password(name, value) for name, value in found.items()}
        if isinstance(found, dict)
        else found
        for key, found in answers["values"].items()
    }
    answers["files"] = {
        redaction.text(path): redaction.file(path, answer) if isinstance(answer, bytes) else redaction.value(answer)
        for path, answer in recording.files.items()
    }
    uname = replace(recording.uname, node=redaction.host(recording.uname.node))
    return replace(recording, uname=uname, **answers), redaction
