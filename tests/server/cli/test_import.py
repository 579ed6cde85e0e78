"""Reports by stick: muster-agent export, muster import, muster-agent receipts, and what a bad stick can do."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_agent.cli import main as agent_main
from muster_agent.facts import Boot, OsVersion, SystemInfo, Table
from muster_agent.sending import stick
from muster_agent.sending.envelope import FIRST
from muster_agent.sending.home import Home, State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_server.deployment import Deployment
from muster_server.store import audit

Agent = Callable[..., tuple[int, str, str]]
ADDRESS = "https://muster.example:8470"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Agent:
    """The command muster-agent of a PC without a network, whose facts are given."""
    facts: dict[str, Table] = {
        "os_version": Table((OsVersion(name="Debian", platform="debian", major=12),)),
        "system_info": Table((SystemInfo(hostname="pc"),)),
        "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
    }
    monkeypatch.setattr("muster_agent.commands.export.collect", lambda machine: facts)

    def run(*words: str | Path, home: str = "home") -> tuple[int, str, str]:
        capsys.readouterr()
        code = agent_main(["--lang", "en", *map(str, words), "--home", str(tmp_path / home)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def muster(in_process: Any, data: Path) -> Any:
    """The command muster on a new deployment."""
    assert in_process("--data", data, "init").code == 0
    return lambda *words: in_process("--data", data, *words)


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    """A stick."""
    (tmp_path / "usb").mkdir()
    return tmp_path / "usb"


def token(muster: Any, tmp_path: Path, name: str = "token") -> Path:
    """A file with a token."""
    done = muster("token", "--unit", "IT", "--output", tmp_path / name)
    assert done.code == 0, done.err
    return tmp_path / name


@pytest.fixture
def enrolled(muster: Any, agent: Agent, usb: Path, tmp_path: Path) -> Home:
    """A PC that was enrolled by stick."""
    request = usb / "pc.enrol"
    assert agent("enrol", ADDRESS, "--to", request, "--token-file", token(muster, tmp_path))[0] == 0
    assert muster("import", request).code == 0
    assert agent("enrol", "--answer", usb / "pc.enrol.answer")[0] == 0
    return Home(str(tmp_path / "home"))


def entries(data: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """The audit log: act, subject, detail."""
    database = Deployment(data).database()
    try:
        with database.read() as connection:
            return [(one.entry.act, one.entry.subject, one.entry.detail) for one in audit.entries(connection)]
    finally:
        database.close()


def asked(data: Path, sql: str) -> list[Any]:
    """Rows of the database."""
    database = Deployment(data).database()
    try:
        with database.read() as connection:
            return list(connection.exec_driver_sql(sql))
    finally:
        database.close()


def test_a_pc_without_a_network_enrols_reports_and_is_told(
    muster: Any, agent: Agent, enrolled: Home, usb: Path, data: Path
) -> None:
    for count in (1, 2):
        code, said, _ = agent("export", usb / f"{count}.reports")
        assert code == 0 and f"wrote {count} report(s)" in said
    assert stat.S_IMODE((usb / "2.reports").stat().st_mode) == 0o600
    assert (usb / "2.reports").read_bytes().startswith(f"MUSTER-BUNDLE/1 {enrolled.enrolment().agent} 2\n".encode())  # type: ignore[union-attr]
    done = muster("import", usb / "1.reports", usb / "2.reports", "--receipts", usb)
    assert done.code == 0, done.err
    assert "1.reports: 1 report(s), 1 taken in" in done.out
    assert "2.reports: 2 report(s), 1 taken in, 1 seen before" in done.out
    assert asked(data, "SELECT seq FROM reports ORDER BY position") == [(1,), (2,)]
    assert asked(data, "SELECT conflict_at, skew FROM agents") == [(None, None)]

    assert len(list(enrolled.spool.iterdir())) == 2, "until the receipts are here they wait"
    receipts = sorted(usb.glob("*.receipts"))
    code, said, _ = agent("receipts", *receipts)
    assert code == 0 and "acknowledged" in said
    assert list(enrolled.spool.iterdir()) == []
    assert enrolled.state().seq == 2
    assert "number 2" in agent("status")[1]

    code, said, _ = agent("export", usb / "3.reports")
    assert code == 0 and muster("import", usb / "3.reports").code == 0
    assert asked(data, "SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]
    imports = [detail for act, _, detail in entries(data) if act == "reports.import"]
    assert imports == [
        {"file": "1.reports", "accepted": 1},
        {"file": "2.reports", "accepted": 1, "duplicate": 1},
        {"file": "3.reports", "accepted": 1},
    ]
    assert [act for act, _, _ in entries(data)].count("agents.import") == 1
    assert muster("audit", "verify").code == 0


def test_an_export_replaces_no_file_and_nothing_waits_is_said(agent: Agent, enrolled: Home, usb: Path) -> None:
    assert agent("export", usb, "--no-collect")[0] == 3
    assert agent("export", usb / "x.reports")[0] == 0
    before = (usb / "x.reports").read_bytes()
    code, _, said = agent("export", usb / "x.reports")
    assert code == 2 and "exists" in said and (usb / "x.reports").read_bytes() == before
    assert len(list(enrolled.spool.iterdir())) == 1, "what is refused collects nothing"
    assert agent("export", usb / "x.reports", "--force", "--no-collect")[0] == 0
    assert agent("export", usb / "no" / "x")[0] == 2
    code, said, _ = agent("export", usb)
    assert code == 0 and len(list(usb.glob(f"muster-{enrolled.enrolment().agent[:8]}-*.reports"))) == 1  # type: ignore[union-attr]


def test_B70_an_export_onto_a_link_replaces_the_link(agent: Agent, enrolled: Home, usb: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (usb / "x.reports").symlink_to(victim)
    assert agent("export", usb / "x.reports")[0] == 2
    assert agent("export", usb / "x.reports", "--force")[0] == 0
    assert victim.read_text() == "untouched" and not (usb / "x.reports").is_symlink()


def test_a_request_to_enrol_is_answered_once_and_again(
    muster: Any, agent: Agent, usb: Path, tmp_path: Path, data: Path
) -> None:
    request = usb / "pc.enrol"
    assert agent("enrol", ADDRESS, "--to", request, "--token-file", token(muster, tmp_path))[0] == 0
    for _ in range(2):  # the first answer was lost
        assert muster("import", request).code == 0
    assert asked(data, "SELECT count(*) FROM agents") == [(1,)]
    assert stat.S_IMODE((usb / "pc.enrol.answer").stat().st_mode) == 0o600
    code, _, said = agent("enrol", "--answer", usb / "pc.enrol.answer", home="other")
    assert code == 2 and "no request" in said, "an answer is for the PC that asked"
    assert (
        agent("enrol", ADDRESS, "--to", usb / "other.enrol", "--token-file", tmp_path / "token", home="other")[0] == 0
    )
    code, said, _ = agent("enrol", "--answer", usb / "pc.enrol.answer", home="other")
    assert code == 5 and "another PC" in said
    done = muster("import", usb / "other.enrol")
    assert done.code == 5 and "token" in done.err, "its token is used up"
    assert agent("enrol", "--answer", usb / "pc.enrol.answer")[0] == 0


def test_a_forged_answer_and_forged_receipts_are_not_believed(
    muster: Any, agent: Agent, usb: Path, tmp_path: Path, enrolled: Home
) -> None:
    assert agent("export", usb / "x.reports")[0] == 0
    assert muster("import", usb / "x.reports", "--receipts", usb).code == 0
    [real] = usb.glob("*.receipts")
    head, line = real.read_bytes().splitlines()
    forger = SigningKey.generate()
    data = base64.b64decode(json.loads(line)["data"])
    forged = stick.Signed(data, forger.sign(data)).to_json()
    agent_id = enrolled.enrolment().agent  # type: ignore[union-attr]
    for content in (
        head + b"\n" + forged + b"\n",
        head.replace(agent_id.encode(), b"0" * 8 + agent_id[8:].encode()) + b"\n" + line + b"\n",
        head + b"\n",
        head + b"\n{}\n",
        b"\xff\xfe",
        b"",
    ):
        (usb / "bad.receipts").write_bytes(content)
        code, _, said = agent("receipts", usb / "bad.receipts")
        assert code == 5 and said.count("\n") == 1, said
        assert len(list(enrolled.spool.iterdir())) == 1
    assert agent("receipts", usb / "bad.receipts", real)[0] == 3, "a bad file does not keep a good one out"
    assert list(enrolled.spool.iterdir()) == []


def bundle(agent: str, key: SigningKey, *majors: int) -> list[bytes]:
    """The lines of a file of reports."""
    last, lines = State(0, FIRST, []), []
    for major in majors:
        tables = {"os_version": Table((OsVersion(name="Debian", platform="debian", major=major),))}
        seq, signed = sign(tables, agent, key, last, "2026-11-24T08:00:00Z")
        from muster_agent.sending.envelope import Envelope

        last = State(seq, Envelope.parse(signed.envelope).digest, [])
        lines.append(signed.to_json())
    return [f"MUSTER-BUNDLE/1 {agent} {len(lines)}".encode(), *lines]


def test_B37_a_hostile_stick_is_named_and_the_rest_goes_on(
    muster: Any, agent: Agent, usb: Path, tmp_path: Path, enrolled: Home, data: Path
) -> None:
    me = enrolled.enrolment()
    assert me is not None
    key = SigningKey.load(str(enrolled.key))
    good = bundle(me.agent, key, 1, 2, 3)
    outside = tmp_path / "outside"
    outside.write_bytes(b"\n".join(good) + b"\n")
    (usb / "link").symlink_to(outside)
    os.mkfifo(usb / "fifo")
    (usb / "folder").mkdir()
    os.link(outside, usb / "\x1b[2Jgood")
    files = {
        "empty": b"",
        "binary": bytes(range(256)) * 100,
        "newer": b"MUSTER-BUNDLE/2 " + good[0].split()[1] + b" 1\n{}\n",
        "path": b"MUSTER-BUNDLE/1 ../../../etc/passwd 1\n{}\n",
        "receipts": b"MUSTER-RECEIPTS/1 " + good[0].split()[1] + b" 0\n",
        "endless": b"MUSTER-BUNDLE/1 " + good[0].split()[1] + b" 1\n" + b"x" * (stick.LINE_LIMIT + 10),
    }
    for name, content in files.items():
        (usb / name).write_bytes(content)
    names = ["link", "fifo", "folder", "missing", *files]
    done = muster("import", *(usb / name for name in names), usb / "\x1b[2Jgood", "--receipts", usb)
    assert done.code == 3
    assert "Traceback" not in done.err and "\x1b" not in done.out + done.err
    for name in names:
        assert f"{usb / name}: not taken in" in done.err, name
    assert "3 report(s), 3 taken in" in done.out
    assert asked(data, "SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]
    made = {path.name for path in usb.iterdir()} - set(names) - {"\x1b[2Jgood", "pc.enrol", "pc.enrol.answer"}
    assert len(made) == 1 and next(iter(made)).startswith(f"muster-{me.agent[:8]}-")
    assert muster("import", usb / "empty").code == 5
    assert muster("import").code == 2
    assert muster("import", usb / "good", "--receipts", usb / "nowhere").code == 2


def test_what_is_on_a_stick_passes_the_same_door(muster: Any, usb: Path, enrolled: Home, data: Path) -> None:
    me = enrolled.enrolment()
    assert me is not None
    key, stranger = SigningKey.load(str(enrolled.key)), SigningKey.generate()
    head, one, two, three = bundle(me.agent, key, 1, 2, 3)
    forged = bundle(me.agent, stranger, 9)[1]
    _, _, other_two = bundle(me.agent, key, 1, 7)
    tampered = json.loads(two)
    tampered["body"] = base64.b64encode(base64.b64decode(tampered["body"])[:-1]).decode()
    lines = [
        head.rsplit(b" ", 1)[0] + b" 8",
        one,
        forged,
        json.dumps(tampered).encode(),
        b"{}",
        b"no json",
        two,
        other_two,
    ]
    (usb / "mixed").write_bytes(b"\n".join([*lines, three]) + b"\n")
    done = muster("import", usb / "mixed", "--receipts", usb)
    assert done.code == 3
    assert "3 taken in, 1 in conflict" in done.out and "4 refused" in done.out
    for code in ("not_a_report: 2", "unauthorised: 1", "bad_body: 1"):
        assert f"refused as {code}" in done.out
    assert asked(data, "SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]
    assert asked(data, "SELECT count(*) FROM conflicts") == [(1,)]
    (usb / "cut").write_bytes(b"\n".join([head, one, two])[:-40])
    done = muster("import", usb / "cut")
    assert done.code == 3 and "ends too early" in done.err and "1 seen before" in done.out


def test_a_stick_is_taken_in_while_the_server_runs(
    muster: Any, agent: Agent, usb: Path, enrolled: Home, data: Path
) -> None:
    """Both write to one SQLite file: each waits for the other's lock."""
    database = Deployment(data).database()
    try:
        assert agent("export", usb / "x.reports")[0] == 0
        with database.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM reports").all()
            assert muster("import", usb / "x.reports").code == 0
        with database.write() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM reports").scalar() == 1
    finally:
        database.close()
