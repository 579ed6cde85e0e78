"""Scorecard 29: how evenly 10,000 PCs arrive, from 3 hours after a common restart on.

    python tests/scorecard/arrivals.py [SEEDS]

All PCs of an office start in the same minute, as after a power cut, while the server is away for the first half hour.
Their runs are those of the files that the packages lay down (times and delays are read from them), and whether a run
may send, and when after a failure, is decided by the agent's own functions (sending/pace.py). The server takes what it
can in a second and tells the rest to come again.

Figures: the fullest minute over the mean of a minute, from 3 h after the restart until the last hour of the schedule.
Chance alone gives about 1.35: 10,000 PCs in 150 minutes are 67 a minute.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from muster_agent.sending.pace import SHORT, Pace, longer

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "server" / "muster_server" / "packaging" / "data"
PCS = 10_000
RESTART = 8 * 60 + 10  # minute of the day: the worst, at the beginning of the schedule
AWAY = 30  # minutes the server is away after it
AFTER = 3 * 60  # minutes after the restart from which on arrivals are counted
TAKES = 200  # reports a second: scorecard 30's target
RETRY_AFTER = 30.0  # seconds, as the server says
SHARES = {"linux": 0.5, "windows": 0.48, "darwin": 0.02}
TIME_OF_DARWIN = r"<key>Hour</key>\s*<integer>(\d+)</integer>\s*<key>Minute</key>\s*<integer>(\d+)<"
BOOT = 90.0  # seconds within which PCs of one power cut are up


@dataclass(frozen=True)
class Schedule:
    """What the packages lay down: minutes."""

    times: tuple[int, ...]  # of the day
    within: int  # each run is this many minutes late at most
    start: int  # after the PC has started
    start_within: int


def schedules() -> dict[str, Schedule]:
    """The schedules of the three systems, from their files."""
    timer = (DATA / "linux/muster-agent.timer").read_text()
    start = (DATA / "linux/muster-agent-start.timer").read_text()
    task = (DATA / "windows/task.xml").read_text()
    daemon = (DATA / "macos/muster.agent.plist").read_text()
    install = (DATA / "macos/install.sh").read_text()

    def one(pattern: str, text: str) -> str:
        found = re.findall(pattern, text, re.MULTILINE)
        assert len(set(found)) == 1, (pattern, found)
        return str(found[0])

    times = re.findall(r"^OnCalendar=\*-\*-\* ([0-9,]+):(\d\d):00$", timer, re.MULTILINE)
    times = sorted(60 * int(hour) + int(minute) for hours, minute in times for hour in hours.split(","))
    assert "FixedRandomDelay=true" in timer
    return {
        "linux": Schedule(
            tuple(times),
            int(one(r"^RandomizedDelaySec=(\d+)min$", timer)),
            int(one(r"^OnBootSec=(\d+)min$", start)),
            int(one(r"^RandomizedDelaySec=(\d+)min$", start)),
        ),
        "windows": Schedule(
            tuple(60 * int(hour) + int(m) for hour, m in re.findall(r"<StartBoundary>\S+T(\d\d):(\d\d):00<", task)),
            int(one(r"<RandomDelay>PT(\d+)H30M<", task)) * 60 + 30,
            int(one(r"<Delay>PT(\d+)M<", task)),
            0,
        ),
        "darwin": Schedule(
            tuple(60 * int(hour) + int(minute) for hour, minute in re.findall(TIME_OF_DARWIN, daemon)),
            int(one(r"% (\d+)\)\)$", install)),
            0,
            0,
        ),
    }


def moments(system: str, plan: Schedule, agent: str, chance: random.Random) -> list[float]:
    """When one PC's runs begin, in seconds of the day."""
    begun = RESTART * 60 + chance.uniform(0, BOOT) + plan.start * 60 + chance.uniform(0, plan.start_within * 60)
    # systemd takes the fixed delay from a hash of the machine's id, launchd's was drawn when it was installed.
    fixed = int.from_bytes(hashlib.sha256(agent.encode()).digest()[:8], "big") / 2**64
    times = [begun]
    for time in plan.times:
        late = chance.random() if system == "windows" else fixed
        at = time * 60 + late * plan.within * 60
        if at > RESTART * 60 + BOOT:
            times.append(at)
    return sorted(times)


def arrivals(seed: int = 29) -> Counter[int]:
    """Requests in each minute of the day, refused ones and those that are told to come again included."""
    chance = random.Random(seed)
    plans = schedules()
    pcs: list[tuple[float, int]] = []
    paces: list[Pace] = []
    for number in range(PCS):
        agent = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        system = chance.choices(list(SHARES), list(SHARES.values()))[0]
        paces.append(Pace())
        pcs += [(at, number) for at in moments(system, plans[system], agent, chance)]
    found: Counter[int] = Counter()
    taken: Counter[int] = Counter()  # by second
    back = (RESTART + AWAY) * 60
    for at, number in sorted(pcs):
        pace = paces[number]
        if pace.holds(at):
            continue
        for attempt in (1, 2):
            found[int(at // 60)] += 1
            if at < back:
                paces[number] = pace.failed(at, "unreachable", None, chance.uniform)
                break
            if taken[int(at)] < TAKES:
                taken[int(at)] += 1
                paces[number] = Pace()
                break
            if attempt == 1 and RETRY_AFTER <= SHORT:
                at += longer(RETRY_AFTER, chance.uniform)  # waited for within the run
            else:
                paces[number] = pace.failed(at, "busy", RETRY_AFTER, chance.uniform)
    return found


def peak_to_mean(found: Counter[int]) -> float:
    """The fullest minute over the mean of all minutes that are looked at."""
    last = max(max(plan.times) + plan.within for plan in schedules().values())
    minutes = [found[minute] for minute in range(RESTART + AFTER, last)]
    return max(minutes) / (sum(minutes) / len(minutes))


def figure(seed: int = 29) -> float:
    """The figure of one office."""
    return peak_to_mean(arrivals(seed))


if __name__ == "__main__":
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    figures = sorted(figure(seed) for seed in seeds)
    first = arrivals(0)
    print(f"{PCS:,} PCs, restart at {RESTART // 60}:{RESTART % 60:02d}, server back {AWAY} min later")
    print(
        f"peak-to-mean per minute, from {AFTER // 60} h on, {len(figures)} offices: "
        f"median {figures[len(figures) // 2]:.2f}, worst {figures[-1]:.2f} (target 1.5)"
    )
    fullest, count = max(first.items(), key=lambda one: one[1])
    print(f"fullest minute of the whole day: {count} requests, {fullest - RESTART} min after the restart")
