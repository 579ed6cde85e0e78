"""What an act is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection


@dataclass(frozen=True)
class Setting:
    """In what an act is done."""

    connection: Connection  # a running transaction; the audit entry is part of it
    operator: str  # os:NAME, reader:NAME or muster
    now: datetime


@dataclass(frozen=True)
class Done:
    """What became of it."""

    subject: str  # whom or what it was done to, for the audit log
    detail: dict[str, Any] = field(default_factory=dict)  # for the audit log: never a secret
    answer: dict[str, Any] = field(default_factory=dict)  # for who asked: may hold a secret that is shown once


class Refused(Exception):
    """It cannot be done. ``code`` is a key under ``act.`` of reports/wording/acts.yaml. Nothing was changed."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code}: {values}")
        self.code = code
        self.values = values
