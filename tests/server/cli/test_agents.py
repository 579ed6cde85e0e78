"""muster agents as a person types it: what is shown, what is done, and what is said when it cannot be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muster_agent.text import cells
from muster_server.deployment import Deployment
from muster_server.store import agents
from muster_server.store.agents import Request
from muster_server.store.tokens import token_hash
from muster_server.words import Words

ALIKE = {"uuid": "4c4c4544-0042-3510-8052-b4c04f443332", "serial": "B5RD432"}


class Desk:
    """An administrator's desk: a deployment, and the command muster."""

    def __init__(self, data: Path, run: Callable[..., Any]) -> None:
        self.data = data
        self._run = run

    def __call__(self, *words: str | Path, code: int = 0) -> Any:
        """Type a command; it must end with ``code``, and a failure in one clear line with at most one of advice."""
        done = self._run("--data", self.data, *words)
        assert done.code == code, (done.out, done.err)
        assert "Traceback" not in done.err
        if code:
            assert done.err.startswith("muster: ") and len(done.err.splitlines()) <= 2, done.err
        return done

    def pc(self, name: str, *terms: str, **hardware: str) -> str:
        """An enrolled PC; its id."""
        token = self("token", *(terms or ("--unit", "IT"))).out.strip()
        key = hashlib.sha256(f"{name}{len(self.rows())}".encode()).digest()
        asked = Request(key, token_hash(token), name, hardware.get("uuid"), hardware.get("serial"), b"{}", b"s")
        database = Deployment(self.data).database()
        with database.write() as connection:
            made = agents.enrol(connection, asked, datetime.now(UTC))
        database.close()
        assert made is not None
        return made.id

    def mark(self, agent: str, **values: Any) -> None:
        """Set columns of a PC, as the door does."""
        database = Deployment(self.data).database()
        with database.write() as connection:
            agents.change(connection, agent, **values)
        database.close()

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The list as JSON."""
        found: list[dict[str, Any]] = json.loads(self("agents", "list", "--json", *words).out)["agents"]
        return found

    def credential(self, name: str, role: str, *more: str) -> Path:
        """A file with the credential of a new reader."""
        path = self.data.parent / name
        self("access", "add", name, "--role", role, *more, "--output", path)
        return path


@pytest.fixture
def desk(data: Path, in_process: Callable[..., Any]) -> Desk:
    """A desk without PCs."""
    Deployment.create(data, "Bureau", Words("en"))
    return Desk(data, in_process)


def test_the_list_shows_who_stands_how(desk: Desk) -> None:
    assert "no such PC" in desk("agents", "list").out
    one = desk.pc("PC-1")
    desk.pc("PC-2", "--unit", "Accounts", "--needs-approval")
    three = desk.pc("PC-3")
    desk("agents", "revoke", "PC-3", "--reason", "scrapped")
    said = desk("agents", "list").out
    assert one[:8] in said and "awaits approval" in said and "2 PC(s)" in said
    assert three[:8] not in said and "1 more" in said
    assert three[:8] in desk("agents", "list", "--state", "revoked").out
    assert [row["name"] for row in desk.rows("--unit", "Accounts")] == ["PC-2"]
    assert {row["name"]: row["state"] for row in desk.rows()} == {
        "PC-1": "active",
        "PC-2": "awaiting",
        "PC-3": "revoked",
    }


def test_one_pc_is_shown_with_its_keys(desk: Desk) -> None:
    one = desk.pc("PC-1", serial="B5RD432")
    desk.pc("PC-1", "--for", one)  # its disk was made anew
    said = desk("agents", "show", "pc-1").out
    assert "B5RD432" not in said, "the disk that was made anew said nothing of its hardware"
    assert one in said and said.count("token ") == 2 and "holds" in said
    plain = json.loads(desk("agents", "show", one[:6], "--json").out)
    assert [key["until"] is None for key in plain["keys"]] == [False, True]
    desk("agents", "show", "PC-9", code=5)


def test_revoke_and_restore(desk: Desk) -> None:
    desk.pc("PC-1")
    assert "effective on its next request" in desk("agents", "revoke", "PC-1", "--reason", "scrapped").out
    assert "revoked already" in desk("agents", "revoke", "PC-1", "--reason", "x", code=5).err
    assert "scrapped" in desk("agents", "show", "PC-1").out
    assert "restored" in desk("agents", "restore", "PC-1").out
    desk("agents", "revoke", "PC-1", "--reason", " ", code=2)
    assert "--reason" in desk._run("--data", desk.data, "agents", "revoke", "PC-1").err


def test_a_name_that_several_bear_is_offered_by_id(desk: Desk) -> None:
    ids = {desk.pc("PC-1"), desk.pc("PC-1")}
    error = desk("agents", "move", "PC-1", "--unit", "x", code=5).err
    assert all(one in error for one in ids)


def test_approve_one_and_all_of_a_token(desk: Desk) -> None:
    desk.pc("PC-1", "--unit", "IT", "--needs-approval")
    assert "1 PC(s) await approval" in desk("report").out
    assert json.loads(desk("report", "--json").out)["totals"]["awaiting"] == 1
    token = json.loads(desk("token", "list", "--all", "--json").out)["tokens"][0]["id"]
    assert "1 PC(s) approved" in desk("agents", "approve", "--token", token).out
    assert "await" not in desk("report").out
    desk("agents", "approve", "PC-1", code=5)
    desk("agents", "approve", code=2)


def test_replace_rekey_and_move(desk: Desk) -> None:
    desk.pc("old")
    desk.pc("new")
    assert "in the place of old" in desk("agents", "replace", "old", "new").out
    assert "replaced" in desk("agents", "list", "--state", "replaced").out
    assert "1 PC(s) are asked" in desk("agents", "rekey", "--all").out
    desk("agents", "rekey", code=2)
    desk("agents", "rekey", "new", "--all", code=2)
    assert "Accounts" in desk("agents", "move", "new", "--unit", "Accounts").out


def test_conflicts_and_look_alikes_are_shown_until_somebody_settles_them(desk: Desk) -> None:
    assert "No key" in desk("agents", "conflicts").out
    one = desk.pc("PC-1", **ALIKE)
    desk.pc("PC-2", "--unit", "Accounts", **ALIKE)
    desk.mark(one, conflict_at=datetime.now(UTC))
    said = desk("agents", "conflicts").out
    assert "key of 1 PC(s)" in said and "2 PCs may be duplicates" in said
    assert "2 PCs may be duplicates: muster agents conflicts" in desk("report").out
    plain = json.loads(desk("agents", "conflicts", "--json").out)
    assert [len(plain["conflicts"]), len(plain["possible_duplicates"][0]["agents"])] == [1, 2]
    desk("agents", "conflicts", "resolve", "PC-1", "--how", "two machines")
    assert "No key" in desk("agents", "conflicts").out
    assert "duplicates" not in desk("report").out
    desk("agents", "conflicts", "resolve", "PC-1", "--how", "again", code=5)
    desk("agents", "conflicts", "--json", "resolve", "PC-1", "--how", "x", code=2)


def test_B33_B34_a_name_cannot_steer_the_terminal(desk: Desk) -> None:
    one = desk.pc("\x1b[2J[/foo]\u202e", uuid=ALIKE["uuid"], serial="B5RD432")
    desk.pc("\x1b[2J[/foo]\u202e", **ALIKE)
    outputs = [
        desk("agents", *words).out
        for words in (("list",), ("show", one), ("conflicts",), ("move", one, "--unit", "x"), ("list", "--json"))
    ]
    outputs.append(desk("agents", "revoke", "\x1b[2J[/foo]\u202e", "--reason", "x", code=5).err)
    outputs.append(desk("audit", "show").out)
    for said in outputs:
        assert "\x1b" not in said and "\u202e" not in said
    assert "[/foo]" in outputs[0]


# -- roles -----------------------------------------------------------------------------------------------------------


def test_a_viewer_sees_the_unit_and_nothing_else(desk: Desk) -> None:
    one, other = desk.pc("PC-1", "--unit", "IT", **ALIKE), desk.pc("PC-2", "--unit", "Accounts", **ALIKE)
    viewer = desk.credential("ann", "viewer", "--unit", "IT")
    assert [row["name"] for row in desk.rows("--access", str(viewer))] == ["PC-1"]
    assert desk("agents", "show", one, "--access", viewer).out
    hidden = desk("agents", "show", other, "--access", viewer, code=5).err
    assert hidden == desk("agents", "show", "PC-9", "--access", viewer, code=5).err.replace("PC-9", other)
    assert "PC-2" not in desk("agents", "conflicts", "--access", viewer).out
    for words in (("audit", "show"), ("audit", "verify"), ("token", "list"), ("access", "list")):
        assert "ann is a viewer" in desk(*words, "--access", viewer, code=5).err, words


def test_a_viewer_who_guesses_at_ids_learns_nothing_of_other_units(desk: Desk) -> None:
    others = [desk.pc(f"PC-{n}", "--unit", "Accounts") for n in range(40)]
    viewer = desk.credential("ann", "viewer", "--unit", "IT")
    for digit in "0123456789abcdef":
        said = desk("agents", "show", digit, "--access", viewer, code=5).err
        assert not any(one in said for one in others), said


def test_an_id_is_never_taken_for_the_name_another_pc_gave_itself(desk: Desk) -> None:
    victim = desk.pc("PC-1")
    desk.pc(victim), desk.pc(victim[:8])
    desk("agents", "revoke", victim[:8], "--reason", "lost", code=5)  # two could be meant: neither is touched
    desk("agents", "revoke", victim, "--reason", "lost")
    gone = [row["id"] for row in desk.rows("--state", "revoked")]
    assert gone == [victim]


def test_neither_viewer_nor_auditor_can_act(desk: Desk) -> None:
    desk.pc("PC-1")
    acts = (
        ("token", "--unit", "IT"),
        ("token", "revoke", "abcd"),
        ("agents", "revoke", "PC-1", "--reason", "x"),
        ("agents", "restore", "PC-1"),
        ("agents", "approve", "PC-1"),
        ("agents", "replace", "PC-1", "PC-1"),
        ("agents", "rekey", "--all"),
        ("agents", "move", "PC-1", "--unit", "x"),
        ("agents", "conflicts", "resolve", "PC-1", "--how", "x"),
        ("access", "add", "eve", "--role", "administrator"),
        ("access", "revoke", "ann"),
    )
    files = {
        "ann": desk.credential("ann", "viewer", "--unit", "IT"),
        "bob": desk.credential("bob", "auditor"),
        "mon": desk.credential("mon", "monitor"),
    }
    before = desk("audit", "verify").out
    for name, path in files.items():
        for words in acts:
            assert f"{name} is a" in desk(*words, "--access", path, code=5).err, words
    assert desk("audit", "verify").out == before
    assert "monitor" in desk("agents", "list", "--access", files["mon"], code=5).err
    assert desk("audit", "verify", "--access", files["bob"]).out == before
    assert len(desk.rows("--access", str(files["bob"]))) == 1


def test_an_administrator_acts_in_their_own_name(desk: Desk) -> None:
    desk.pc("PC-1")
    root = desk.credential("root", "administrator")
    desk("agents", "revoke", "PC-1", "--reason", "x", "--access", root)
    entries = json.loads(desk("audit", "show", "--json").out)["entries"]
    assert entries[-1]["operator"] == "reader:root"
    assert "act with" in desk("access", "revoke", "root", "--access", root, code=5).err


def test_a_credential_that_does_not_hold_is_a_clear_line(desk: Desk, tmp_path: Path) -> None:
    path = desk.credential("ann", "auditor")
    desk("access", "revoke", "ann")
    assert "wrong, expired or revoked" in desk("agents", "list", "--access", path, code=5).err
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\xff\x00mra_")
    wrong.chmod(0o600)
    desk("agents", "list", "--access", wrong, code=5)
    wrong.chmod(0o644)
    assert "chmod 600" in desk("agents", "list", "--access", wrong, code=5).err
    desk("agents", "list", "--access", tmp_path / "none", code=2)


# -- help --------------------------------------------------------------------------------------------------------------

COMMANDS = [
    *(("agents", *one.split()) for one in ("", "list", "show", "revoke", "restore", "approve", "replace", "rekey")),
    *(("agents", *one.split()) for one in ("move", "conflicts", "conflicts resolve")),
    *(("token", *one.split()) for one in ("", "issue", "list", "revoke")),
    *(("access", *one.split()) for one in ("", "list", "add", "revoke")),
    *(("audit", *one.split()) for one in ("", "show", "verify")),
]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_help_has_examples_and_fits_the_screen(
    in_process: Callable[..., Any], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in COMMANDS:
        done = in_process("--lang", lang, *words, "--help")
        assert done.code == 0
        assert {"zh": "示例", "en": "Example"}[lang] in done.out, words
        assert [line for line in done.out.splitlines() if cells(line.rstrip()) > 80] == [], words


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_every_list_fits_the_screen(desk: Desk, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for name in ("PC-1", "信息科的一台终端" * 4):
        desk.pc(name, "--unit", "信息技术与数据资源管理科", **ALIKE)
    desk.credential("信息技术与数据资源管理科", "auditor")
    for words in (("agents", "list"), ("agents", "conflicts"), ("token", "list", "--all"), ("access", "list")):
        for lang in ("zh", "en"):
            said = desk(*words, "--lang", lang).out
            assert [line for line in said.splitlines() if cells(line) > int(columns)] == [], words
    said = desk("audit", "show").out
    assert [line for line in said.splitlines() if cells(line) > int(columns)] == []
