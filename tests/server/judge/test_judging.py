"""Every quantifier against every state of its table, scope, given, evidence; and that nulls never make a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_agent.facts import Antivirus, ListeningPort, Problem, Table
from muster_server.judge.judging import MOST_EVIDENCE, judge
from muster_server.judge.policies import load_policy
from muster_server.judge.policy import Policy
from muster_server.judge.reasons import say
from muster_server.judge.verdict import Result, Verdict
from muster_server.resources import bundled
from muster_server.subject import PC, Subject
from muster_server.words import Words

AS_OF = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PORTS = {
    "any": "any: listening_ports, where: {scope: network}, pass_if: {port: 22}",
    "each": "each: listening_ports, where: {scope: network}, pass_if: {port: 22}",
    "none": "none: listening_ports, where: {scope: network, port: 23}",
    "count": "count: listening_ports, where: {scope: network}, pass_if: {gte: 1, lte: 2}",
}
NETWORK, LOOPBACK, UNREAD = {"scope": "network"}, {"scope": "loopback"}, {"scope": None}
P, F, U, E = Result.PASS, Result.FAIL, Result.UNKNOWN, Result.ERROR

STATES = [  # quantifier, rows, result, evidence rows; then the same when rows may be missing
    ("any", [], F, 0, U, 0),
    ("any", [{**NETWORK, "port": 22}], P, 1, P, 1),
    ("any", [{**NETWORK, "port": 22}, {**NETWORK, "port": 80}], P, 1, P, 1),
    ("any", [{**NETWORK, "port": 80}, {**LOOPBACK, "port": 22}], F, 1, U, 0),
    ("any", [{**LOOPBACK, "port": 22}], F, 0, U, 0),
    ("any", [{**NETWORK}], U, 1, U, 1),
    ("any", [{**UNREAD, "port": 22}], U, 1, U, 1),
    ("any", [{**UNREAD, "port": 80}], F, 1, U, 0),
    ("any", [{**NETWORK, "port": 80}, {**NETWORK}], U, 2, U, 2),
    ("any", [{**NETWORK}, {**NETWORK, "port": 22}], P, 1, P, 1),
    ("each", [], P, 0, U, 0),
    ("each", [{**NETWORK, "port": 22}], P, 0, U, 0),
    ("each", [{**LOOPBACK, "port": 80}], P, 0, U, 0),
    ("each", [{**NETWORK, "port": 22}, {**NETWORK, "port": 80}], F, 1, F, 1),
    ("each", [{**NETWORK, "port": 22}, {**NETWORK}], U, 1, U, 1),
    ("each", [{**NETWORK, "port": 80}, {**NETWORK}], F, 1, F, 1),
    ("each", [{**UNREAD, "port": 22}], P, 0, U, 0),
    ("each", [{**UNREAD, "port": 80}], U, 1, U, 1),
    ("none", [], P, 0, U, 0),
    ("none", [{**NETWORK, "port": 22}], P, 0, U, 0),
    ("none", [{**NETWORK, "port": 22}, {**NETWORK, "port": 23}], F, 1, F, 1),
    ("none", [{**NETWORK}], U, 1, U, 1),
    ("none", [{**UNREAD, "port": 22}], P, 0, U, 0),
    ("none", [{**UNREAD, "port": 23}, {**NETWORK, "port": 22}], U, 1, U, 1),
    ("none", [{**UNREAD, "port": 23}, {**NETWORK, "port": 23}], F, 1, F, 1),
    ("count", [], F, 0, U, 0),
    ("count", [{**NETWORK, "port": 1}], P, 1, U, 0),
    ("count", [{**NETWORK, "port": n} for n in range(2)], P, 2, U, 0),
    ("count", [{**NETWORK, "port": n} for n in range(3)], F, 3, F, 3),
    ("count", [{**LOOPBACK, "port": 1}], F, 0, U, 0),
    ("count", [{**UNREAD, "port": 1}], U, 1, U, 1),
    ("count", [{**NETWORK, "port": 1}, {**UNREAD, "port": 2}], P, 1, U, 1),
    ("count", [{**NETWORK, "port": 1}, {**NETWORK, "port": 2}, {**UNREAD, "port": 3}], U, 1, U, 1),
]


@pytest.mark.parametrize(("quantifier", "values", "result", "shown", "gaps", "shown_with_gaps"), STATES)
def test_quantifiers(
    one_rule: Callable[..., Policy],
    rows: Callable[..., Table],
    verdict: Callable[..., Verdict],
    quantifier: str,
    values: list[dict[str, Any]],
    result: Result,
    shown: int,
    gaps: Result,
    shown_with_gaps: int,
) -> None:
    policy = one_rule(PORTS[quantifier])
    table = rows("listening_ports", *values)
    found = verdict(policy, listening_ports=table)
    assert (found.result, found.evidence_total) == (result, shown)
    incomplete = replace(table, notes=(Problem("denied", "permission", "/proc/1"),))
    found = verdict(policy, listening_ports=incomplete)
    assert (found.result, found.evidence_total) == (gaps, shown_with_gaps)


@pytest.mark.parametrize("quantifier", PORTS)
@pytest.mark.parametrize(
    ("table", "result", "code"),
    [
        (Table(problem=Problem("error", "collector_failed", "x")), E, "table_error"),
        (Table(problem=Problem("denied", "permission", "x")), U, "table_denied"),
        (Table(problem=Problem("unsupported", "no_collector", "x")), U, "table_unsupported"),
        (Table(problem=Problem("stale", "old", "x")), U, "table_stale"),
        (Table(rows=(ListeningPort(port=22, scope="network"),), problem=Problem("stale", "old")), U, "table_stale"),
        (Table(), U, "table_missing"),
        (None, U, "table_missing"),
    ],
)
def test_a_table_that_was_not_collected_never_passes_and_never_fails(
    one_rule: Callable[..., Policy],
    verdict: Callable[..., Verdict],
    quantifier: str,
    table: Table | None,
    result: Result,
    code: str,
) -> None:
    found = verdict(one_rule(PORTS[quantifier]), **({} if table is None else {"listening_ports": table}))
    assert (found.result, found.reason.code) == (result, code)
    for language in ("zh", "en"):
        assert "listening_ports" not in say(found.reason, Words(language))  # tables are worded


def test_a_note_about_a_column_only_explains_its_nulls(
    one_rule: Callable[..., Policy], rows: Callable[..., Table], verdict: Callable[..., Verdict]
) -> None:
    note = Problem("denied", "permission", "/proc", column="process")
    table = replace(rows("listening_ports", {"port": 22}), notes=(note,))
    policy = one_rule("each: listening_ports, pass_if: {process: sshd}")
    found = verdict(policy, listening_ports=table)
    assert found.result is U
    cause = {"column": "process", "cause": "null", "problem": "permission", "detail": "/proc"}
    assert found.reason.args["causes"] == [cause]
    assert "/proc" in say(found.reason, Words("zh"))
    assert verdict(one_rule("each: listening_ports, pass_if: {port: 22}"), listening_ports=table).result is P


@pytest.mark.parametrize(
    ("scope", "platform", "result"),
    [
        ("[linux]", "debian", P),
        ("[linux]", "openEuler", P),
        ("[linux]", "windows", Result.NOT_APPLICABLE),
        ("[linux]", "darwin", Result.NOT_APPLICABLE),
        ("[windows]", "Windows", P),
        ("windows", "windows", P),
        ("[uos, kylin]", "kylin", P),
        ("[uos, kylin]", "debian", Result.NOT_APPLICABLE),
        ("[openEuler]", "openEuler", P),
        ("[windows, debian]", "debian", P),
        ("[linux]", None, U),
    ],
)
def test_scope(
    one_rule: Callable[..., Policy],
    rows: Callable[..., Table],
    verdict: Callable[..., Verdict],
    scope: str,
    platform: str | None,
    result: Result,
) -> None:
    policy = one_rule(f"scope: {{platform: {scope}}}, none: listening_ports, where: {{port: 23}}")
    tables = {"listening_ports": rows("listening_ports"), "os_version": rows("os_version", {"platform": platform})}
    assert verdict(policy, **tables).result is result


@pytest.mark.parametrize("os_version", [None, Table(problem=Problem("error", "x")), Table(rows=())])
def test_without_an_operating_system_a_scope_is_unknown_not_out(
    one_rule: Callable[..., Policy],
    rows: Callable[..., Table],
    verdict: Callable[..., Verdict],
    os_version: Table | None,
) -> None:
    policy = one_rule("scope: {platform: [windows]}, none: listening_ports, where: {port: 23}")
    tables = {"listening_ports": rows("listening_ports")}
    if os_version is not None:
        tables["os_version"] = os_version
    found = verdict(policy, **tables)
    assert (found.result, found.reason.code) == (U, "platform_unknown")


@pytest.mark.parametrize(
    ("given_table", "result", "code"),
    [
        ([{"metadata_date": "2026-11-22"}], P, "none_pass_empty"),
        ([{"metadata_date": "2026-10-01"}], U, "given_unmet"),
        ([{"metadata_date": "2026-11-22"}, {"metadata_date": "2026-10-01"}], U, "given_unmet"),
        ([{}], U, "given_unknown"),
        ([{"metadata_date": "2040-01-01"}], U, "given_unknown"),
        ([], U, "given_empty"),
        ("gaps", U, "rows_missing"),
        ("error", E, "given_error"),
        ("denied", U, "given_denied"),
        ("unsupported", U, "given_unsupported"),
        ("stale", U, "given_stale"),
        (None, U, "given_missing"),
    ],
)
def test_given(
    one_rule: Callable[..., Policy],
    rows: Callable[..., Table],
    verdict: Callable[..., Verdict],
    given_table: Any,
    result: Result,
    code: str,
) -> None:
    policy = one_rule("none: updates, where: {security: true}, given: {update_status: {metadata_date|within: 14d}}")
    tables = {"updates": rows("updates")}
    if given_table == "gaps":
        fresh = rows("update_status", {"metadata_date": "2026-11-22"})
        tables["update_status"] = replace(fresh, notes=(Problem("error", "x"),))
    elif isinstance(given_table, str):
        tables["update_status"] = Table(problem=Problem(given_table, "x"))
    elif given_table is not None:
        tables["update_status"] = rows("update_status", *given_table)
    found = verdict(policy, **tables)
    assert (found.result, found.reason.code) == (result, code)


def test_a_given_that_will_end_is_a_flip(
    one_rule: Callable[..., Policy], rows: Callable[..., Table], verdict: Callable[..., Verdict]
) -> None:
    policy = one_rule("none: updates, where: {security: true}, given: {update_status: {metadata_date|within: 14d}}")
    tables = {"updates": rows("updates"), "update_status": rows("update_status", {"metadata_date": "2026-11-22"})}
    assert verdict(policy, **tables).flips_at == datetime(2026, 12, 7, tzinfo=UTC)


def test_evidence_is_capped_and_the_total_told(
    one_rule: Callable[..., Policy], rows: Callable[..., Table], verdict: Callable[..., Verdict]
) -> None:
    policy = one_rule("each: listening_ports, pass_if: {port: 22}, evidence: [port, process]")
    table = rows("listening_ports", *({"port": port} for port in range(100, 150)))
    found = verdict(policy, listening_ports=table)
    assert found.evidence_total == 50
    assert len(found.evidence) == MOST_EVIDENCE == 20
    assert found.evidence[0] == {"port": 100, "process": None}


def test_evidence_defaults_to_what_the_conditions_look_at(one_rule: Callable[..., Policy]) -> None:
    (rule,) = one_rule("each: listening_ports, where: {scope: network}, pass_if: {port: 22, scope: network}").rules
    assert rule.evidence == ("scope", "port")


def test_a_pc_that_never_reported_is_not_checked(one_rule: Callable[..., Policy]) -> None:
    policy = one_rule("scope: {platform: [windows]}, any: antivirus")
    (found,) = judge(policy, Subject(PC("id", "PC", "", (), AS_OF, None), None), AS_OF)
    assert (found.result, found.reason.code) == (Result.NOT_CHECKED, "not_reported")


def test_a_moment_without_a_time_zone_is_refused(one_rule: Callable[..., Policy]) -> None:
    with pytest.raises(ValueError, match="time zone"):
        judge(one_rule("any: antivirus"), Subject(PC("id", "PC", "", (), AS_OF, None), {}), AS_OF.replace(tzinfo=None))


def test_what_a_pc_says_is_cut_in_reasons(one_rule: Callable[..., Policy], verdict: Callable[..., Verdict]) -> None:
    found = verdict(one_rule("any: antivirus"), antivirus=Table(problem=Problem("error", "x", "y" * 10_000)))
    assert len(found.reason.args["detail"]) == 200


def test_version_order_of_updates_follows_the_packages(
    one_rule: Callable[..., Policy], rows: Callable[..., Table], verdict: Callable[..., Verdict]
) -> None:
    policy = one_rule("each: updates, pass_if: {installed|version_lt|fieldref: available}")
    updates = rows("updates", {"installed": "1:1.0~rc1-1", "available": "1:1.0-1"})
    packages = rows("packages", {"name": "x", "type": "deb"})
    assert verdict(policy, updates=updates, packages=packages).result is P
    assert verdict(policy, updates=updates).result is U


# -- the property that everything rests on ---------------------------------------------------------------------------

BASELINE = load_policy(bundled("policies") / "office-baseline.yaml")
TEXTS = {"type": ["av", "edr", "nac"], "scope": ["network", "loopback"], "protocol": ["tcp", "udp"]}


def _values(name: str, kind: str) -> st.SearchStrategy[Any]:
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.sampled_from([22, 23, 445, 5432, 8080, 49664])
    if kind == "moment":
        return st.sampled_from(["2026-11-22", "2026-11-23T09:00:00Z", "2026-08-01", "2019-01-01", "2030-01-01"])
    return st.sampled_from(TEXTS.get(name, ["x", "sshd", "lsass.exe"]))


def _rows(row_type: type[Any]) -> st.SearchStrategy[Any]:
    return st.lists(
        st.builds(row_type, **{f.name: _values(f.name, f.metadata["kind"]) for f in fields(row_type)}), max_size=4
    )


@st.composite
def _facts(draw: st.DrawFn) -> dict[str, Table]:
    from muster_server.judge.tables import ALL

    return {name: Table(rows=tuple(draw(_rows(ALL[name])))) for name in ("antivirus", "updates", "listening_ports")} | {
        "update_status": Table(rows=tuple(draw(_rows(ALL["update_status"]))[:1]))
    }


@given(_facts(), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_forgetting_never_turns_anything_into_a_pass(facts: dict[str, Table], data: st.DataObject) -> None:
    """Set some values to null, drop tables or make them incomplete: what was no pass is still none."""
    pc = PC("id", "PC", "", (), AS_OF, AS_OF)
    before = judge(BASELINE, Subject(pc, facts), AS_OF)
    fewer: dict[str, Table] = {}
    for name, table in facts.items():
        kept = []
        for row in table.rows or ():
            forgotten = data.draw(st.sets(st.sampled_from([f.name for f in fields(row)])))
            kept.append(replace(row, **dict.fromkeys(forgotten)))
        fate = data.draw(st.sampled_from(["rows", "rows", "notes", "denied", "error", "gone"]))
        if fate == "gone":
            continue
        fewer[name] = Table(rows=tuple(kept), notes=(Problem("denied", "x"),) if fate == "notes" else ())
        if fate in ("denied", "error"):
            fewer[name] = Table(problem=Problem(fate, "x"))
    after = judge(BASELINE, Subject(pc, fewer), AS_OF)
    for old, new in zip(before, after, strict=True):
        assert not (new.result is P and old.result is not P), (old, new)
        assert not (new.result is F and old.result is P), (old, new)  # nor does it invent a failure


@given(_facts())
@settings(max_examples=60, deadline=None)
def test_judging_is_a_function_of_its_input(facts: dict[str, Table]) -> None:
    pc = PC("id", "PC", "", (), AS_OF, AS_OF)
    again = load_policy(bundled("policies") / "office-baseline.yaml")
    assert judge(BASELINE, Subject(pc, facts), AS_OF) == judge(again, Subject(pc, facts), AS_OF)


def test_every_verdict_can_be_said_in_both_languages() -> None:
    words = [Words("zh"), Words("en")]
    tables = {"antivirus": Table(rows=(Antivirus(name="{x}", type="av", running=False),))}
    for found in judge(BASELINE, Subject(PC("id", "PC", "", (), AS_OF, AS_OF), tables), AS_OF):
        said = [say(found.reason, one) for one in words]
        assert said[0] != said[1]
        assert "{" not in "".join(said)
