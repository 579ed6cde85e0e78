"""The office that is judged: its name, its target, and after how long a PC counts as silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

Text = dict[str, str]  # {"zh": …, "en": …}


@dataclass(frozen=True)
class Office:
    """What reports measure against."""

    name: Text
    target: int = 90  # percent of registered PCs that should be confirmed compliant
    silent_after: timedelta = timedelta(days=7)  # reports.md §3.6: no report for longer than this is 失联
    responsible: Mapping[str, str] = field(default_factory=dict)  # unit -> the person who answers for it
