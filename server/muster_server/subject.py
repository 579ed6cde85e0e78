"""Who is judged: the values that pass from the store to the judge."""

from __future__ import annotations

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
