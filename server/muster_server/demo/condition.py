"""In what state each simulated PC is, and how that changes from one run to the next: chance with a fixed seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

# What can be wrong with a PC of the office, and how many of a hundred have it at first. The office is a middling one.
FAULTS = {
    "no_antivirus": 2,
    "antivirus_stopped": 3,
    "old_signatures": 5,
    "no_realtime": 2,
    "security_updates": 9,
    "old_metadata": 2,
    "restart_pending": 4,
    "not_automatic": 4,
    "remote_desktop": 3,
    "file_sharing": 2,
    "database": 1,
    "firewall_off": 3,
    "no_screen_lock": 3,
    "second_way_out": 1,
    "guest_share": 1,
    "many_administrators": 2,
    "empty_password": 1,
    "weak_passwords": 4,
    "remote_control": 4,
}
MENDED = 0.4  # how likely a fault is gone at the next run: somebody has read the report
BROKEN = 0.004  # how likely a new one has come
AWAY = 0.08  # how likely the PC does not report this time
NEVER = 0.04  # how many were enrolled and have never been switched on since
SYSTEMS = {"debian13": 52, "ubuntu2404": 32, "debian12": 7, "debian11": 2, "uos20": 4, "kylin10": 3}


@dataclass(frozen=True)
class Condition:
    """One simulated PC at one run."""

    number: int  # 1, 2, 3 …
    system: str  # a key of SYSTEMS
    faults: frozenset[str]
    reports: bool  # it reports at this run


def condition(number: int, run: int) -> Condition:
    """PC ``number`` at run 1, 2, 3 …: the same every time it is asked."""
    chance = random.Random(number)  # noqa: S311  # a demonstration must look the same tomorrow
    system = chance.choices(list(SYSTEMS), list(SYSTEMS.values()))[0]
    never = chance.random() < NEVER
    faults = {fault for fault, percent in FAULTS.items() if chance.random() * 100 < percent}
    away = False
    for _ in range(1, run):
        faults = {fault for fault in FAULTS if (fault in faults) != (chance.random() < _turn(fault in faults))}
        away = chance.random() < AWAY
    return Condition(number, system, frozenset(faults), reports=not (never or away))


def _turn(broken: bool) -> float:
    return MENDED if broken else BROKEN
