"""Offices to report on, counted by the real tally from judged PCs that are made up here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from muster_server.judge.policy import DUE_BY_SEVERITY, Policy, Rule
from muster_server.judge.verdict import Judged, Reason, Result, Verdict
from muster_server.office import Office
from muster_server.subject import PC, Finding, Subject
from muster_server.tally import Month, Point, Rate, tally
from muster_server.words import Words

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=BEIJING)
PLANNED = (
    ("AV-001", "high", "防病毒软件运行", "Antivirus runs"),
    ("PA-001", "high", "补丁30天内安装", "Patches installed within 30 days"),
    ("FW-001", "medium", "主机防火墙启用", "The host firewall is on"),
    ("SL-001", "medium", "屏幕锁定不超过10分钟", "The screen locks within 10 minutes"),
    ("BK-001", "low", "系统盘已加密", "The system disk is encrypted"),
)


def rule(id: str, severity: str, zh: str, en: str) -> Rule:
    return Rule(
        id=id,
        title={"zh": zh, "en": en},
        severity=severity,
        quantifier="any",
        table="antivirus",
        where=None,
        pass_if={},
        given={},
        scope={},
        evidence=(),
        due=DUE_BY_SEVERITY[severity],
        fix={"zh": "按规定整改。", "en": "Mend it as the rules say."},
        references={"mlps": ("8.1.4.5",), "cis_v8": ("10.1", "10.2"), "house": ("12",)},
    )


POLICY = Policy(
    id="office-baseline",
    title={"zh": "办公终端安全基线", "en": "Office workstation baseline"},
    version="2026.11",
    digest="3f9a2c71b0de55aa" * 4,
    path="office-baseline.yaml",
    rules=tuple(rule(*planned) for planned in PLANNED),
)
OFFICE = Office(name={"zh": "某某市某某局", "en": "A Bureau"}, responsible={"信息科": "孙明国", "财务科": "刘艳"})


def people(number: int, units: Sequence[str], seed: int, tags: tuple[str, ...]) -> tuple[list[Judged], list[Finding]]:
    """Judged PCs and closed findings; the same seed gives the same ones."""
    chance = random.Random(seed)
    judged, closed = [], []
    for index in range(number):
        quiet = chance.choice((None, 9, 41, 120)) if chance.random() < 0.08 else 0
        last = None if quiet is None else NOW - timedelta(days=quiet, minutes=chance.randrange(600))
        pc = PC(f"id-{index:05}", f"PC-{index:05}", units[index % len(units)], tags, NOW - timedelta(days=200), last)
        verdicts, findings = [], {}
        for one in POLICY.rules:
            roll = chance.random()
            result = Result.PASS
            if last is None:
                result = Result.NOT_CHECKED
            elif roll < 0.07:
                result = Result.FAIL
            elif roll < 0.09:
                result = chance.choice((Result.ERROR, Result.UNKNOWN))
            elif roll < 0.12:
                result = Result.NOT_APPLICABLE
            verdicts.append(Verdict(one.id, result, Reason("reason", {})))
            opened = NOW - timedelta(days=chance.choice((2, 5, 12, 20, 34, 80)), hours=3)
            again = chance.random() < 0.15
            if result is Result.FAIL:
                findings[one.id] = Finding(
                    pc.id, one.id, one.severity, opened, opened, opened + one.due, relapsed=again
                )
            elif roll > 0.95:
                ended = NOW - timedelta(days=chance.randrange(1, 20))
                opened -= timedelta(days=30)
                closed.append(
                    Finding(pc.id, one.id, one.severity, opened, opened, opened + one.due, ended, neutral=again)
                )
        judged.append(Judged(Subject(pc, None), tuple(verdicts), findings))
    return judged, closed


def build(
    number: int = 40,
    units: Sequence[str] = ("信息科", "财务科", "办公室"),
    months: int = 12,
    over: bool = False,
    tags: tuple[str, ...] = (),
    policy: Policy = POLICY,
    office: Office = OFFICE,
    seed: int = 7,
    changed: bool = False,
) -> Month:
    """A month of an office of ``number`` PCs. ``changed``: the policy was another one a month ago."""
    now = tally(*_counted(number, units, seed, tags, policy), office, NOW, people(number, units, seed, tags)[1])
    past = replace(policy, version="2026.10", digest="0" * 64) if changed else policy
    start = NOW.replace(day=1, hour=0)
    before = tally(*_counted(number, units, seed + 1, tags, past), office, start) if months > 1 else None
    trend = [
        Point(
            f"{year}-{month + 1:02}", Rate(max(number * (70 - back) // 100, 0), number), Rate(number * 9 // 10, number)
        )
        for back in range(months - 1, 0, -1)
        for year, month in [divmod(2026 * 12 + 10 - back, 12)]
    ]
    trend.append(Point("2026-11", now.whole.confirmed, now.whole.coverage))
    return Month("2026-11", over, now, before, tuple(trend))


def _counted(
    number: int, units: Sequence[str], seed: int, tags: tuple[str, ...], policy: Policy
) -> tuple[list[Judged], list[Policy]]:
    return people(number, units, seed, tags)[0], [policy]


@pytest.fixture(params=["zh", "en"])
def words(request: pytest.FixtureRequest) -> Words:
    return Words(request.param)


@pytest.fixture
def make() -> Callable[..., Month]:
    return build
