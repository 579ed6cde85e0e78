"""pam.conf(5): the modules a program asks, in their order."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead, NotFound, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import pam

PC = Uname("Linux", "pc", "6.1.0", "x86_64")


def pc(files: dict[str, str]) -> SimulatedMachine:
    """A PC with these files in pam.d."""
    return SimulatedMachine(PC, {f"/etc/pam.d/{name}": text.encode() for name, text in files.items()})


def test_controls_modules_and_arguments_are_told_apart() -> None:
    text = (
        "#%PAM-1.0\nauth\t[success=1 default=ignore]  pam_unix.so nullok [query=a b] x=1 x=2 # no\n"
        "-auth optional /lib/security/pam_gnome_keyring.so\nPASSWORD requisite \\\n pam_pwquality.so retry=3\n"
    )
    lines = pam.parse(text, "f")
    assert [(line.type, line.control, line.module) for line in lines] == [
        ("auth", "[success=1 default=ignore]", "pam_unix"),
        ("auth", "optional", "pam_gnome_keyring"),
        ("password", "requisite", "pam_pwquality"),
    ]
    assert lines[0].arguments == ("nullok", "query=a b", "x=1", "x=2")
    assert (lines[0].value("x"), lines[0].value("y")) == ("2", None)


def test_included_files_stand_in_the_place_of_the_line_that_names_them() -> None:
    machine = pc(
        {
            "login": "auth required pam_a.so\n@include common\nauth substack deep\naccount include deep\n"
            "auth optional pam_z.so\n",
            "common": "auth required pam_b.so\npassword required pam_c.so\n",
            "deep": "auth required pam_d.so\naccount required pam_e.so\n",
        }
    )
    assert [line.module for line in pam.stack(machine, "login", "auth")] == ["pam_a", "pam_b", "pam_d", "pam_z"]
    assert [line.module for line in pam.stack(machine, "login", "account")] == ["pam_e"]
    assert [line.module for line in pam.in_force(pam.stack(machine, "login", "auth"), "pam_z")] == []


def test_a_service_that_is_missing_and_files_that_include_each_other_are_said() -> None:
    with pytest.raises(NotFound):
        pam.stack(pc({"a": ""}), "b", "auth")
    with pytest.raises(CannotRead, match="include"):
        pam.stack(pc({"a": "@include a\n"}), "a", "auth")
    with pytest.raises(CannotRead, match="not_understood"):
        pam.stack(pc({"a": "auth required\n"}), "a", "auth")


def test_every_file_of_this_pc_is_understood() -> None:
    folder = Path("/etc/pam.d")
    files = (
        [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        if folder.is_dir()
        else []
    )
    assert all(pam.parse(path.read_text("utf-8", "replace"), path.name) is not None for path in files)
    assert pam.stack(LocalMachine(), "passwd", "password")


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(CannotRead):
        pam.parse(text, "f")
