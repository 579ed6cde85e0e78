"""Truth tables, and what every modifier does with values, with null and with nonsense."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from muster_agent.facts import Table
from muster_server.judge.conditions import both, either, every, negation, some
from muster_server.judge.modifiers import MODIFIERS, Evaluation
from muster_server.judge.policy import Policy
from muster_server.judge.tables import ALL
from muster_server.judge.verdict import Verdict

AS_OF = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
T, F, U = True, False, None
AND = {(T, T): T, (T, F): F, (T, U): U, (F, T): F, (F, F): F, (F, U): F, (U, T): U, (U, F): F, (U, U): U}
OR = {(T, T): T, (T, F): T, (T, U): T, (F, T): T, (F, F): F, (F, U): U, (U, T): T, (U, F): U, (U, U): U}


@pytest.mark.parametrize(("left", "right"), list(product((T, F, U), repeat=2)))
def test_kleenes_tables(left: bool | None, right: bool | None) -> None:
    assert both(left, right) is AND[left, right]
    assert either(left, right) is OR[left, right]
    assert negation(left) is {T: F, F: T, U: U}[left]


@pytest.mark.parametrize("truths", list(product((T, F, U), repeat=3)))
def test_and_and_or_over_several(truths: tuple[bool | None, ...]) -> None:
    asks = [lambda row, evaluation, truth=truth: truth for truth in truths]
    evaluation = Evaluation(AS_OF)
    assert every(asks)(None, evaluation) is AND[AND[truths[0], truths[1]], truths[2]]
    assert some(asks)(None, evaluation) is OR[OR[truths[0], truths[1]], truths[2]]


def ask(policy: Policy, table: str, **row: Any) -> bool | None:
    """What the pass_if of an `each` rule says of one row."""
    (rule,) = policy.rules
    said: bool | None = rule.pass_if.ask(ALL[table](**row), Evaluation(AS_OF))
    return said


CASES = [  # table, condition, row, truth
    ("antivirus", "name: clamav", {"name": "ClamAV"}, T),
    ("antivirus", "name: clam", {"name": "ClamAV"}, F),
    ("antivirus", "name: clam*", {"name": "ClamAV"}, T),
    ("antivirus", "name: '*a*v'", {"name": "ClamAV"}, T),
    ("antivirus", "name: 'c?amav'", {"name": "ClamAV"}, T),
    ("antivirus", "name: 'c?mav'", {"name": "ClamAV"}, F),
    ("antivirus", r"name: 'a\*b'", {"name": "a*b"}, T),
    ("antivirus", r"name: 'a\*b'", {"name": "axb"}, F),
    ("antivirus", r"name: 'a\*b*'", {"name": "a*bc"}, T),
    ("antivirus", "name: 'a.c*'", {"name": "abc"}, F),
    ("antivirus", "name: '*'", {"name": "x\ny"}, T),
    ("antivirus", "name: [a, b]", {"name": "B"}, T),
    ("antivirus", "name: [a, b]", {"name": "c"}, F),
    ("antivirus", "name: [a, 'b*']", {"name": "bc"}, T),
    ("antivirus", "name: no", {"name": "no"}, T),
    ("antivirus", "name: 1.10", {"name": "1.10"}, T),
    ("antivirus", "name: 1.10", {"name": "1.1"}, F),
    ("antivirus", "name: x", {}, U),
    ("antivirus", "name|neq: x", {"name": "X"}, F),
    ("antivirus", "name|neq: x", {"name": "y"}, T),
    ("antivirus", "name|neq: [x, y]", {"name": "y"}, F),
    ("antivirus", "name|neq: [x, y]", {"name": "z"}, T),
    ("antivirus", "name|neq: 'x*'", {"name": "xy"}, F),
    ("antivirus", "name|neq: x", {}, U),
    ("antivirus", "name|cased: ClamAV", {"name": "ClamAV"}, T),
    ("antivirus", "name|cased: clamav", {"name": "ClamAV"}, F),
    ("antivirus", "name|contains: AMA", {"name": "ClamAV"}, T),
    ("antivirus", "name|contains|cased: AMA", {"name": "ClamAV"}, F),
    ("antivirus", "name|contains: '*'", {"name": "ClamAV"}, F),
    ("antivirus", "name|contains: [x, 杀毒]", {"name": "统信杀毒"}, T),
    ("antivirus", "name|contains|all: [统信, 杀毒]", {"name": "统信杀毒"}, T),
    ("antivirus", "name|contains|all: [统信, 病毒]", {"name": "统信杀毒"}, F),
    ("antivirus", "name|startswith: clam", {"name": "ClamAV"}, T),
    ("antivirus", "name|startswith: lam", {"name": "ClamAV"}, F),
    ("antivirus", "name|endswith: AV", {"name": "ClamAV"}, T),
    ("antivirus", "name|re: '^Clam'", {"name": "ClamAV"}, T),
    ("antivirus", "name|re: '^clam'", {"name": "ClamAV"}, F),
    ("antivirus", "name|re|i: '^clam'", {"name": "ClamAV"}, T),
    ("antivirus", "name|re: 'x'", {"name": "y" * 4096}, F),
    ("antivirus", "name|re: 'y'", {"name": "y" * 4097}, U),  # B56: not looked at, so not known
    ("antivirus", "running: true", {"running": True}, T),
    ("antivirus", "running: true", {"running": False}, F),
    ("antivirus", "running: true", {}, U),
    ("antivirus", "running: true", {"running": "true"}, U),
    ("antivirus", "running|neq: true", {"running": False}, T),
    ("antivirus", "running|exists: true", {"running": False}, T),
    ("antivirus", "running|exists: true", {}, F),
    ("antivirus", "running|exists: false", {}, T),
    ("antivirus", "registered|fieldref: running", {"registered": True, "running": True}, T),
    ("antivirus", "registered|fieldref: running", {"registered": True, "running": False}, F),
    ("antivirus", "registered|fieldref: running", {"registered": True}, U),
    ("antivirus", "name|contains|fieldref: vendor", {"name": "Acme AV", "vendor": "ACME"}, T),
    ("antivirus", "name|contains|fieldref|cased: vendor", {"name": "Acme AV", "vendor": "ACME"}, F),
    ("antivirus", "name|neq|fieldref: vendor", {"name": "a", "vendor": "A"}, F),
    ("antivirus", "name|neq|fieldref: vendor", {"name": "a", "vendor": "b"}, T),
    ("listening_ports", "port: 22", {"port": 22}, T),
    ("listening_ports", "port: [22, 80]", {"port": 443}, F),
    ("listening_ports", "port: 1", {"port": True}, U),
    ("listening_ports", "port|neq: [22, 80]", {"port": 443}, T),
    ("listening_ports", "port|gt: 22", {"port": 22}, F),
    ("listening_ports", "port|gte: 22", {"port": 22}, T),
    ("listening_ports", "port|lt: 22", {"port": 22}, F),
    ("listening_ports", "port|lte: 22", {"port": 22}, T),
    ("listening_ports", "port|lt: 22", {}, U),
    ("listening_ports", "address|cidr: 10.0.0.0/8", {"address": "10.1.2.3"}, T),
    ("listening_ports", "address|cidr: 10.0.0.0/8", {"address": "11.1.2.3"}, F),
    ("listening_ports", "address|cidr: 10.0.0.0/8", {"address": "::ffff:10.1.2.3"}, T),
    ("listening_ports", "address|cidr: ['fe80::/10', 127.0.0.0/8]", {"address": "fe80::1%eth0"}, T),
    ("listening_ports", "address|cidr: 10.0.0.0/8", {"address": "::1"}, F),
    ("listening_ports", "address|cidr: 10.0.0.0/8", {"address": "localhost"}, U),
    ("listening_ports", "address: 0.0.0.0", {"address": "0.0.0.0"}, T),
    ("listening_ports", "address: '192.168.*'", {"address": "192.168.7.1"}, T),
    ("packages", "version|version_lt: 1.10", {"version": "1.9"}, T),
    ("packages", "version|version_lt: 1.10", {"version": "1.10.0"}, F),
    ("packages", "version|version_lte: 1.10", {"version": "1.10.0"}, T),
    ("packages", "version|version_gt: 1.9", {"version": "1.10"}, T),
    ("packages", "version|version_gte: 1.10", {"version": "1.10"}, T),
    ("packages", "version|version_gte: 1.10", {"version": "1.10~rc1", "type": "deb"}, F),
    ("packages", "version|version_gt: 9", {"version": "1:1", "type": "deb"}, T),
    ("packages", "version|version_gte: 1.10", {"version": "1.10~rc1", "type": "rpm"}, F),
    ("packages", "version|version_gt: 1.10", {"version": "1:1.9-1.el8", "type": "rpm"}, T),
    ("packages", "version|version_gte: 1.10", {"version": "1.10~rc1", "type": "pacman"}, U),
    ("packages", "version|version_lt: 1", {"version": "banana"}, U),
    ("packages", "version: 1.10", {"version": "1.10"}, T),
    ("packages", "version|version_lt|fieldref: source_version", {"version": "9", "source_version": "10"}, T),
    ("packages", "version|version_lt|fieldref: source_version", {"version": "9", "source_version": "x"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-22T12:00:00Z"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-20T12:00:01Z"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-20T12:00:00Z"}, F),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-20T20:00:01+08:00"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-20"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-19"}, F),
    ("update_status", "metadata_date|within: 12h", {"metadata_date": "2026-11-23T01:00:00Z"}, T),
    ("update_status", "metadata_date|within: 12h", {"metadata_date": "2026-11-22T23:00:00Z"}, F),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-24T12:00:00Z"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-24"}, T),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-24T12:00:01Z"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2035-01-01"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "yesterday"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-11-20T12:00:00"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "2026-02-30"}, U),
    ("update_status", "metadata_date|within: 3d", {"metadata_date": "9999-12-31"}, U),
    ("update_status", "metadata_date|within: 3d", {}, U),
    ("update_status", "metadata_date|older_than: 3d", {"metadata_date": "2026-11-20T12:00:00Z"}, T),
    ("update_status", "metadata_date|older_than: 3d", {"metadata_date": "2026-11-20T12:00:01Z"}, F),
    ("update_status", "metadata_date|older_than: 3d", {"metadata_date": "2035-01-01"}, U),
    ("update_status", "metadata_date|lt: 2026-11-01", {"metadata_date": "2026-10-31"}, T),
    ("update_status", "metadata_date|gte: 2026-11-01T00:00:00Z", {"metadata_date": "2026-11-01"}, T),
    ("update_status", "metadata_date|gte: 2026-11-01", {"metadata_date": "?"}, U),
    ("update_status", "metadata_date|gt|fieldref: last_installed",
     {"metadata_date": "2026-11-02", "last_installed": "2026-11-01T09:00:00Z"}, T),
    ("antivirus", "name|endswith: Cla", {"name": "ClamAV"}, F),
    ("antivirus", "name|endswith: AV", {}, U),
    ("antivirus", "name|re|i: '^lam'", {"name": "ClamAV"}, F),
    ("listening_ports", "port|gte: 22", {"port": 21}, F),
    ("listening_ports", "port|lte: 22", {"port": 23}, F),
    ("packages", "version|version_lte: 1.10", {"version": "1.11"}, F),
    ("packages", "version|version_gt: 1.9", {"version": "1.9"}, F),
    ("os_support", "support_ends|older_than: 0d", {"support_ends": "2026-11-22"}, T),
    ("os_support", "support_ends|older_than: 0d", {"support_ends": "2026-11-23"}, F),  # its day is not over yet
    ("os_support", "support_ends|older_than: 0d", {"support_ends": "2099-01-01"}, F),
]  # fmt: skip


@pytest.mark.parametrize(("table", "condition", "row", "truth"), CASES)
def test_what_a_condition_says(
    one_rule: Callable[..., Policy], table: str, condition: str, row: dict[str, Any], truth: bool | None
) -> None:
    assert ask(one_rule(f"each: {table}, pass_if: {{{condition}}}"), table, **row) is truth


def test_every_modifier_is_in_the_cases_and_answers_all_three() -> None:
    seen: dict[str, set[bool | None]] = {name: set() for name in MODIFIERS}
    for _, condition, _, truth in CASES:
        for name in condition.partition(":")[0].split("|")[1:]:
            seen[name].add(truth)
    assert not [name for name, truths in seen.items() if not {T, F} <= truths]


def test_values_are_put_in_and_an_empty_one_forbids_everything(one_rule: Callable[..., Policy]) -> None:
    parts = "each: listening_ports, pass_if: {port: $allowed}"
    assert ask(one_rule(parts, "{allowed: [22, 80]}"), "listening_ports", port=80) is T
    assert ask(one_rule(parts, "{allowed: 22}"), "listening_ports", port=80) is F
    assert ask(one_rule(parts, "{allowed: []}"), "listening_ports", port=80) is F
    assert ask(one_rule(parts, "{allowed: []}"), "listening_ports") is U


def test_a_value_can_stand_in_a_list(one_rule: Callable[..., Policy]) -> None:
    policy = one_rule("each: listening_ports, pass_if: {port: [$allowed, 443]}", "{allowed: [22, 80]}")
    assert [ask(policy, "listening_ports", port=port) for port in (22, 443, 23)] == [T, T, F]


def test_a_text_in_quotes_is_no_value(one_rule: Callable[..., Policy]) -> None:
    assert ask(one_rule("each: listening_ports, pass_if: {process: '$HOME'}"), "listening_ports", process="$home") is T


def test_a_list_of_maps_is_or(one_rule: Callable[..., Policy]) -> None:
    policy = one_rule("each: listening_ports, pass_if: [{port: 22}, {port|gte: 1000, process: x}]")
    assert ask(policy, "listening_ports", port=22) is T
    assert ask(policy, "listening_ports", port=2000, process="x") is T
    assert ask(policy, "listening_ports", port=2000, process="y") is F
    assert ask(policy, "listening_ports", port=2000) is U
    assert ask(policy, "listening_ports", port=23) is F


@pytest.mark.parametrize("condition", ["within: 3d", "older_than: 3d", "older_than: 0d", "within: 36h"])
@pytest.mark.parametrize(
    "date", ["2026-11-20", "2026-11-23T11:00:00Z", "2026-11-21T23:59:59Z", "2026-11-24", "2026-12-05T00:00:00Z"]
)
def test_flips_at_is_the_first_moment_at_which_the_result_differs(
    one_rule: Callable[..., Policy],
    rows: Callable[..., Table],
    verdict: Callable[..., Verdict],
    condition: str,
    date: str,
) -> None:
    policy = one_rule(f"any: update_status, pass_if: {{metadata_date|{condition}}}")
    table = rows("update_status", {"metadata_date": date})
    first = verdict(policy, update_status=table)
    flips = first.flips_at
    if flips is None:
        later = [verdict(policy, AS_OF + timedelta(days=days), update_status=table).result for days in range(400)]
        assert set(later) == {first.result}
        return
    assert flips > AS_OF
    assert verdict(policy, flips - timedelta(microseconds=1), update_status=table).result is first.result
    assert verdict(policy, flips, update_status=table).result is not first.result


def test_a_date_at_the_end_of_time_breaks_nothing(
    one_rule: Callable[..., Policy], rows: Callable[..., Table], verdict: Callable[..., Verdict]
) -> None:
    policy = one_rule("any: update_status, pass_if: {metadata_date|older_than: 99999d}")
    table = rows("update_status", {"metadata_date": "9998-12-30"})
    late = datetime(9998, 12, 31, tzinfo=UTC)
    assert verdict(policy, late, update_status=table).flips_at is None
