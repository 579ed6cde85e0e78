"""The modifiers of ``field|modifier: value``: which columns they fit, what value they want, and what they do.

Names and meanings are Sigma's (modifiers appendix 2.1.0) where Sigma has them. A comparison is built once, when the
policy is loaded; comparing is then a call. None means unknown, here and everywhere in the judge.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from muster_agent.columns import ADDRESS, BOOLEAN, INTEGER, MOMENT, TEXT, VERSION
from muster_server.document import moments
from muster_server.judge.patterns import LONGEST_TEXT, Pattern
from muster_server.judge.versions import newer

ALL_KINDS = (TEXT, INTEGER, BOOLEAN, MOMENT, VERSION, ADDRESS)
TEXTUAL = (TEXT, VERSION, ADDRESS)

# What a comparison is given: the fact (never None), the row it stands in, and the evaluation that takes place.
Test = Callable[[Any, Any, "Evaluation"], "bool | None"]


class Evaluation:
    """One look at the facts: as of when, and what was noticed on the way."""

    __slots__ = ("as_of", "doubts", "flips_at", "system")

    def __init__(self, as_of: datetime, system: str | None = None) -> None:
        self.as_of = as_of
        self.system = system  # the package system of the PC, where the row does not say
        self.flips_at: datetime | None = None
        self.doubts: list[tuple[str, str]] = []  # (column, why it could not be compared)

    def flip(self, at: datetime, by: timedelta) -> None:
        """What was just compared will compare differently at ``at + by``."""
        try:
            moment = at + by
        except OverflowError:
            return
        if moment > self.as_of and (self.flips_at is None or moment < self.flips_at):
            self.flips_at = moment


@dataclass(frozen=True)
class Modifier:
    """A modifier as the loader and the reference page see it. Its meaning is worded as ``policy.modifier.<name>``."""

    name: str
    kinds: tuple[str, ...]  # the kinds of columns it fits
    value: str  # what it wants: a key under policy.value.
    example: str


MODIFIERS = {
    modifier.name: modifier
    for modifier in (
        Modifier("contains", TEXTUAL, "text", "name|contains: 杀毒"),
        Modifier("startswith", TEXTUAL, "text", "origin|startswith: Debian"),
        Modifier("endswith", TEXTUAL, "text", "path|endswith: /sshd"),
        Modifier("re", TEXTUAL, "pattern", r"version|re: ^8\.0\.\d+$"),
        Modifier("cidr", (ADDRESS,), "network", "address|cidr: 10.0.0.0/8"),
        Modifier("gt", (INTEGER, MOMENT), "number", "port|gt: 1023"),
        Modifier("gte", (INTEGER, MOMENT), "number", "port|gte: 49152"),
        Modifier("lt", (INTEGER, MOMENT), "number", "major|lt: 12"),
        Modifier("lte", (INTEGER, MOMENT), "number", "last_installed|lte: 2026-10-31"),
        Modifier("neq", ALL_KINDS, "same", "platform|neq: kylin"),
        Modifier("exists", ALL_KINDS, "boolean", "kb|exists: true"),
        Modifier("within", (MOMENT,), "duration", "signatures_date|within: 3d"),
        Modifier("older_than", (MOMENT,), "duration", "support_ends|older_than: 0d"),
        Modifier("version_lt", (VERSION,), "version", "version|version_lt: 115.9"),
        Modifier("version_lte", (VERSION,), "version", "version|version_lte: 115.8"),
        Modifier("version_gt", (VERSION,), "version", "version|version_gt: 115.8"),
        Modifier("version_gte", (VERSION,), "version", "version|version_gte: 115.9"),
        Modifier("all", TEXTUAL, "list", "name|contains|all: [奇安信, 终端]"),
        Modifier("cased", TEXTUAL, "text", "name|cased: Clamd"),
        Modifier("i", TEXTUAL, "pattern", "name|re|i: ^clam"),
        Modifier("fieldref", ALL_KINDS, "column", "installed|version_lt|fieldref: available"),
    )
}
QUALIFIERS = ("all", "cased", "i", "fieldref")  # they change how another modifier compares; the rest compare
FITS_QUALIFIER = {  # a qualifier -> the comparisons it can stand beside; "" is plain equality
    "all": ("contains", "startswith", "endswith", "re"),
    "cased": ("", "neq", "contains", "startswith", "endswith"),
    "i": ("re",),
    "fieldref": (
        *("", "neq", "contains", "startswith", "endswith", "gt", "gte", "lt", "lte"),
        *("version_lt", "version_lte", "version_gt", "version_gte"),
    ),
}
ORDERS: dict[str, Callable[[int], bool]] = {
    "gt": lambda sign: sign > 0,
    "gte": lambda sign: sign >= 0,
    "lt": lambda sign: sign < 0,
    "lte": lambda sign: sign <= 0,
}


def equals_text(wanted: str, cased: bool) -> Test:
    """The whole text, with ``*`` and ``?`` as wildcards; a backslash takes their meaning away."""
    letters = wanted if cased else wanted.casefold()
    pieces = re.findall(r"\\[*?\\]|[*?]|[^*?\\]+|\\", letters)
    if not any(piece in ("*", "?") for piece in pieces):
        exact = "".join(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece for piece in pieces)
        return lambda value, row, evaluation: (value if cased else value.casefold()) == exact
    # Each run up to the next * is taken at its first place and never given back (?>): that keeps it linear.
    runs, run = [], ""
    for piece in pieces:
        if piece == "*":
            runs.append(run)
            run = ""
        elif piece == "?":
            run += "."
        else:
            run += re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
    middle = "".join(f"(?>.*?{part})" for part in runs[1:] if part)
    glob = re.compile(f"(?s:{runs[0]}{middle}.*{run})" if runs else f"(?s:{run})")
    return lambda value, row, evaluation: glob.fullmatch(value if cased else value.casefold()) is not None


def part_of_text(name: str, wanted: str, cased: bool) -> Test:
    """``contains``, ``startswith`` and ``endswith``."""
    compare = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}[name]
    if cased:
        return lambda value, row, evaluation: compare(value, wanted)
    folded = wanted.casefold()
    return lambda value, row, evaluation: compare(value.casefold(), folded)


def matches(column: str, pattern: Pattern) -> Test:
    """``re``: the pattern matches anywhere in the text."""

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        if len(value) > LONGEST_TEXT:
            evaluation.doubts.append((column, "too_long"))
            return None
        return pattern.found_in(value)

    return test


def in_network(column: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Test:
    """``cidr``: the address lies in the network. An IPv4 address written as IPv6 counts as IPv4."""

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        try:
            address = ipaddress.ip_address(value[:80])
        except ValueError:
            evaluation.doubts.append((column, "unreadable"))
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        return address in network or (mapped is not None and mapped in network)

    return test


def ordered(column: str, kind: str, name: str, wanted: Any) -> Test:
    """``gt``, ``gte``, ``lt``, ``lte`` on numbers, and on moments by when they begin."""
    holds = ORDERS[name]
    if kind == INTEGER:
        return lambda value, row, evaluation: holds((value > wanted) - (value < wanted))

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        at, other = moments.moment(value), moments.moment(wanted)
        if at is None or other is None:
            evaluation.doubts.append((column, "unreadable"))
            return None
        return holds((at.start > other.start) - (at.start < other.start))

    return test


def version_ordered(column: str, name: str, wanted: str) -> Test:
    """``version_*``, by the package system of the row, else of the PC."""
    holds = ORDERS[name.removeprefix("version_")]

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        system = getattr(row, "type", None) or evaluation.system
        sign = newer(value, wanted, system)
        if sign is None:
            evaluation.doubts.append((column, "incomparable"))
            return None
        return holds(sign)

    return test


def aged(column: str, name: str, age: timedelta) -> Test:
    """``within``: less than ``age`` old. ``older_than``: ``age`` old or more.

    A date that lies ahead by more than a day is unknown, lest a wrong clock look fresh; but ``older_than: 0d`` asks
    whether a date has passed, and those may lie ahead. A date without a time counts until its day is over.
    """
    within, may_lie_ahead = name == "within", name == "older_than" and not age

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        at = moments.moment(value)
        if at is None:
            evaluation.doubts.append((column, "unreadable"))
            return None
        if not may_lie_ahead and at.start - evaluation.as_of > moments.TOLERANCE:
            evaluation.flip(at.start, -moments.TOLERANCE)
            evaluation.doubts.append((column, "future"))
            return None
        young = evaluation.as_of - at.end < age
        if young:
            evaluation.flip(at.end, age)
        return young is within

    return test
