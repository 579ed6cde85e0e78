"""Hostile PCs: every recorded machine once more, its answers damaged, refused or swollen.

No collector raises, hangs, leaves the contract or says two things of the same answers. One that could not ask says so:
an answer that is refused takes facts away and never makes one. ``make fuzz`` looks deeper.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from damage import damaged, damaged_text, swollen
from hypothesis import given
from hypothesis import strategies as st
from recorded import (
    COLLECT,
    GROUPS,
    MANY,
    Question,
    answer_to,
    answering,
    breaches,
    collected,
    questions,
    recordings,
    thorough,
)

from muster_agent.facts import TABLES, Problem, Table
from muster_agent.limits import within_limits
from muster_agent.machine import CannotRead, Denied, Listing, NotFound, Output, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.sending.report import body_of
from muster_server.receive.body import decode

by_group = pytest.mark.parametrize(("table", "platform"), GROUPS, ids=["-".join(group) for group in GROUPS])
randoms = st.randoms(use_true_random=False, note_method_calls=False)


def test_every_table_that_has_recordings_is_tried() -> None:
    folders = {path.parent.parent.name for path in COLLECT.glob("*/*/recording.json")}
    assert {table for table, _ in GROUPS} == folders <= set(TABLES)


# -- damaged answers -------------------------------------------------------------------------------------------------


@by_group
@thorough(max_examples=1500 if MANY else 45)
@given(random=randoms)
def test_damaged_answers_give_a_table_of_the_contract(table: str, platform: str, random: Random) -> None:
    _, machine, question = random.choice(questions(table, platform))
    recording = machine
    others = [random.choice(questions(table, platform)) for _ in range(random.choice([0, 0, 0, 1, 3]))]
    for asked in [question, *(other for _, same, other in others if same is machine)]:
        recording = answering(recording, asked, damaged(random, asked, answer_to(recording, asked)))
    if not random.randrange(30):
        said = recording.uname
        recording = replace(recording, uname=Uname(said.system, "", damaged_text(random, said.release), said.machine))
    found = collected(recording, table)
    assert list(breaches(table, found)) == []
    body = body_of({table: within_limits(found)}, ())
    decode(body)
    assert body_of({table: within_limits(collected(recording, table))}, ()) == body


SAME = """
import hashlib, json, sys
sys.path[:0] = sys.argv[1:3]
from recorded import GROUPS, collected, recordings
from muster_agent.canonical import manifest
for table, platform in GROUPS:
    for name, recording in recordings(table, platform):
        described, _ = manifest({table: collected(recording, table)})
        print(table, name, hashlib.sha256(described).hexdigest())
