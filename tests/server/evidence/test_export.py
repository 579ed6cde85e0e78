"""The evidence of one PC, checked with what an auditor has (sh, openssl, sha256sum) and by `muster evidence verify`."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_agent.canonical import canonical
from muster_agent.sending.envelope import ROTATE
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_server.cli.evidence import readme
from muster_server.evidence import keeping, package
from muster_server.evidence.export import Asked, Exported, files, from_pem, pem
from muster_server.evidence.opening import NotAnExport, opened
from muster_server.resources import bundled
from muster_server.store import keys
from muster_server.store.keys import Rotation


@pytest.fixture(scope="module")
def made(filling: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three PCs over six days; the first changed its key, and a copy of its disk has reported."""
    filled = filling.filled(tmp_path_factory.mktemp("evidence") / "data", 3, 4)
    pc = filled.pcs[0]
    at = filling.START + timedelta(days=4)
    copied = State(pc.last.seq - 1, "0" * 64, [])
    key = SigningKey.generate()
    with filled.database.write() as connection:
        known = keys.find(connection, pc.agent, pc.key.id)
        body = canonical({"agent": pc.agent, "predecessor": pc.key.id, "public_key": key.public.hex()})
        asked = Rotation(pc.agent, key.public, known.number, body, key.sign(ROTATE + body), pc.key.sign(ROTATE + body))
        keys.rotate(connection, asked, at)
    forged = filling.PC(pc.agent, pc.key, "copy", copied)
    filled.take([forged.sign(at)], at)
    pc.key = key
    filled.day(4, 1)
    filled.day(5, 1)
    yield filled
    filled.close()


def export(filled: Any, out: Path, number: int = 0, **asked: Any) -> Exported:
    """As the command does."""
    told = Exported()
    given = {
        "since": None,
        "until": None,
        "whole_chain": False,
        "readme": readme(filled.key.public),
        "script": (bundled("reports") / "evidence" / "verify.sh").read_bytes(),
        **asked,
    }
    with filled.database.read() as connection:
        wanted = Asked(agent=filled.pcs[number].agent, **given)
        keeping.keep(out, files(connection, wanted, filled.key.public, filled.key.sign, told))
    return told


def check(path: Path, **more: Any) -> Any:
    """As the command does."""
    with opened(path) as found:
        return package.check(found, **more)


def script(folder: Path) -> subprocess.CompletedProcess[str]:
    """verify.sh, with nothing of Muster at hand."""
    tools = ("sh", "openssl", "sha256sum", "sed", "awk", "cut", "mktemp", "rm", "ls", "grep", "sort", "dirname")
    path = folder.parent / "bin"
    path.mkdir(exist_ok=True)
    for tool in tools:
        if not (path / tool).exists():
            (path / tool).symlink_to(str(shutil.which(tool)))
    return subprocess.run(
        [path / "sh", folder / "verify.sh"], capture_output=True, text=True, timeout=60, env={"PATH": str(path)}
    )


def test_every_report_is_verified_by_the_three_commands_of_the_readme(made: Any, tmp_path: Path) -> None:
    told = export(made, tmp_path / "e")
    assert (told.reports, told.first, told.last, told.keys, told.conflicts) == (6, 1, 6, 2, 1)
    text = (tmp_path / "e" / "README.txt").read_text("utf-8")
    commands = re.findall(r"^ +(openssl .*)$", text, re.M)
    assert len(commands) == 6 and commands[:3] == commands[3:], "the same three in both languages"
    for envelope in sorted((tmp_path / "e" / "reports").glob("*.envelope")):
        lines = envelope.read_text("ascii").splitlines()
        said = []
        for line in commands[:3]:
            line = line.replace("KEY", lines[2]).replace("reports/N", f"reports/{envelope.stem}")
            said.append(
                subprocess.run(["sh", "-c", line], cwd=tmp_path / "e", capture_output=True, text=True, timeout=30)
            )
        assert [one.returncode for one in said] == [0, 0, 0], said
        assert said[0].stdout == said[2].stdout == "Signature Verified Successfully\n"
        assert said[1].stdout.split()[-1] == lines[-1], "the digest that was signed"


def test_the_script_and_the_command_find_everything_as_it_was_signed(made: Any, tmp_path: Path) -> None:
    export(made, tmp_path / "e.zip")
    with zipfile.ZipFile(tmp_path / "e.zip") as archive:
        archive.extractall(tmp_path / "e")
    found = check(tmp_path / "e.zip", server_key=made.key.public)
    assert found.findings.sound, found.findings.wrong
    assert found.findings.checked == {"keys": 2, "places": 6, "reports": 6, "conflicts": 1}
    done = script(tmp_path / "e")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6" in done.stdout and not done.stderr


