"""A recording without what identifies the PC or its user: placeholders instead, the same one for the same thing.

Replaced are the host name, UUIDs, machine ids, serial numbers, addresses of network cards, user names in paths of
home folders, and logins in addresses. Addresses of the network, names of programs and of the office's servers stay:
without them the recording would not show what it was made for. A person reads it before handing it on.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from dataclasses import replace
from typing import Any, Callable

from muster_agent import osrelease
from muster_agent.collect.system_info.linux import FIRMWARE, PLACEHOLDER
from muster_agent.machine import CannotRead, Listing, Output, Socket
from muster_agent.recording import Recording
from muster_agent.reduction import package_names, packed, unpacked

# Kind: what it looks like (the group "it" is replaced), and its placeholder by number.
PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[int], str]]] = {
    # In the names of systemd's units a hyphen is written \x2d.
    "uuid": (
        re.compile(
            r"(?<![0-9A-Za-z])(?P<it>[0-9A-Fa-f]{8}(?P<dash>-|\\x2d)(?:[0-9A-Fa-f]{4}(?P=dash)){3}[0-9A-Fa-f]{12})"
            r"(?![0-9A-Za-z])"
        ),
        lambda number: f"00000000-0000-4000-8000-{number:012d}",
    ),
    "machine": (re.compile(r"(?<![0-9A-Za-z])(?P<it>[0-9a-f]{32})(?![0-9A-Za-z])"), lambda number: f"{number:032d}"),
    "mac": (
        re.compile(
            r"(?<![0-9A-Za-z:-])(?P<it>[0-9A-Fa-f]{2}(?P<colon>[:-])(?:[0-9A-Fa-f]{2}(?P=colon)){4}[0-9A-Fa-f]{2})(?![0-9A-Za-z:-])"
        ),
        lambda number: f"02:00:00:00:00:{number % 256:02x}",
    ),
    "user": (re.compile(r"/(?:home|Users)/(?P<it>[^/\s\"':;,]+)"), lambda number: f"user-{number}"),
    "login": (re.compile(r"://(?P<it>[^/@\s\"']+)@"), lambda number: f"login-{number}"),
}
WORD = re.compile(r"[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*")
SHORTEST = 4  # characters of a name that is replaced wherever it stands; a shorter one would be found in anything


def words_of_the_system(recording: Recording) -> set[str]:
    """What a host may be called without saying which host it is: debian, nginx, x86_64."""
    said = [name.decode("ascii", "replace") for name in package_names(recording)]
    said += [recording.uname.system, recording.uname.release, recording.uname.machine, recording.platform]
    for path in osrelease.PLACES:
        data = recording.files.get(path)
        if isinstance(data, bytes):
            said += WORD.findall(data.decode("utf-8", "replace"))
    if isinstance(recording.processes, Listing):
        said += [process.name for process in recording.processes.rows]
    return {word.lower() for word in said} | {"localhost", "localdomain"}


class Redaction:
    """What is replaced by what, found while replacing; :attr:`counts` says how often, by kind."""

    def __init__(self, recording: Recording) -> None:
        self.counts: Counter[str] = Counter()
        self._placeholders: dict[str, dict[str, str]] = {}
        self._names: list[tuple[str, re.Pattern[str], str]] = []
        for path in FIRMWARE["hardware_serial"]:
            data = recording.files.get(path)
            serial = data.decode("utf-8", "replace").strip("\0 \t\r\n") if isinstance(data, bytes) else ""
            if serial and not PLACEHOLDER.match(serial):
                self._name("serial", serial, f"SERIAL-{len(self._names) + 1}")
        known = words_of_the_system(recording)
        host = recording.uname.node
        for name in dict.fromkeys((host, host.partition(".")[0])):
            if len(name) >= SHORTEST and not name.isdigit() and name.lower() not in known:
                self._name("host", name, "host-1")

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

    def text(self, text: str) -> str:
        """``text`` with placeholders."""
        for kind, pattern, placeholder in self._names:
            text, count = pattern.subn(placeholder, text)
            self.counts[kind] += count
        for kind, (pattern, make) in PATTERNS.items():
            text = pattern.sub(lambda found, kind=kind, make=make: self._instead(found, kind, make), text)  # type: ignore[misc]
        return text

    def _instead(self, found: re.Match[str], kind: str, make: Callable[[int], str]) -> str:
        value = found.group("it")
        if kind in ("uuid", "machine") and PLACEHOLDER.match(value):
            return found.group()  # what a maker who filled in nothing leaves behind identifies nobody
        start, end = found.start("it") - found.start(), found.end("it") - found.start()
        return found.group()[:start] + self._placeholder(kind, value, make) + found.group()[end:]

    def data(self, data: bytes) -> bytes:
        """``data`` with placeholders, whether it is text or not; a packed log is looked into."""
        if data.startswith(b"\x1f\x8b"):
            plain = unpacked(data)
            return data if plain is None else packed(self.data(plain))
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def address(self, address: str) -> str:
        """An address without the number of the network card, which IPv6 can carry (RFC 4291, appendix A)."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return address
        if parsed.version == 4 or parsed.packed[11:13] != b"\xff\xfe":
            return address
        card = self._placeholder("mac", parsed.packed[8:].hex(), lambda number: f"020000fffe0000{number % 256:02x}")
        return str(ipaddress.IPv6Address(parsed.packed[:8] + bytes.fromhex(card)))

    def value(self, value: Any) -> Any:
        """Any answer of a recording, or any part of what JSON can say, with placeholders."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.data(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self.value(entry) for entry in value)
        if isinstance(value, dict):
            return {self.value(key): self.value(entry) for key, entry in value.items()}
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


def redacted(recording: Recording) -> tuple[Recording, Redaction]:
    """``recording`` with placeholders, and what was replaced."""
    redaction = Redaction(recording)
    parts = ("files", "starts", "folders", "stats", "programs", "values", "keys", "apis", "processes", "sockets")
    answers = {name: redaction.value(getattr(recording, name)) for name in parts}
    uname = replace(recording.uname, node=redaction.host(recording.uname.node))
    return replace(recording, uname=uname, **answers), redaction
