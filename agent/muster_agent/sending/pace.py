"""When this PC may speak to its server again, from one run to the next: pace.json in the agent's folder.

The agent is a program that the system starts and that ends; what it has to remember of a server that did not answer
stands in a file. Two things keep ten thousand of them from coming back as one: every wait is drawn by chance (full
jitter: anything from nothing to twice as long as the time before), and what waited is sent a little after the first
report has gone through.

Only a run of the system's scheduler waits (``muster-agent run --scheduled``). One that a person types goes at once.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from typing import Callable

from muster_agent.dataclass import dataclass
from muster_agent.sending.home import Home, write_durably

FILE = "pace.json"
BASE = 60.0  # seconds: the most that is waited after one failure; it doubles with each
CAP = 3600.0  # seconds: the most by chance
LONGEST = 24 * 3600.0  # seconds: a server may ask for more, and does not get it: it must not silence a PC for ever
MARGIN = 0.2  # of a wait the server asked for, on top of it: ten thousand were told the same number
SHORT = 60.0  # seconds: what is asked for up to here is waited for within the run
SPREAD = 120.0  # seconds over which the PCs of an office send what waited, once their server is back
TRIES = 3  # runs in which the server fails over the same report, before the next one is tried in its place

Draw = Callable[[float, float], float]


@dataclass(frozen=True)
class Pace:
    """What is remembered. Moments are seconds since 1970 by this PC's clock, which may be wrong or be set anew."""

    failures: int = 0  # runs in a row that did not reach the server
    not_before: float = 0.0  # when the next may try
    set_at: float = 0.0  # when that was decided
    code: str = ""  # why: a key of words/send.json
    stuck: int = 0  # number of the report the server failed over; 0: none
    tries: int = 0  # how often

    def holds(self, now: float) -> bool:
        """Whether it is too early. A clock that was set back, or ahead and back again, must not hold a PC for ever."""
        return self.set_at <= now < self.not_before <= self.set_at + LONGEST * (1 + MARGIN)

    def failed(self, now: float, code: str, asked: float | None, draw: Draw = random.uniform) -> Pace:
        """After a run that did not reach the server, or was told to come again in ``asked`` seconds."""
        wait = wait_after(self.failures, asked, draw)
        return replace(self, failures=self.failures + 1, not_before=now + wait, set_at=now, code=code)

    def stuck_at(self, seq: int) -> Pace:
        """After a run in which the server failed over this very report."""
        return replace(self, stuck=seq, tries=self.tries + 1 if seq == self.stuck else 1)


def wait_after(failures: int, asked: float | None = None, draw: Draw = random.uniform) -> float:
    """Seconds to wait after one more failure when ``failures`` came before it, at least what the server ``asked``."""
    wait = draw(0.0, min(CAP, BASE * 2.0 ** min(failures, 16)))
    if asked is not None:
        wait = max(wait, longer(asked, draw))
    return wait


def longer(asked: float, draw: Draw = random.uniform) -> float:
    """What the server asked for, within reason, and up to a fifth more."""
    bounded = min(max(asked, 0.0), LONGEST)
    return bounded + draw(0.0, MARGIN * bounded)


def load(home: Home) -> Pace:
    """What is remembered; a file that is lost or damaged is nothing worse than a fresh start."""
    try:
        found = json.loads((home.path / FILE).read_text("utf-8"))
        kinds = {field: type(value) for field, value in asdict(Pace()).items()}
        if set(found) != set(kinds) or not all(type(found[name]) is kind for name, kind in kinds.items()):
            return Pace()
        return Pace(**found)
    except (OSError, ValueError, TypeError, RecursionError):
        return Pace()


def save(home: Home, pace: Pace) -> None:
    """Remember it. Nothing is written while there is nothing to remember. Raises ``OSError``."""
    if pace != Pace() or (home.path / FILE).exists():
        write_durably(home.path / FILE, json.dumps(asdict(pace)).encode("ascii"))
