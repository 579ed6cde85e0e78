"""What a product's own program or files tell of it: one module a product, asked only where that product is.

A module has ``ANSWERS``, the columns it can fill, and ``ask(machine) -> Told``; its parsers are pure functions. Only
programs that an ordinary user may ask are asked without root, by their absolute path, for a few seconds each.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import fields, replace
from typing import Any, Callable, Sequence

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound, program_failed

PATIENCE = 8.0  # seconds for one program; mdatp, the slowest that answers at all, takes about one
# Product: module of this package. Those of other products nobody can ask yet.
LINUX = {
    "avast": "avast",
    "bitdefender": "bitdefender",
    "cortex-xdr": "cortex",
    "crowdstrike": "crowdstrike",
    "drweb": "drweb",
    "escan": "escan",
    "eset": "eset",
    "fprot": "fprot",
    "huorong-esm": "huorong",
    "kaspersky": "kaspersky",
    "ms-mde": "mdatp",
    "qax-qaxsafe": "qaxsafe",
    "sangfor-aes": "sangfor",
    "sentinelone": "sentinelone",
    "sophos": "sophos",
    "uos-defender": "uos_defender",
    "withsecure": "withsecure",
    "zoner": "zoner",
}
DARWIN = {
    "cortex-xdr": "cortex",
    "eset": "eset_darwin",
    "ms-mde": "mdatp",
    "sentinelone": "sentinelone_darwin",
    "withsecure": "withsecure",
}
DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9])")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Told:
    """What a product tells of itself; None where it does not."""

    version: str | None = None
    running: bool | None = None
    realtime: bool | None = None
    signatures_version: str | None = None
    signatures_date: str | None = None
    signatures_current: bool | None = None
    basis: tuple[str, ...] = ()  # what it rests on, e.g. asked:mdatp
    notes: tuple[Problem, ...] = ()  # what could not be asked, by column


def ask(product_id: str, modules: dict[str, str], machine: Machine) -> tuple[Told | None, Sequence[str]]:
    """What the product tells and the columns its module can fill; None when no module knows it."""
    name = modules.get(product_id)
    if name is None:
        return None, ()
    module: Any = importlib.import_module(f"{__name__}.{name}")
    answers: tuple[str, ...] = module.ANSWERS
    try:
        told: Told = module.ask(machine)
    except CannotRead as error:
        told = Told(notes=tuple(error.problem(column) for column in answers))
    return told, answers


def output(machine: Machine, places: Sequence[str], *arguments: str) -> str:
    """What the first program of ``places`` that is there printed. Raises :class:`CannotRead`."""
    for program in places:
        try:
            said = machine.run([program, *arguments], PATIENCE)
        except NotFound:
            continue
        if said.status != 0:
            raise program_failed([program], said.status, said.stderr)
        return said.stdout.decode("utf-8", "replace")
    raise NotFound(places[0])


def together(*questions: tuple[Callable[[], Told], tuple[str, ...]]) -> Told:
    """The answers to several questions, each with the columns it fills: one that fails leaves the others."""
    whole = Told()
    for question, columns in questions:
        try:
            told = question()
        except CannotRead as error:
            notes = tuple(error.problem(column) for column in columns)
            whole = replace(whole, notes=(*whole.notes, *notes))
            continue
        known = {f.name: getattr(told, f.name) for f in fields(Told) if f.name not in ("basis", "notes")}
        known = {name: value for name, value in known.items() if value is not None}
        basis = tuple(entry for entry in told.basis if entry not in whole.basis)
        whole = replace(whole, basis=(*whole.basis, *basis), notes=(*whole.notes, *told.notes), **known)
    return whole


def pairs(text: str) -> dict[str, str]:
    """``Name: value`` lines, indented or not; the first of a name counts. Names stand as they are printed."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name = name.strip(" \t-*")
        if colon and name:
            found.setdefault(name, value.strip())
    return found


def day(year: int, month: int, number: int) -> str | None:
    """The day as 2026-11-23; None when the calendar has no such day, or before there were computers to protect."""
    import datetime

    try:
        return datetime.date(year, month, number).isoformat() if 1990 <= year < 2100 else None
    except ValueError:
        return None


def day_in(text: str) -> str | None:
    """The day at the beginning of 2017-07-08_08 or 20250909; None when no day stands there."""
    found = DAY.match(text)
    return day(int(found.group(1)), int(found.group(2)), int(found.group(3))) if found else None


def version_in(text: str | None) -> str | None:
    """``text`` when it looks like a version or a name of one, else None: what is no version must not become one."""
    return text if text and re.fullmatch(r"[0-9][0-9A-Za-z .:+_()-]{0,60}", text) else None
