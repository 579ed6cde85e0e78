"""The simulated office: its units, and one run of it through the door of a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from muster_agent.collect import collect
from muster_agent.commands.enrol import enrol
from muster_agent.sending.home import Home
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_agent.sending.send import deliver
from muster_agent.sending.spool import Spool
from muster_server.demo.condition import condition
from muster_server.demo.pc import machine

TAG = "simulated"
# Section or institution, in both languages, with an invented person who answers for it; and its share of the PCs.
UNITS = (
    ({"zh": "办公室", "en": "General Office"}, {"zh": "周明", "en": "Zhou Ming"}, 14),
    ({"zh": "财务科", "en": "Finance"}, {"zh": "李静", "en": "Li Jing"}, 12),
    ({"zh": "人事科", "en": "Personnel"}, {"zh": "王芳", "en": "Wang Fang"}, 5),
    ({"zh": "法规科", "en": "Legal Affairs"}, {"zh": "陈立", "en": "Chen Li"}, 4),
    ({"zh": "业务一科", "en": "Operations 1"}, {"zh": "赵强", "en": "Zhao Qiang"}, 24),
    ({"zh": "业务二科", "en": "Operations 2"}, {"zh": "孙丽", "en": "Sun Li"}, 17),
    ({"zh": "下属服务中心", "en": "Service Centre"}, {"zh": "何涛", "en": "He Tao"}, 24),
)


@dataclass(frozen=True)
class Member:
    """One simulated PC's place in the office."""

    number: int
    name: str
    unit: int  # index in UNITS


def members(size: int) -> Iterator[Member]:
    """The office of ``size`` PCs: always the same, and a smaller one is the beginning of a larger one."""
    shares = [unit for unit, (_, _, share) in enumerate(UNITS) for _ in range(share)]
    for number in range(1, size + 1):
        # 37 and 100 have no common divisor, so the hundred shares are dealt out once before they repeat.
        unit = shares[number * 37 % len(shares)]
        yield Member(number, f"SIM-{unit + 1:02}-{number:05}", unit)


def report(member: Member, folder: Path, server: str, token: Callable[[int], str]) -> bool:
    """Let one PC enrol if it has not, and report if it does this time; returns whether it reported.

    ``token`` issues a token for a unit. Raises as the agent's own commands do.
    """
    home = Home(str(folder / member.name))
    runs = folder / member.name / "runs"
    run = int(runs.read_text()) + 1 if runs.exists() else 1
    runs.write_text(str(run))
    now = condition(member.number, run)
    pc = machine(now, member.name, datetime.now(UTC))
    enrolment = home.enrolment() or enrol(home, server, token(member.unit), None, pc)
    if not now.reports:
        return False
    seq = home.state().seq
    spool = Spool(home)
    number, signed = sign(
        collect(pc),
        enrolment.agent,
        SigningKey.load(str(home.key)),
        spool.last(home.state()),
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    spool.put(number, signed)
    return deliver(home, spool, enrolment).delivered > 0 and home.state().seq > seq