def test_the_whole_chain_shows_what_lies_between(made: Any, tmp_path: Path) -> None:
    export(made, tmp_path / "e", whole_chain=True)
    assert len((tmp_path / "e" / "chain.txt").read_text().splitlines()) == 16
    assert check(tmp_path / "e").findings.sound
    assert script(tmp_path / "e").returncode == 0


def test_a_range_of_days(made: Any, filling: Any, tmp_path: Path) -> None:
    since, until = filling.START + timedelta(days=2), filling.START + timedelta(days=4)
    told = export(made, tmp_path / "e", 1, since=since, until=until)
    assert (told.first, told.last) == (3, 4)
    assert check(tmp_path / "e").findings.sound
    assert script(tmp_path / "e").returncode == 0
    nothing = export(made, tmp_path / "none", 1, since=until + timedelta(days=90))
    assert nothing.reports == 0 and check(tmp_path / "none").findings.sound
    assert script(tmp_path / "none").returncode == 0


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


CHANGES = [
    *(f"reports/00000003.{part}" for part in ("envelope", "signature", "body", "receipt", "receipt.signature")),
    *(f"conflicts/00000001.{part}" for part in ("signature", "body")),
    *("keys/*.signed", "keys/*.signature", "chain.txt", "server.pem"),
]


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_changed_in_an_export_shows(made: Any, tmp_path: Path, name: str) -> None:
    export(made, tmp_path / "e")
    [flip(path) for path in sorted((tmp_path / "e").glob(name))[:1]]
    try:
        assert not check(tmp_path / "e").findings.sound
    except NotAnExport:
        assert name == "server.pem"
    done = script(tmp_path / "e")
    assert done.returncode == 5 and "WRONG" in done.stdout


def test_a_report_that_was_taken_out_of_an_export_shows(made: Any, tmp_path: Path) -> None:
    export(made, tmp_path / "e")
    for path in (tmp_path / "e" / "reports").glob("00000004.*"):
        path.unlink()
    found = check(tmp_path / "e").findings
    assert [(gap.first, gap.last) for gap in found.gaps] == [(4, 4)]
    assert not found.sound
    done = script(tmp_path / "e")
    assert done.returncode == 5 and "missing / 缺失: 4 - 4" in done.stdout


def test_an_export_of_another_server_is_not_taken_for_ours(made: Any, tmp_path: Path) -> None:
    export(made, tmp_path / "e")
    found = check(tmp_path / "e", server_key=SigningKey.generate().public).findings
    assert [one.code for one in found.wrong] == ["server_key"]


def test_B37_files_are_named_by_numbers_whatever_a_pc_calls_itself(filling: Any, tmp_path: Path) -> None:
    filled = filling.Filled(tmp_path / "data", 0)
    filled.pcs.append(filled.enrol("../../etc/CON.\\a:b"))
    filled.day(0)
    export(filled, tmp_path / "e.zip")
    filled.close()
    with zipfile.ZipFile(tmp_path / "e.zip") as archive:
        for name in archive.namelist():
            assert re.fullmatch(r"[A-Za-z]+\.[a-z]+|(keys|reports)/[0-9a-f]+(\.[a-z]+){1,2}", name), name
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o600, 0o700}
    assert check(tmp_path / "e.zip").name == "../../etc/CON.\\a:b"
    assert (tmp_path / "e.zip").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(made: Any, tmp_path: Path) -> None:
    for name in ("e", "e.zip"):
        export(made, tmp_path / name)
        with pytest.raises(FileExistsError):
            export(made, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e", "e.zip"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "reports/1.envelope", "reports/00000001.exe", "a/b/c"])
def test_a_file_that_no_export_has_shows(made: Any, tmp_path: Path, name: str) -> None:
    export(made, tmp_path / "e.zip")
    with zipfile.ZipFile(tmp_path / "e.zip", "a") as archive:
        archive.writestr(name, b"")
    found = check(tmp_path / "e.zip").findings
    assert "strange_file" in {one.code for one in found.wrong}


def test_what_is_no_export_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("record.json", b"[" * 50_000_000)
    for name in ("text.zip", "folder", "bomb.zip"):
        with pytest.raises(NotAnExport):
            check(tmp_path / name)


def test_a_public_key_as_openssl_writes_it() -> None:
    public = SigningKey.generate().public
    assert from_pem(pem(public)) == public
    for damaged in (pem(public)[:-2], pem(public).replace(b"MCow", b"MCox"), b"", b"\xff"):
        with pytest.raises(ValueError):
            from_pem(damaged)
