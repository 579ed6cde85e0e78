"""What a check of the evidence found: how much was checked, and each thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST = 1000  # wrong things that are kept by name; the rest are counted


@dataclass(frozen=True)
class Wrong:
    """One thing that is not as it must be. ``code`` is a key under ``evidence.wrong.`` of reports/wording."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Gap:
    """Numbers of a PC's reports that never came, or are gone: the reports after them say that they were made."""

    agent: str
    first: int
    last: int


@dataclass
class Findings:
    """All of it. ``checked`` counts what was looked at: reports, bodies, keys …"""

    checked: dict[str, int] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    wrong_count: int = 0
    gaps: list[Gap] = field(default_factory=list)
    gap_count: int = 0
    missing: int = 0  # how many numbers the gaps hold together
    forks: list[tuple[str, int]] = field(default_factory=list)  # PC and number of a report that follows another one
    fork_count: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong. A gap is not wrong by itself: a PC drops its oldest reports when its disk fills."""
        return self.wrong_count == 0

    def count(self, what: str, number: int = 1) -> None:
        """So many more were checked."""
        self.checked[what] = self.checked.get(what, 0) + number

    def add(self, code: str, **values: Any) -> None:
        """One more thing is wrong."""
        self.wrong_count += 1
        if len(self.wrong) < MOST:
            self.wrong.append(Wrong(code, values))

    def gap(self, agent: str, first: int, last: int) -> None:
        """Reports ``first`` to ``last`` of a PC are not there."""
        self.gap_count += 1
        self.missing += last - first + 1
        if len(self.gaps) < MOST:
            self.gaps.append(Gap(agent, first, last))

    def fork(self, agent: str, seq: int) -> None:
        """Report ``seq`` of a PC follows another one than that which was taken in: two machines have its key."""
        self.fork_count += 1
        if len(self.forks) < MOST:
            self.forks.append((agent, seq))
