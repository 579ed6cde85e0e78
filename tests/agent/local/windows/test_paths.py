"""The names of files as Windows has to be given them."""

from __future__ import annotations

import ntpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows import paths
from muster_agent.machine import CannotRead


def test_a_path_is_made_plain() -> None:
    assert paths.plain("C:/ProgramData/./x/../y") == r"C:\ProgramData\y"
    assert paths.plain("c:\\") == "c:\\"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "file",
        r"\Windows",
        r"C:file",
        r"\\server\share\file",
        "//server/share/file",
        r"\\?\UNC\server\share",
        r"\\.\PhysicalDrive0",
        r"\\?\C:\file",
        "/etc/passwd",
        "http://server/file",
    ],
)
def test_what_does_not_lie_on_a_drive_of_this_pc_is_not_asked(path: str) -> None:
    with pytest.raises(CannotRead) as raised:
        paths.plain(path)
    assert (raised.value.code, raised.value.status, raised.value.detail) == ("not_on_this_pc", "unsupported", path)


def test_a_long_path_has_the_prefix_and_a_short_one_has_not() -> None:
    short = "C:\\" + "x" * 244
    assert paths.extended(short) == short
    assert paths.extended(short + "x") == "\\\\?\\" + short + "x"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (r"C:\Windows\System32\drivers\srv.sys", r"C:\Windows\Sysnative\drivers\srv.sys"),
        (r"c:\windows\SYSTEM32", r"C:\Windows\Sysnative"),
        (r"C:\Windows\System32x\a", r"C:\Windows\System32x\a"),
        (r"C:\Windows\SysWOW64\a", r"C:\Windows\SysWOW64\a"),
        (r"D:\Windows\System32\a", r"D:\Windows\System32\a"),
    ],
)
def test_a_32_bit_python_finds_the_real_system_folder(path: str, said: str) -> None:
    assert paths.unredirected(path, r"C:\Windows") == said


@given(st.text(max_size=300))
def test_no_path_leads_off_this_pc(path: str) -> None:
    try:
        plain = paths.plain(path)
    except CannotRead:
        return
    drive, rest = ntpath.splitdrive(plain)
    assert len(drive) == 2
    assert rest.startswith("\\")
    assert ".." not in rest.split("\\")
