"""lastlog and wtmp as glibc writes them, on x86 and on AArch64."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.accounts import logins

WHEN = 1_763_884_800


def login(name: str, seconds: int, width: int, kind: int = 7) -> bytes:
    """A record of wtmp."""
    head = struct.pack("<hxxi32s4s32s256shh", kind, 100, b"tty7", b":0", name.encode(), b"10.1.2.3", 0, 0)
    if width == 4:
        return head + struct.pack("<iii16s20s", 0, seconds, 0, b"", b"")
    return (head + struct.pack("<qqq16s20s", 0, seconds, 0, b"", b"")).ljust(400, b"\0")


def lastlog_of(entries: dict[int, int], width: int) -> bytes:
    """A lastlog file."""
    size = width + 288
    data = bytearray((max(entries) + 1) * size)
    for uid, seconds in entries.items():
        record = seconds.to_bytes(width, "little") + b"pts/0".ljust(32, b"\0") + b"pc.example".ljust(256, b"\0")
        data[uid * size : (uid + 1) * size] = record
    return bytes(data)


@pytest.mark.parametrize("width", [4, 8])
def test_the_last_login_of_each_number_is_found_in_either_form(width: int) -> None:
    data = lastlog_of({0: WHEN, 1000: WHEN + 5, 1003: WHEN - 9}, width)
    found = logins.lastlog(data, [0, 1, 1000, 1003, 60000], len(data), "x86_64", "lastlog")
    assert found == {0: WHEN, 1000: WHEN + 5, 1003: WHEN - 9}


@pytest.mark.parametrize("width", [4, 8])
def test_the_last_login_of_each_name_is_found_in_either_form(width: int) -> None:
    records = [login("reboot", WHEN, width, 2), login("a", WHEN + 1, width), login("b", WHEN + 2, width)]
    records += [login("a", WHEN + 9, width), login("", WHEN + 10, width, 8), login("b", WHEN - 5, width)]
    assert logins.wtmp(b"".join(records), "x86_64", "wtmp") == {"a": WHEN + 9, "b": WHEN + 2}


def test_a_record_cut_off_at_the_end_is_left_out() -> None:
    data = login("a", WHEN, 4) + login("b", WHEN, 4)[:100]
    assert logins.wtmp(data, "x86_64", "wtmp") == {"a": WHEN}


def test_a_file_in_which_nobody_logged_in_says_so() -> None:
    assert logins.lastlog(bytes(292 * 20), [0, 5], 292 * 20, "x86_64", "lastlog") == {}
    assert logins.wtmp(b"", "x86_64", "wtmp") == {}
    assert logins.wtmp(login("reboot", WHEN, 4, 2), "x86_64", "wtmp") == {}


@pytest.mark.parametrize("data", [b"\xff" * 384, b"not a record" * 64, login("a", 5, 4)])
def test_what_is_no_wtmp_is_refused(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        logins.wtmp(data, "x86_64", "wtmp")


def test_what_is_no_lastlog_is_refused() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        logins.lastlog(b"\xff" * 292, [0], 292, "x86_64", "lastlog")
    with pytest.raises(CannotRead, match="not_understood"):
        logins.lastlog(bytes(300), [0], 300, "x86_64", "lastlog")


@pytest.mark.parametrize("width", [4, 8])
def test_names_are_replaced_and_hosts_taken_out_without_moving_anything(width: int) -> None:
    data = login("zhangsan", WHEN, width) + login("b", WHEN, width)
    shown = logins.renamed(data, lambda name: {"zhangsan": "user-1"}.get(name, name))
    assert len(shown) == len(data) and b"zhangsan" not in shown and b"10.1.2.3" not in shown
    assert logins.wtmp(shown, "x86_64", "wtmp") == {"user-1": WHEN, "b": WHEN}
    assert logins.renamed(b"no records", str) == b""


@given(st.binary(max_size=1200), st.integers(0, 3))
def test_no_bytes_break_them(data: bytes, uid: int) -> None:
    for machine in ("x86_64", "s390x"):
        for read in (logins.wtmp, lambda data, machine, path: logins.lastlog(data, [uid], len(data), machine, path)):
            try:
                read(data, machine, "file")
            except CannotRead as error:
                assert error.code == "not_understood"


def test_the_c_library_writes_what_is_read_here(tmp_path: Path) -> None:
    """utmpdump packs a record in this machine's form."""
    line = f"[7] [01234] [ts/0] [{'a':8}] [{'pts/0':12}] [{'10.1.2.3':20}] [10.1.2.3       ] "
    line += "[2025-11-23T08:00:00,000000+00:00]"
    try:
        packed = subprocess.run(["utmpdump", "-r"], input=line.encode() + b"\n", capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("utmpdump (util-linux) is not installed")
    assert logins.wtmp(packed.stdout, os.uname().machine, "wtmp") == {"a": WHEN}
