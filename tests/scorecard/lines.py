"""The 32 lines of the scorecard: what each measures, and with what. ``python tests/scorecard/lines.py N [--quick]``
measures one, with those that share its measurement, and prints [[number, name, target, figure, met], …] at its end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for room in ("benchmarks", "tests/torture", "tests/scorecard"):
    sys.path.insert(0, str(ROOT / room))

from card import Line, Measured, all_of, at_most, nought  # noqa: E402

# The ids of security.md §4. A line of that list is held by a test that has its id in its name.
BAD_INPUT = [
    f"B{n:02}"
    for numbers in (
        range(1, 8),
        range(10, 21),
        range(30, 41),
        range(50, 58),
        range(60, 66),
        range(70, 77),
        range(80, 83),
    )
    for n in numbers
]


def program(*words: str, folder: Path | None = None) -> tuple[bool, str]:
    """Run one of the project's programs; whether it found everything as it must be, and what it printed."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, timeout=3600)
    return done.returncode == 0, done.stdout + done.stderr


def part(said: str, pattern: str) -> str:
    """What a program printed, where ``pattern`` has its group. Raises ``ValueError`` when it did not."""
    found = re.search(pattern, said)
    if found is None:
        raise ValueError(f"no {pattern} in: {said[-400:]}")
    return found[1]


def routes(folder: Path, quick: bool) -> list[Measured]:
    """1"""
    import routes as proof

    return [nought(one) for one in proof.figures()]


def forged(folder: Path, quick: bool) -> list[Measured]:
    """2"""
    import forged as proof

    found = proof.run(2000 if quick else 100_000, folder)
    return [nought(len(found.accepted), f" of {found.flips:,} flips and {found.attacks} named attacks")]


def by_openssl(folder: Path, quick: bool) -> list[Measured]:
    """3"""
    import openssl as proof

    return [all_of(*proof.measure(folder, *((2, 3) if quick else (10, 30))))]


def tampering(folder: Path, quick: bool) -> list[Measured]:
    """4"""
    import tampering as proof

    return [all_of(*proof.measure(60 if quick else 1000))]


def identity(folder: Path, quick: bool) -> Any:
    """5 to 8"""
    import identity as proof

    return proof.run(folder, 100 if quick else 1000)


def replays(found: Any) -> list[Measured]:
    """5"""
    return [nought(found.new_rows, f" of {found.replays:,}"), nought(found.wrong_answers, f" of {found.replays:,}")]


def one_key_twice(found: Any) -> list[Measured]:
    """6"""
    return [at_most(2, found.reports_until_conflict, digits=0)]


def tokens(found: Any) -> list[Measured]:
    """7"""
    return [
        Measured(f"{found.winners}", found.winners == 1),
        Measured(f"{found.after_expiry}; {found.after_revocation}", not found.after_expiry + found.after_revocation),
    ]


def word_and_deed(found: Any) -> list[Measured]:
    """8"""
    return [at_most(5, found.first_report_seconds, " s"), at_most(1, found.refused_seconds, " s")]


def executed(folder: Path, quick: bool) -> list[Measured]:
    """9"""
    import audit_hook as proof

    said, requests = proof.events(5.0 if quick else 60.0)
    house, _ = program("-m", "pytest", "-q", "tests/test_house_rules.py", "-k", "runs_what_it_was_given")
    return [
        Measured("0" if house else "some", house),
        nought(sum(said["events"].values()), f" events in {requests:,} requests"),
    ]


def owners(folder: Path, quick: bool) -> list[Measured]:
    """10"""
    import unsafe_owners as proof

    return [all_of(*proof.figure())]


def bad_tls(folder: Path, quick: bool) -> list[Measured]:
    """11"""
    import bad_tls as proof

    trusted, tried = proof.trusted_and_tried()
    return [nought(trusted, f" of {tried}")]


def clocks(folder: Path, quick: bool) -> list[Measured]:
    """12"""
    import clock as proof

    return [nought(proof.lost(folder / "lost")), nought(proof.fresh(folder / "fresh"))]


def bad_input(folder: Path, quick: bool) -> list[Measured]:
    """13"""
    held = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(r"def test_(B[0-9B_]+)", path.read_text("utf-8")):
            held.update(re.findall(r"B[0-9]{2}", name))
    missing = [name for name in BAD_INPUT if name not in held]
    return [Measured(f"{len(BAD_INPUT) - len(missing)} of {len(BAD_INPUT)} {' '.join(missing)}".strip(), not missing)]


def schema(folder: Path, quick: bool) -> list[Measured]:
    """14"""
    good, said = program("tests/torture/schemathesis_run.py", "20" if quick else "900")
    asked = Measured(part(said, r"(?m)^([0-9]+ requests .*)$"), good)
    import importlib.util

    if importlib.util.find_spec("atheris") is None:
        return [asked, Measured("not run: atheris is not installed here", False)]
    good, said = program("tests/torture/fuzz_door.py", "all", "--seconds", "5" if quick else "120")
    return [asked, Measured(said.strip().splitlines()[-1], good)]