"""


def test_the_same_answers_give_the_same_bytes_in_every_run() -> None:
    """Python gives its sets another order in every process."""
    here, agent = COLLECT.parent / "hostile", COLLECT.parents[2] / "agent"
    said = set()
    for seed in ("1", "2", "3"):
        argv = [sys.executable, "-c", SAME, str(here), str(agent)]
        run = subprocess.run(argv, env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, check=True)
        said.add(run.stdout)
    assert len(said) == 1


# -- refused answers -------------------------------------------------------------------------------------------------

# What makes a row the row of one thing; the tables that are not here have one row.
IDENTITY = {
    "antivirus": ("id", "name"),
    "updates": ("name", "arch", "kb"),
    "packages": ("name", "type", "arch", "version"),
    "patches": ("hotfix_id", "description", "version"),
    "listening_ports": ("protocol", "family", "address", "port"),
    "firewall": ("name", "profile"),
    "disk_encryption": ("name", "mount"),
    "users": ("username",),
    "services": ("name",),
    "interface_addresses": ("interface", "address"),
    "routes": ("destination", "netmask", "gateway", "interface"),
    "shared_resources": ("name", "protocol"),
    "remote_access": ("id",),
}
# A row that appears only because something could not be read may not be the first that looks like one of these.
GOOD = {"running": True, "realtime": True, "registered": True, "signatures_current": True, "enabled": True}
GOOD.update(inbound="block", encrypted=True, encryption_status="encrypted")
# What may be another value, and is true all the same.
ANOTHER = {
    ("updates", "available"): "of the lists that could be read; a note says that one could not",
    ("updates", "origin"): "who offers that",
    ("antivirus", "version"): "as the product tells it, where the package would have told more",
    ("services", "path"): "with the variable in it that could not be replaced; a note says so",
    ("settings", "log_oldest"): "reaches back at least to: later is true as well",
    ("settings", "screen_lock_timeout"): "at the latest, by the limit for every user",
    ("update_status", "reboot_reason"): "one of several",
}
SILENT = ("basis",)  # says what the row rests on: less, when less could be read


def by_identity(name: str, table: Table) -> dict[tuple[Any, ...], Any]:
    """The rows of a table by what they are of."""
    return {tuple(getattr(row, column) for column in IDENTITY.get(name, ())): row for row in table.rows or ()}


def known(row: Any, column: str) -> Any:
    """The value of a column, None where it is not known."""
    value = getattr(row, column)
    return None if (column, value) == ("encryption_status", "undefined") else value


def lies(name: str, told: Table, now: Table) -> Iterator[str]:
    """What ``now``, when something could not be read, says that ``told`` did not, or no longer says in silence."""
    noted = {note.column for note in now.notes} | ({None} if now.problem is not None else set())
    said = now.problem not in (None, told.problem) or not set(now.notes) <= set(told.notes)
    before, after = by_identity(name, told), by_identity(name, now)
    for key in before.keys() - after.keys():
        if not said:
            yield f"{key} is gone and nothing says so"
    for key, row in after.items():
        for column in (f.name for f in fields(row) if f.name not in SILENT):
            value = known(row, column)
            if key not in before:
                good = column in GOOD and value == GOOD[column]
                if not said or (good and all(known(other, column) != value for other in before.values())):
                    yield f"{key} is new: {column}={value}"
                continue
            former = known(before[key], column)
            if value is None and former is not None and not said and not noted & {column, None}:
                yield f"{key}: {column} is gone and nothing says so"
            elif value is not None and value != former and (former is None or (name, column) not in ANOTHER):
                yield f"{key}: {column} was {former} and is {value}"


def refusals(question: Question, answer: Any) -> list[Any]:
    """The ways in which an answer does not come. Where nothing was found, Denied would say that something is there."""
    key = question[1]
    detail = key[0] if isinstance(key, tuple) else key or question[0]
    found: list[Any] = [CannotRead("timed_out", detail), CannotRead("system_error", detail)]
    if not isinstance(answer, NotFound):
        found.append(Denied(detail))
    if isinstance(answer, Output) and answer.status == 0:  # what it printed may be a part only
        found += [Output(1, answer.stdout, b"no"), Output(-9, answer.stdout[: len(answer.stdout) // 2], b"")]
    if isinstance(answer, Listing) and question[0] == "processes":
        found.append(Listing(answer.rows[::2], False, Problem("denied", "processes_hidden")))
        found.append(Listing(answer.rows[1::2], False, Problem("denied", "processes_hidden")))
    return found


def without(recording: Recording, table: str) -> Table:
    """What comes of the answers that are left; a question that nobody asked when they were recorded is refused too."""
    return collected(RecordedMachine(recording, forgiving=True), table)


@by_group
def test_a_refused_answer_makes_no_fact_and_no_silence(table: str, platform: str) -> None:
    """Every question of every machine, one at a time."""
    tables = {name: collected(recording, table) for name, recording in recordings(table, platform)}
    for number, (name, recording, question) in enumerate(questions(table, platform)):
        told = tables[name]
        ways = refusals(question, answer_to(recording, question))
        for way in ways[number % 3 :: 3] if MANY else [ways[number % len(ways)]]:
            now = without(answering(recording, question, way), table)
            assert list(lies(table, told, now)) == [], f"{name}: {question} {way}"


@by_group
@thorough(max_examples=1000 if MANY else 20)
@given(random=randoms)
def test_several_refused_answers_make_no_fact_either(table: str, platform: str, random: Random) -> None:
    name, recording, _ = random.choice(questions(table, platform))
    told, refused = collected(recording, table), recording
    asked = sorted(recording.questions(), key=str)
    for question in random.sample(asked, min(len(asked), random.choice([2, 3, 10]))):
        ways = refusals(question, answer_to(recording, question))
        refused = answering(refused, question, random.choice(ways))
    assert list(lies(table, told, without(refused, table))) == [], name


class Refusing(RecordedMachine):
    """A PC that answers nothing but its name."""

    def __init__(self, recording: Recording, error: type[CannotRead] | str) -> None:
        super().__init__(recording)
        self._error = error

    def _answer(self, question: str, key: Any) -> Any:
        detail = key[0] if isinstance(key, tuple) else key or question
        raise CannotRead(self._error, detail) if isinstance(self._error, str) else self._error(detail)


NAMES = {
    "linux": ("Linux", "6.1.0-37-amd64", "x86_64"),
    "windows": ("Windows", "10", "AMD64"),
    "darwin": ("Darwin", "23", "arm64"),
}
NAMES_OF_FACTS = ("text", "version")  # kinds of columns that may name a thing; the others state a fact


@pytest.mark.parametrize("privileged", [True, False])
@pytest.mark.parametrize("error", [Denied, NotFound, "timed_out"])
@by_group
def test_a_pc_that_answers_nothing_has_no_facts(table: str, platform: str, error: Any, privileged: bool) -> None:
    system, release, machine = NAMES[platform]
    refusing = Refusing(Recording(platform, Uname(system, "pc", release, machine), privileged), error)
    found = collected(refusing, table)
    assert list(breaches(table, found)) == []
    if error is NotFound:  # that is an answer
        return
    assert found.notes or found.problem
    for row in found.rows or ():
        stated = [
            f.name for f in fields(row) if f.metadata["kind"] not in NAMES_OF_FACTS and known(row, f.name) is not None
        ]
        assert stated == [], row


# -- swollen answers -------------------------------------------------------------------------------------------------

# Bytes, and seconds of the processor: several times what they take on an idle PC, for a busy one counts them longer.
SIZE, PATIENCE = (1_000_000, 5.0) if MANY else (100_000, 1.0)


@by_group
def test_a_swollen_answer_takes_little_time(table: str, platform: str) -> None:
    """Every file and every program's output once, however many machines of the table have it."""
    seen = set()
    for number, (name, recording, question) in enumerate(questions(table, platform)):
        kind, key = question
        answer = answer_to(recording, question)
        once = (kind, re.sub("[0-9]+", "0", str(key)))
        if kind not in ("files", "starts", "programs") or isinstance(answer, CannotRead) or once in seen:
            continue
        seen.add(once)
        ways = swollen(answer.stdout if isinstance(answer, Output) else answer, SIZE)
        for way in ways[number % 3 :: 3] if MANY else [ways[(number + step) % len(ways)] for step in (0, 13)]:
            large = answering(recording, question, Output(0, way, b"") if kind == "programs" else way)
            begun = time.process_time()
            collected(large, table)
            assert time.process_time() - begun < PATIENCE, f"{name}: {question} {way[:60]!r}"
