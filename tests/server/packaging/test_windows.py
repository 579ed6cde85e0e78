"""The zip for Windows: what is in it, what is refused, and what its scripts and its task say."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order, Unbuildable
from muster_server.packaging.wheels import Target

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
TOP = "muster-agent-0.1.0-1-windows-amd64/"


def contents(order: Order) -> dict[str, bytes]:
    """The files of the package."""
    made = build("windows", order)
    assert made.name == TOP[:-1] + ".zip"
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        return {name.removeprefix(TOP): archive.read(name) for name in archive.namelist()}


def test_the_python_finds_the_agent_its_libraries_and_nothing_else(full: Order) -> None:
    files = contents(full)
    places = files["program/python/python38._pth"].decode("ascii").split("\r\n")
    assert places == ["python38.zip", ".", "Lib\\site-packages", "..\\agent", ""]
    assert "program/agent/muster_agent/cli.py" in files
    assert "program/python/Lib/site-packages/cryptography/__init__.py" in files
    assert "program/python/python.exe" in files


def test_settings_token_and_authority_are_inside(full: Order) -> None:
    files = contents(full)
    settings = json.loads(files["settings/agent.conf"])
    assert settings == {"server": full.provided.server, "unit": "财务科", "ca": "ca.pem", "server_key": "ab" * 32}
    assert files["settings/ca.pem"] == full.provided.ca
    assert files["settings/token"].decode().strip() == full.provided.token


@pytest.mark.parametrize(
    ("machine", "platform"), [(0x8664, "win_amd64"), (0x014C, "win32"), (0xAA64, "win_arm64")], ids=str
)
def test_the_python_says_which_libraries_it_wants(
    machine: int, platform: str, order: Order, embeddable: Callable[..., Path]
) -> None:
    with pytest.raises(Unbuildable) as refused:
        build("windows", replace(order, python=embeddable(11, machine)))
    assert refused.value.code == "agent.package.no_wheels"
    assert f"--platform {platform} --implementation cp --python-version 3.11 " in str(refused.value.values["command"])


def test_a_python_for_windows_7_is_offered_libraries_that_run_there(
    order: Order, embeddable: Callable[..., Path]
) -> None:
    with pytest.raises(Unbuildable) as refused:
        build("windows", replace(order, python=embeddable(8)))
    assert '"cryptography<42"' in str(refused.value.values["command"])


def test_what_is_no_embeddable_python_is_refused(full: Order, embeddable: Callable[..., Path], tmp_path: Path) -> None:
    def code(python: Path | None) -> str:
        with pytest.raises(Unbuildable) as refused:
            build("windows", replace(full, python=python))
        return refused.value.code.rpartition(".")[2]

    (tmp_path / "no.zip").write_bytes(b"not a zip")
    assert code(None) == "no_python"
    assert code(tmp_path / "none.zip") == "bad_zip"
    assert code(tmp_path / "no.zip") == "bad_zip"
    assert code(embeddable(without="_pth")) == "not_embeddable"
    assert code(embeddable(without=".exe")) == "not_embeddable"
    assert code(embeddable(machine=0x1234)) == "not_embeddable"
    assert code(embeddable(6)) == "old_python"


@pytest.mark.parametrize("lacking", ["cffi", "cryptography", "psutil", "pycparser"])
def test_a_library_that_is_missing_or_for_another_python_is_named(
    lacking: str,
    order: Order,
    embeddable: Callable[..., Path],
    wheels: Callable[..., Path],
    libraries: tuple[str, ...],
) -> None:
    [named] = [name for name in libraries if name.startswith(lacking)]
    others = [name for name in libraries if name != named]
    wrong = named.replace("win_amd64", "manylinux_2_28_x86_64").replace("py3-none-any", "cp39-cp39-win_amd64")
    with pytest.raises(Unbuildable) as refused:
        build("windows", replace(order, python=embeddable(), wheels=wheels(*others, wrong)))
    assert refused.value.code == "agent.package.wheels_missing"
    assert refused.value.values["names"] == lacking
    assert "pip download" in str(refused.value.values["command"])


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("cffi-1.17.1-cp38-cp38-win_amd64.whl", "cffi"),
        ("cffi-1.17.1-cp39-cp39-win_amd64.whl", None),
        ("cffi-1.17.1-cp38-cp38-win32.whl", None),
        ("psutil-7.2.2-cp37-abi3-win_amd64.whl", "psutil"),
        ("cryptography-44.0.0-cp39-abi3-win_amd64.whl", None),
        ("typing_extensions-4.13.2-py3-none-any.whl", "typing-extensions"),
        ("six-1.16.0-py2.py3-none-any.whl", "six"),
        ("six-1.16.0-py2-none-any.whl", None),
        ("thing-1.0-1-cp38-none-any.whl", "thing"),
        ("psutil-7.2.2.tar.gz", None),
        ("nonsense.whl", None),
    ],
)
def test_a_wheel_fits_by_its_name(name: str, fits: str | None) -> None:
    assert Target(8, "win_amd64").fits(name) == fits


def test_scripts_show_on_a_chinese_system_and_no_code_page_takes_a_byte_for_an_operator(full: Order) -> None:
    files = contents(full)
    for name in ("install.cmd", "program/uninstall.cmd", "program/muster-agent.cmd", "program/status.cmd"):
        script = files[name]
        assert b"\n" not in script.replace(b"\r\n", b""), name
        text = script.decode("gb2312")
        assert "powershell" not in text.lower().replace("may have no powershell", "")
        assert "chcp" not in text
        high = [byte for byte in script if byte >= 0x80]
        assert all(byte >= 0xA1 for byte in high), "every byte of a Chinese character lies above A0"
        jumps = {jump.lower() for jump in re.findall(r"goto :?(\w+)", text)}
        labels = {label.lower() for label in re.findall(r"^:(\w+)", text, re.MULTILINE)}
        assert jumps == labels, name
        # wine's cmd, and people, read || and && differently; a test of ERRORLEVEL is one thing to everybody
        assert "||" not in text and "&&" not in text


def test_the_folder_is_the_systems_and_administrators_alone_whatever_their_language(full: Order) -> None:
    script = contents(full)["install.cmd"].decode("gb2312")
    assert "/inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F" in script
    assert set(re.findall(r"\*(S-[0-9-]+):\(OI\)\(CI\)RX", script)) == {"S-1-5-32-545"}, "users read public/ only"
    assert '"%STATE%\\public" /grant *S-1-5-32-545:(OI)(CI)RX' in script


def test_the_task_is_what_the_schema_wants(full: Order) -> None:
    data = contents(full)["task.xml"]
    assert data[:2] in (b"\xff\xfe", b"\xfe\xff")
    task = ElementTree.fromstring(data.decode("utf-16").replace('encoding="UTF-16"', ""))
    assert (task.tag, task.get("version")) == (SPACE + "Task", "1.2")

    def said(path: str) -> str | None:
        return task.findtext("/".join(SPACE + part for part in path.split("/")))

    assert said("Principals/Principal/UserId") == "S-1-5-18"
    assert said("Actions/Exec/Arguments") == "-B -m muster_agent run --scheduled"
    settings = {one.tag.removeprefix(SPACE): one.text for one in task.find(SPACE + "Settings") or ()}
    assert settings["StartWhenAvailable"] == settings["Hidden"] == "true"
    assert settings["DisallowStartIfOnBatteries"] == settings["StopIfGoingOnBatteries"] == "false"
    assert settings["RunOnlyIfNetworkAvailable"] == settings["WakeToRun"] == "false"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"
    assert settings["ExecutionTimeLimit"] == "PT15M"
    assert settings["Priority"] == "7", "BELOW_NORMAL_PRIORITY_CLASS"
    triggers = list(task.find(SPACE + "Triggers") or ())
    daily = [one for one in triggers if one.tag == SPACE + "CalendarTrigger"]
    assert [one.findtext(SPACE + "StartBoundary") for one in daily] == [
        f"2026-01-01T{time}:00" for time in ("08:00", "10:30", "13:00", "15:30")
    ]
    # calendarTriggerType: the base's sequence, then RandomDelay, then one Schedule...
    order = ["Enabled", "StartBoundary", "RandomDelay", "ScheduleByDay"]
    assert all([part.tag.removeprefix(SPACE) for part in one] == order for one in daily)
    assert {one.findtext(SPACE + "RandomDelay") for one in daily} == {"PT2H30M"}
    # An action runs as the principal it names.
    principal = task.find(f"{SPACE}Principals/{SPACE}Principal")
    actions = task.find(SPACE + "Actions")
    assert principal is not None and actions is not None
    assert principal.get("id") == actions.get("Context")