def hostile_memory(folder: Path, quick: bool) -> list[Measured]:
    """15"""
    import hostile_memory as proof

    return [at_most(20, proof.megabytes(), " MB", 1)]


def injections(folder: Path, quick: bool) -> list[Measured]:
    """16"""
    import injections as proof

    live, tried = proof.injections()
    return [nought(live, f" of {tried:,}")]


def patterns(folder: Path, quick: bool) -> list[Measured]:
    """17"""
    import patterns as proof

    found = proof.run(20 if quick else 200)
    return [Measured(f"{found.worst_ms:.0f} ms at most in {found.measured}", found.worst_ms <= 50)]


def hostile_clients(folder: Path, quick: bool) -> Any:
    """18 and 19"""
    import slow_clients as proof

    return proof.figures(0.1 if quick else 1.0)


def slow_clients(found: Any) -> list[Measured]:
    """18"""
    worst = max(found[f"{kind}_p99_ms"] for kind in ("slow_clients", "bodies_that_stall")) / found["idle_p99_ms"]
    return [at_most(2, worst, " x"), at_most(400, found["peak_rss_mb"], " MB", 0)]


def flood(found: Any) -> list[Measured]:
    """19"""
    return [at_most(2, found["flood_p99_ms"] / found["idle_p99_ms"], " x"), at_most(60, found["flood_lines"], digits=0)]


def kills(folder: Path, quick: bool) -> list[Measured]:
    """20"""
    import agent_kills
    import server_kills

    servers = server_kills.run(3 if quick else 200, folder / "servers")
    chosen = [("rename", 1), ("fsync", 2)] if quick else None
    agents = agent_kills.run(2 if quick else 200, folder / "agents", chosen)
    return [
        nought(servers.lost + servers.broken, f" of {servers.acknowledged:,} in {servers.kills} kills"),
        nought(agents.lost + agents.doubled, f" of {agents.signed:,} in {agents.kills} kills"),
    ]


def syncs(folder: Path, quick: bool) -> list[Measured]:
    """21"""
    import syncs as proof

    found = proof.run(50 if quick else 1000, folder)
    return [nought(found.without_sync, f" of {found.acknowledged:,} ({found.syncs:,} syncs)")]


def power(folder: Path, quick: bool) -> list[Measured]:
    """22"""
    import power_cuts as proof

    found = proof.run(20 if quick else 200, folder)
    said = f" in {found.cuts} cuts, {found.unusable} unusable, {found.dropped:,} writes lost with the power"
    return [Measured(f"{found.lost}{said}", not found.lost and not found.unusable)]


def cut_connections(folder: Path, quick: bool) -> list[Measured]:
    """23"""
    import cut_connections as proof

    found = proof.run(200 if quick else 10_000, folder)
    return [nought(found.doubled, f" of {found.reports:,}, {found.lost} lost, {sum(found.harmed.values()):,} cuts")]


def full_disk(folder: Path, quick: bool) -> list[Measured]:
    """24"""
    import disk_full as proof

    found = proof.run(folder)
    return [
        nought(found.lost),
        nought(found.corrupted),
        at_most(60, found.recovered, " s", 1),
        Measured("yes" if found.viewable else "no", found.viewable),
    ]


def migrations(folder: Path, quick: bool) -> list[Measured]:
    """25"""
    import migrations as proof
    from cluster import cluster

    with cluster() as server:
        found = proof.run(folder, server, 10 if quick else 1)
    return [nought(found.unusable, f" of {found.kills} kills")]


def backups(folder: Path, quick: bool) -> list[Measured]:
    """26"""
    import backup as proof

    found = proof.run(folder, *((20, 10) if quick else (200, 100)))
    return [
        at_most(2, found.ratio, " x idle"),
        all_of(found.restored, found.backups),
        Measured(found.mode, found.mode == "0600"),
    ]


def postgresql(folder: Path, quick: bool) -> list[Measured]:
    """27"""
    import postgresql as proof

    found = proof.away(1 if quick else 5, folder)
    return [nought(found.lost + found.broken, f" of {found.acknowledged:,}"), at_most(30, found.longest, " s", 1)]


def outage(folder: Path, quick: bool) -> list[Measured]:
    """28"""
    _, said = program("benchmarks/return_after_outage.py", "--agents", "100" if quick else "10000")
    lost, drained = int(part(said, r"lost +([0-9]+)")), float(part(said, r"drained after +([0-9]+) s"))
    page = float(part(said, r"p99 +([0-9.]+) ms"))
    return [nought(lost), at_most(30, drained / 60, " min", 1), at_most(2, page / 1000, " s")]


def arrivals(folder: Path, quick: bool) -> list[Measured]:
    """29"""
    import arrivals as proof

    return [at_most(1.5, max(proof.figure(seed) for seed in range(1 if quick else 5)))]


def sustained(folder: Path, quick: bool) -> list[Measured]:
    """30"""
    import sustained as proof

    found = proof.run(folder, 300, 5.0) if quick else proof.run(folder)
    return [Measured(str(found), found.met)]


