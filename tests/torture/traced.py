"""What the server asked of the system, call by call, as strace saw it: the only honest witness of what was synced when.

Each call is an event when it ends, with what it was given when it began; calls of several threads overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = "openat,close,pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat,recvfrom,sendto,sendmsg,accept4"
LONGEST = 70_000  # bytes of data kept of a call: more than a page and its frame header

_WHOLE = re.compile(r"(\d+) +([\d.]+) (\w+)\((.*)\) += (-?\d+)(.*)")
_BEGIN = re.compile(r"(\d+) +([\d.]+) (\w+)\((.*) <unfinished \.\.\.>")
_END = re.compile(r"(\d+) +([\d.]+) <\.\.\. (\w+) resumed>(.*)\) += (-?\d+)(.*)")


@dataclass(frozen=True)
class Call:
    """One call of the system."""

    name: str
    began: float  # seconds
    ended: float
    text: str  # its arguments as strace wrote them
    result: int

    @property
    def descriptor(self) -> int:
        """The file it is about: its first argument."""
        return int(re.match(r"-?\d+", self.text)[0])  # type: ignore[index]

    @property
    def data(self) -> bytes:
        """The bytes it was given or gave."""
        found = re.search(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?', self.text)
        assert found and not found[2], f"data that strace cut off: {self.text[:80]}"
        return bytes.fromhex(found[1].replace("\\x", ""))

    @property
    def numbers(self) -> list[int]:
        """The numbers after the data: length, offset …"""
        return [int(number) for number in re.findall(r", (-?\d+)", self.text.rsplit('"', 1)[-1])]

    @property
    def path(self) -> str:
        """The path it names."""
        return self.data.decode("utf-8")


def strace(output: Path) -> tuple[str, ...]:
    """The command that runs another one and writes its calls to ``output``."""
    return ("strace", "-f", "-ttt", "-qq", "-xx", "-s", str(LONGEST), "-e", f"trace={CALLS}", "-o", str(output))


def calls(output: Path) -> Iterator[Call]:
    """Every call that ended, in the order of the ends."""
    begun: dict[tuple[str, str], tuple[float, str]] = {}
    with output.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            if whole := _WHOLE.match(line):
                _, at, name, text, result, _ = whole.groups()
                yield Call(name, float(at), float(at), text, int(result))
            elif half := _BEGIN.match(line):
                thread, at, name, text = half.groups()
                begun[thread, name] = (float(at), text)
            elif rest := _END.match(line):
                thread, at, name, text, result, _ = rest.groups()
                began, before = begun.pop((thread, name), (float(at), ""))
                yield Call(name, began, float(at), before + text, int(result))
