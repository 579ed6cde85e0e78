"""Offices to tally and to print, built from the real dataclasses; nothing here is counted by hand."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import Antivirus, ListeningPort, OsVersion, Problem, Table, Tables, UpdateStatus
from muster_server.judge.policy import DUE_BY_SEVERITY, Policy, Rule
from muster_server.judge.verdict import Judged, Reason, Result, Verdict
from muster_server.office import Office
from muster_server.subject import PC, Finding, Subject
from muster_server.tally import Tally, tally

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)

HOSTILE = (
    "\x1b[31mPC\x1b[0m",  # colours and, with other codes, the whole screen
    "[/foo][bold]PC[/]",  # rich's markup
    "PC\u202egnp.exe",  # right-to-left override
    "PC\u200b\u2066\ufeff",  # invisible
    "PC\r\nPC2\t\x00\x7f\x9b2J",  # controls, the one-byte CSI among them
    "科" * 30,
    "P" * 200,
    "{0.__class__}%s%n",
    "PC" + "\u0301" * 40,  # a pile of accents
    "\ud83d",  # half of a surrogate pair
    "$(reboot);`id`",
)


def rule(id: str = "AV-001", severity: str = "high", table: str = "antivirus", **more: Any) -> Rule:
    """A rule with a title of its own."""
    given: dict[str, Any] = {
        "title": {"zh": f"{id} 的要求", "en": f"What {id} asks"},
        "evidence": (),
        "due": DUE_BY_SEVERITY[severity],
        "fix": {"zh": "请整改。", "en": "Mend it."},
        **more,
    }
    return Rule(
        id=id, severity=severity, quantifier="any", table=table, where=None, pass_if=None, given={}, scope={}, **given
    )


def policy(*rules: Rule) -> Policy:
    """A policy of these rules."""
    title = {"zh": "办公终端安全基线", "en": "Office workstation baseline"}
    return Policy("office-baseline", title, "2026.11", "0" * 64, "office-baseline.yaml", tuple(rules))


def verdict(rule: str, result: Result = Result.PASS, code: str = "", **more: Any) -> Verdict:
    """A verdict; its reason is one the judge gives for such a result."""
    codes = {
        Result.PASS: ("any_pass", {"n": 1}),
        Result.FAIL: ("any_fail", {"rows": 1}),
        Result.ERROR: ("table_error", {"table": "antivirus", "problem": "timed_out", "detail": "/usr/bin/clamscan"}),
        Result.UNKNOWN: ("table_missing", {"table": "antivirus"}),
        Result.NOT_APPLICABLE: ("out_of_scope", {"platform": "debian", "allowed": ["windows"]}),
        Result.NOT_CHECKED: ("not_reported", {}),
    }
    usual, args = codes[result]
    reason = Reason(code or usual, more.pop("args", args))
    rows = tuple(more.pop("evidence", ()))
    return Verdict(rule, result, reason, rows, more.pop("total", len(rows)))


def finding(pc: str, rule: str, opened: datetime, days: int = 15, **more: Any) -> Finding:
    """A finding that opened then and is due ``days`` later."""
    given = {"severity": "high", "first_seen": opened, "opened": opened, "due": opened + timedelta(days=days), **more}
    return Finding(pc=pc, rule=rule, **given)


def judged(
    id: str,
    verdicts: Sequence[Verdict] = (),
    findings: Iterable[Finding] = (),
    name: str | None = None,
    unit: str = "信息科",
    tags: tuple[str, ...] = (),
    reported: datetime | None = NOW - timedelta(hours=1),
    conflict: bool = False,
    tables: Tables | None = None,
) -> Judged:
    """A PC with its verdicts and findings."""
    one = PC(id, name or f"PC-{id}", unit, tags, NOW - timedelta(days=200), reported, conflict)
    found = {each.rule: each for each in findings}
    return Judged(Subject(one, tables if reported else None), tuple(verdicts), found)


class Offices:
    """What the tests of the numbers and of the views build on."""

    now = NOW
    hostile = HOSTILE
    rule = staticmethod(rule)
    policy = staticmethod(policy)
    verdict = staticmethod(verdict)
    finding = staticmethod(finding)
    judged = staticmethod(judged)

    @staticmethod
    def tally(
        pcs: Sequence[Judged],
        rules: Sequence[Rule] | None = None,
        history: Iterable[Finding] = (),
        responsible: Mapping[str, str] | None = None,
    ) -> Tally:
        """The numbers of these PCs."""
        policies = [policy(*(rules if rules is not None else [rule()]))]
        office = Office({"zh": "某市自然资源局", "en": "A city bureau"}, responsible=responsible or {})
        return tally(pcs, policies, office, NOW, history)

    @classmethod
    def bureau(cls) -> Tally:
        """A bureau of 40 simulated PCs in five sections, with everything that can be wrong in one."""
        return cls.tally(bureau_pcs(), RULES, bureau_history(), RESPONSIBLE)

    @classmethod
    def spotless(cls) -> Tally:
        """Twelve PCs that pass everything."""
        pcs = [judged(f"{n:04}", [verdict(each.id) for each in RULES], tables=FACTS) for n in range(12)]
        return cls.tally(pcs, RULES)

    @classmethod
    def named(cls, names: Sequence[str]) -> Tally:
        """Failing PCs of these names."""
        pcs = []
        for n, name in enumerate(names):
            id = f"{n:08x}-0000-4000-8000-000000000000"
            row = {"name": name, "running": False, "realtime": None, "signatures_date": "2026-11-01"}
            fails = verdict("AV-001", Result.FAIL, evidence=[row], total=3)
            unclear = verdict("PA-001", Result.UNKNOWN, args={"table": "update_status"})
            found = finding(id, "AV-001", NOW - timedelta(days=34))
            pcs.append(judged(id, [fails, unclear], [found], name=name, unit=name, tables=FACTS))
        return cls.tally(pcs, RULES[:2], responsible={name: name for name in names})


RULES = (
    rule(
        "AV-001",
        title={"zh": "防病毒软件运行且病毒库不超过三天", "en": "Antivirus runs, signatures at most 3 days old"},
        evidence=("name", "running", "realtime", "signatures_date"),
        fix={"zh": "启动防病毒软件并更新病毒库。", "en": "Start the antivirus and update its signatures."},
        references={"mlps": ("8.1.4.5",), "cis_v8": ("10.1", "10.2")},
        why={
            "zh": "没有运行中的防病毒软件，一个恶意附件就足以控制整台终端。",
            "en": "Without a running antivirus one malicious attachment is enough to take over the PC.",
        },
    ),
    rule(
        "PA-001",
        table="update_status",
        title={"zh": "操作系统安全补丁三十天内安装", "en": "Security updates installed within 30 days"},
        evidence=("last_installed", "automatic"),
        fix={"zh": "打开系统更新并安装全部安全补丁，然后重启。", "en": "Run the system's update, then restart."},
        references={"mlps": ("8.1.4.4",)},
    ),
    rule(
        "NET-001",
        table="listening_ports",
        title={"zh": "仅开放允许的端口", "en": "Only allowed ports listen on the network"},
        evidence=("protocol", "address", "port", "path"),
        fix={"zh": "停用不需要的服务，或用防火墙封闭端口。", "en": "Stop the service, or close the port."},
        references={"mlps": ("8.1.4.4", "8.1.3.2")},
    ),
    rule(
        "OS-001",
        "medium",
        "os_version",
        title={"zh": "操作系统仍在厂商支持期内", "en": "The operating system is still supported by its maker"},
        evidence=("name", "version"),
        fix={"zh": "升级到仍受支持的版本。", "en": "Upgrade to a supported release."},
    ),
    rule(
        "RB-001",
        "low",
        "update_status",
        title={"zh": "更新后已重启", "en": "Restarted after updates"},
        evidence=("reboot_required", "reboot_reason"),
        fix={"zh": "重启终端。", "en": "Restart the PC."},
    ),
)
RESPONSIBLE = {"信息科": "孙明国", "财务科": "周杰", "信息技术与数据资源管理科": "郭敏华", "后勤科": "何涛"}
FACTS: Tables = {
    "os_version": Table((OsVersion(name="UnionTech OS Desktop", version="20 Pro", platform="uos"),)),
    "antivirus": Table((Antivirus(name="ClamAV", type="av", running=False),)),
    "update_status": Table((UpdateStatus(last_installed="2026-07-09"),)),
    "listening_ports": Table((ListeningPort(protocol="tcp", port=22),)),
}
_GAPS: Tables = {
    **FACTS,
    "updates": Table(None, Problem("denied", "denied", "/var/lib/apt/lists")),
    "antivirus": Table((Antivirus(name="ClamAV"),), notes=(Problem("unsupported", "not_found", "", "realtime"),)),
}
_EVIDENCE: dict[str, list[dict[str, Any]]] = {
    "AV-001": [{"name": "ClamAV", "running": False, "realtime": None, "signatures_date": "2026-10-30T22:15:00Z"}],
    "PA-001": [{"last_installed": "2026-07-09", "automatic": False}],
    "NET-001": [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 3389, "path": "/usr/sbin/xrdp"},
        {"protocol": "tcp", "address": "0.0.0.0", "port": 5900, "path": None},
    ],
    "OS-001": [{"name": "Windows 7 Professional", "version": "6.1.7601"}],
    "RB-001": [{"reboot_required": True, "reboot_reason": "linux-image-6.1.0-28-amd64"}],
}
_UNITS = ("信息科",) * 14 + ("财务科",) * 11 + ("信息技术与数据资源管理科",) * 8 + ("后勤科",) * 5 + ("档案室",) * 2


def bureau_pcs() -> list[Judged]:
    """Forty PCs; what is wrong with one follows from its number alone."""
    return [_bureau_pc(n, unit) for n, unit in enumerate(_UNITS, 1)]


def _bureau_pc(n: int, unit: str) -> Judged:
    id = f"{n * 2654435761 % 2**32:08x}-7d1c-4c5e-9a53-{n:012x}"
    # Every third PC fails something: which rule, and since when, differ.
    failing = {3: ("AV-001",), 6: ("PA-001", "RB-001"), 9: ("NET-001",), 12: ("PA-001", "AV-001")}.get(n % 12 or 12, ())
    verdicts, findings = [], []
    for place, each in enumerate(RULES):
        result = Result.FAIL if each.id in failing else Result.PASS
        if n % 13 == 5 and each.id == "AV-001":
            result = Result.ERROR
        if n % 17 == 4 and each.id == "PA-001":
            result = Result.UNKNOWN
        args = {"args": {"table": each.table}} if result is Result.UNKNOWN else {}
        if n % 4 == 1 and each.id == "OS-001":
            result = Result.NOT_APPLICABLE
        rows = _EVIDENCE[each.id] if result is Result.FAIL else []
        total = 7 if each.id == "NET-001" and rows else len(rows)
        verdicts.append(verdict(each.id, result, evidence=rows, total=total, **args))
        if result is Result.FAIL:
            opened = NOW - timedelta(days=(n * 5 + place * 3) % 40, hours=n % 5)
            more = {"relapsed": True, "first_seen": opened - timedelta(days=50)} if n == 24 else {}
            findings.append(finding(id, each.id, opened, each.due.days, severity=each.severity, **more))
    silent = {7: NOW - timedelta(days=19, hours=3), 18: NOW - timedelta(days=64), 33: NOW - timedelta(days=8)}
    reported = None if n == 40 else silent.get(n, NOW - timedelta(minutes=7 * n))
    if reported is None:
        verdicts, findings = [verdict(each.id, Result.NOT_CHECKED) for each in RULES], []
    tables = _GAPS if n in (5, 12, 24) else FACTS
    name = f"PC-{unit[0]}-{n:05}" if n % 10 == 0 else f"PC-D{n % 7:03}-{n:05}"
    return judged(id, verdicts, findings, name, unit, ("simulated",), reported, conflict=n == 29, tables=tables)


def bureau_history() -> list[Finding]:
    """What was mended this month, and what no longer applies."""
    early, late = NOW - timedelta(days=40), NOW - timedelta(days=10)
    return [
        finding("a", "AV-001", early, closed=late),
        finding("b", "PA-001", early, closed=late),
        finding("c", "PA-001", late - timedelta(days=2), closed=late),
        finding("d", "OS-001", early, closed=late, neutral=True),
        finding("e", "NET-001", early, closed=early + timedelta(days=3)),
    ]


@pytest.fixture(scope="session")
def offices() -> type[Offices]:
    """The builders of this module."""
    return Offices


def _of_scorecard(name: str) -> Any:
    """A module of tests/scorecard, which is no package."""
    path = Path(__file__).resolve().parents[1] / "scorecard" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"scorecard_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def filling() -> Any:
    """tests/scorecard/filled.py: deployments full of signed reports."""
    return _of_scorecard("filled")


@pytest.fixture(scope="session")
def tampering() -> Any:
    """tests/scorecard/tampering.py: what an intruder does to a database."""
    return _of_scorecard("tampering")
