"""Registry exports as the machine of a test: both forms of regedit, every type, damaged files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from muster_agent.machine import NotFound


def loaded() -> ModuleType:
    """reg_export.py, which stands beside this file and in no package."""
    spec = importlib.util.spec_from_file_location("reg_export", Path(__file__).with_name("reg_export.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


reg_export = loaded()
FIVE = "Windows Registry Editor Version 5.00\r\n\r\n"
KEY = "[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n"


def values(text: str, head: str = FIVE) -> dict[str, object]:
    """The values of HKLM\\SOFTWARE\\A in an export that says ``text`` of it."""
    found: dict[str, object] = reg_export.parse(b"\xff\xfe" + (head + KEY + text).encode("utf-16-le"))[
        r"HKLM\SOFTWARE\A"
    ]
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"n"="火绒 \\"C:\\\\a\\""', '火绒 "C:\\a"'),
        ('"n"="two\r\nlines"', "two\nlines"),
        ('"n"=dword:0000000a', 10),
        ('"n"=dword:ffffffff', 2**32 - 1),
        ('"n"=hex:01,02,\\\r\n  03', b"\1\2\3"),
        ('"n"=hex:', b""),
        ('"n"=hex(0):01', b"\1"),
        ('"n"=hex(2):25,00,41,00,25,00,00,00', "%A%"),
        ('"n"=hex(1):41,00,00,00,42,00', "A"),
        ('"n"=hex(7):41,00,00,00,42,00,00,00,00,00', ("A", "B")),
        ('"n"=hex(7):00,00', ()),
        ('"n"=hex(b):00,00,00,00,01,00,00,00', 2**32),
        ('"n"=hex(4):01,00,00,00', 1),
        ('; a comment\r\n\r\n  "n" = dword:1 ; another', 1),
        ('"n"="x"\r\n"n"="y"', "y"),
    ],
)
def test_each_type_of_value(text: str, value: object) -> None:
    assert values(text + "\r\n") == {"n": value}
    assert values(text) == {"n": value}


def test_the_old_form_is_of_the_code_page() -> None:
    text = "REGEDIT4\r\n\r\n" + KEY + '"火绒"="杀毒"\r\n"e"=hex(2):25,41,25,00\r\n@="own"\r\n'
    assert reg_export.parse(text.encode("gbk"), "gbk") == {r"HKLM\SOFTWARE\A": {"火绒": "杀毒", "e": "%A%", "": "own"}}


def test_what_a_file_takes_away_is_not_there() -> None:
    assert values('"n"="x"\r\n"n"=-\r\n') == {}
    text = (
        FIVE + KEY + '"n"="x"\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A\\B]\r\n\r\n[-HKEY_LOCAL_MACHINE\\software\\a]\r\n'
    )
    assert reg_export.parse(text.encode()) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Windows Registry Editor Version 6.00\r\n",
        FIVE + '"n"="x"\r\n',
        FIVE + "[HKEY_LOCAL_MACHINE\\SOFTWARE\r\n",
        FIVE + KEY + '"n"="x\r\n',
        FIVE + KEY + '"n"=hex:01,0\r\n',
        FIVE + KEY + '"n"=hex:01,\\',
        FIVE + KEY + '"n"=dword:xyz\r\n',
        FIVE + KEY + '"n"=dword:1 2\r\n',
        FIVE + KEY + '"n"\r\n',
        FIVE + KEY + "n=1\r\n",
    ],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(reg_export.NotAnExport):
        reg_export.parse(text.encode())


def test_the_machine_has_what_was_exported_and_knows_no_case() -> None:
    text = FIVE + "[HKEY_LOCAL_MACHINE\\Software\\A\\B]\r\n" + '"n"=dword:1\r\n\r\n[HKEY_CURRENT_USER\\C]\r\n'
    machine = reg_export.ExportedMachine(reg_export.recording([text.encode()]))
    assert machine.registry_values(r"HKLM\SOFTWARE\a\b") == {"n": 1}
    assert machine.registry_keys(r"hklm\SOFTWARE") == ["A"]
    assert machine.registry_keys("HKU") == [reg_export.SOMEBODY]
    with pytest.raises(NotFound):
        machine.registry_values(r"HKLM\SOFTWARE\A\C")