def floors(folder: Path, quick: bool) -> list[Measured]:
    """31"""
    _, said = program("benchmarks/receiving.py", *(["--rounds", "1", "--reports", "128"] if quick else []))
    ratios = [float(part(said, rf"(?m)^{kind}, muster / bare +([0-9.]+)")) for kind in ("new", "unchanged")]
    return [Measured(f"{ratio:.2f}", ratio >= 0.5) for ratio in ratios]


def size(folder: Path, quick: bool) -> list[Measured]:
    """32"""
    words = ["--pcs", "200", "--days", "40"] if quick else ["--pcs", "2000", "--days", "365"]
    good, said = program("benchmarks/history.py", *words)
    return [Measured(part(said, r"(?m)^(.*unchanged.*)$").strip(), good)]


LINES = {
    1: Line(
        ("routes open to anyone beyond the 3 named", "readers' routes that a PC's credential opens"), ("0", "0"), routes
    ),
    2: Line(("forged or altered reports accepted",), ("0",), forged),
    3: Line(("stored reports verified by openssl alone",), ("100 %",), by_openssl),
    4: Line(("deletion, edit or reorder noticed",), ("100 % of 1,000",), tampering),
    5: Line(("replays: new rows", "replays: wrong answers"), ("0", "0"), identity, replays),
    6: Line(("one key on two PCs: reports until a conflict is shown",), ("<= 2",), identity, one_key_twice),
    7: Line(
        ("a token for one PC, 50 at once: winners", "after expiry; after revocation"), ("1", "0; 0"), identity, tokens
    ),
    8: Line(
        ("enrolment to first accepted report", "revocation to first refusal"),
        ("<= 5 s", "<= 1 s"),
        identity,
        word_and_deed,
    ),
    9: Line(("ways from the network to running code, in the code", "in a run"), ("0", "0"), executed),
    10: Line(("unsafe installations in which the agent does not start",), ("12 of 12",), owners),
    11: Line(("bad TLS servers trusted by the agent",), ("0 of 8",), bad_tls),
    12: Line(("clock -10 to +10 years: reports lost", "silent PCs that look fresh"), ("0", "0"), clocks),
    13: Line(("lines of the bad-input list with a test",), ("all",), bad_input),
    14: Line(("schemathesis: faults", "coverage-guided fuzzing"), ("0", "0"), schema),
    15: Line(("memory that one hostile request takes",), ("<= 20 MB",), hostile_memory),
    16: Line(("hostile texts alive in any output",), ("0",), injections),
    17: Line(("the slowest regular expression within the limits",), ("<= 50 ms",), patterns),
    18: Line(
        ("1,000 slow clients: p99 of good agents", "server's memory"),
        ("<= 2 x idle", "<= 400 MB"),
        hostile_clients,
        slow_clients,
    ),
    19: Line(
        ("1,000 bad credentials/s: p99 of good agents", "log lines"), ("<= 2 x idle", "<= 60"), hostile_clients, flood
    ),
    20: Line(("server killed: acknowledged reports lost", "agent killed: lost or doubled"), ("0", "0"), kills),
    21: Line(("202 with no sync since the report arrived",), ("0 of 1,000",), syncs),
    22: Line(("power cuts: acknowledged reports lost",), ("0 in 200",), power),
    23: Line(("cut connections: reports counted twice",), ("0 of 10,000",), cut_connections),
    24: Line(
        ("disk full: wrong acknowledgements", "corrupted files", "back to normal", "reports viewable"),
        ("0", "0", "<= 60 s", "yes"),
        full_disk,
    ),
    25: Line(("migration killed at each step: databases unusable",), ("0",), migrations),
    26: Line(
        ("backup under full load", "restored and verified", "file mode"), ("<= 2 x idle", "100 %", "0600"), backups
    ),
    27: Line(("PostgreSQL away and back: lost", "accepting again"), ("0", "<= 30 s"), postgresql),
    28: Line(
        ("10,000 agents back after 8 h: lost", "drained", "p99 of the report page"),
        ("0", "<= 30 min", "<= 2 s"),
        outage,
    ),
    29: Line(("peak to mean arrivals a minute, 3 h after a common restart",), ("<= 1.5",), arrivals),
    30: Line(
        ("sustained load with TLS and judging; a run of the agent",),
        (">= 200/s, p99 < 1 s, <= 400 MB; <= 60 MB, <= 5 s",),
        sustained,
    ),
    31: Line(("new full reports against a bare handler", "unchanged reports"), (">= 0.5", ">= 0.5"), floors),
    32: Line(("history: bytes an unchanged signed report",), ("<= 200",), size),
}


def together(number: int) -> list[int]:
    """The lines that are measured with this one."""
    return [other for other, line in LINES.items() if line.measure is LINES[number].measure]


def main() -> int:
    """Measure one line, and those that share its measurement."""
    number, quick = int(sys.argv[1]), "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        found = LINES[number].measure(Path(folder), quick)
    rows = []
    for each in together(number):
        line = LINES[each]
        figures = zip(line.names, line.targets, line.figures(found), strict=True)
        rows += [[each, name, target, one.figure, one.met] for name, target, one in figures]
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
