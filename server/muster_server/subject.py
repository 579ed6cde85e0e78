"""Who is judged: the values that pass from the store to the judge, and how a person calls one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from muster_agent.facts import Tables


@dataclass(frozen=True)
class PC:
    """An enrolled PC as the server knows it. Times are UTC."""

    id: str  # the agent's UUID
    name: str  # host name by its last report, or by its enrolment: untrusted text
    unit: str  # the section its enrolment token was bound to
    tags: tuple[str, ...]  # e.g. ("simulated",)
    enrolled_at: datetime
    last_report: datetime | None  # when the server last accepted a report; None: never
    conflict: bool = False  # two machines used its key


@dataclass(frozen=True)
class Subject:
    """A PC and its facts as of one moment. ``tables`` is None when it has never reported."""

    pc: PC
    tables: Tables | None


@dataclass(frozen=True)
class Finding:
    """A rule that a PC fails, from the day it was first seen to the day a report showed it mended.

    One finding is one episode: a relapse is a new finding that keeps the first_seen of the one before.
    """

    pc: str  # PC.id
    rule: str
    severity: str
    first_seen: datetime
    opened: datetime  # when this episode began; later than first_seen after a relapse
    due: datetime  # opened plus the rule's days
    closed: datetime | None = None
    relapsed: bool = False  # it had been closed at most 90 days before it came back
    neutral: bool = False  # closed because the rule no longer applies: neither open nor mended


LIKE_AN_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*")  # as lists show it


def meant(said: str, pcs: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """The ids of those that may be meant by ``said``, of ``pcs`` given as id and names: the one of that id; else those
    that bear the name, in any case; where none does, those whose id begins so.

    A PC chooses its own name: where it looks like the beginning of an id, whoever has that id is named too.
    """
    folded = said.casefold()
    called, begun = [], []
    for pc, names in pcs:
        if pc.casefold() == folded:
            return [pc]
        if folded in (name.casefold() for name in names):
            called.append(pc)
        elif folded and pc.casefold().startswith(folded):
            begun.append(pc)
    return [*called, *begun] if LIKE_AN_ID.fullmatch(folded) else called or begun
