"""A PC that says the worst things a text can say."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from muster_agent.facts import Antivirus, OsVersion, Problem, Table
from muster_server.judge.verdict import Result
from muster_server.render.inert import inert
from muster_server.tally import Tally

VIEWS = ("office", "pc", "rule")


def hostile(offices: Any) -> Tally:
    """Every text that comes from a PC is hostile: names, versions, evidence, details of problems."""
    evil = "\x1b]0;x\x07\u202e[/b]{0}\r\n%s\ud83d"
    tables = {
        "os_version": Table((OsVersion(name=evil, version=evil),)),
        "antivirus": Table((Antivirus(name=evil),), notes=(Problem("error", evil, evil, evil),)),
        evil: Table(None, Problem("denied", evil, evil)),
    }
    rules = [
        offices.rule("AV-001", evidence=("name", "signatures_date", evil)),
        offices.rule("PA-001"),
    ]
    pcs = []
    for n, name in enumerate(offices.hostile):
        row = {"name": evil, "signatures_date": "9999-12-31T23:59:59Z", evil: [evil, None, True]}
        verdicts = [
            offices.verdict("AV-001", Result.FAIL, evidence=[row] * 3, total=9),
            offices.verdict("PA-001", Result.ERROR, args={"table": evil, "problem": evil, "detail": evil}),
        ]
        finding = offices.finding(str(n), "AV-001", offices.now)
        pcs.append(offices.judged(str(n), verdicts, [finding], name=name, unit=evil + str(n), tables=tables))
    return offices.tally(pcs, rules, responsible={evil + "0": evil})


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [59, 80, 200])
@pytest.mark.parametrize("view", VIEWS)
def test_everything_a_pc_says_is_inert_and_visible(
    offices: Any, draw: Callable[..., list[str]], view: str, width: int, lang: str
) -> None:
    tally = hostile(offices)
    lines = draw(view, tally, width, lang, everything=True)
    assert not [line for line in lines if not line.isprintable()]
    printed = "".join("".join(lines).split())
    shown = [tally.pcs[0]] if view == "pc" else tally.pcs
    assert not [pc.pc.name for pc in shown if "".join(inert(pc.pc.name).split()) not in printed]
    assert "\\x1b]0;x" in printed


@pytest.mark.parametrize("view", VIEWS)
def test_the_only_escapes_are_our_own_colours(offices: Any, draw: Callable[..., list[str]], view: str) -> None:
    import re

    lines = draw(view, hostile(offices), 120, "zh", colour=True)
    escapes = set(re.findall(r"\x1b(.{0,6})", "".join(lines)))
    assert escapes
    assert {re.match(r"\[[0-9;]*m", one) is not None for one in escapes} == {True}
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert bare == draw(view, hostile(offices), 120, "zh", colour=False)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "ascii", "cp437", "utf-8"])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("view", VIEWS)
def test_any_console_costs_characters_and_never_the_run(
    offices: Any, draw: Callable[..., list[str]], view: str, lang: str, encoding: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    stream.write("\n".join(draw(view, hostile(offices), 80, lang)))
    stream.flush()


@pytest.mark.parametrize("view", VIEWS)
def test_gbk_says_everything_of_an_honest_office_in_chinese_and_ascii_in_english(
    offices: Any, draw: Callable[..., list[str]], view: str
) -> None:
    tally = offices.bureau()
    "\n".join(draw(view, tally, 80, "zh")).encode("gbk")
    plain = replace(tally, office=replace(tally.office, responsible={}))
    text = "\n".join(draw(view, plain, 80, "en"))
    own = {character for character in text if not character.isascii()}
    given = set("".join(pc.pc.name + pc.pc.unit + (pc.responsible or "") for pc in tally.pcs))
    assert own <= given


def test_the_next_command_never_carries_a_hostile_name_into_a_shell(
    offices: Any, draw: Callable[..., list[str]]
) -> None:
    for name in (*offices.hostile, "-x", "a b", "`id`"):
        tally = offices.named([name])
        command = draw("rule", tally, 80, "en")[-1]
        assert command == f"Next: muster report --pc {tally.pcs[0].pc.id}" or name == "P" * 200
    assert draw("rule", offices.named(["PC-1"]), 80, "en")[-1] == "Next: muster report --pc PC-1"
