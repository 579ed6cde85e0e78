"""sudoers(5): who may do everything as root."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead, NotFound
from muster_agent.system.accounts import sudoers


def rules(text: str, files: dict[str, str] | None = None) -> sudoers.Rules:
    """The rules of a sudoers file and of those it includes."""
    files = files or {}

    def read(path: str) -> str:
        if path not in files:
            raise NotFound(path)
        return files[path]

    def listdir(path: str) -> list[str]:
        return sorted(name[len(path) + 1 :] for name in files if name.startswith(path + "/"))

    return sudoers.parse(text, read, listdir)


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("alice ALL=(ALL) ALL", {"alice"}),
        ("alice ALL = (ALL : ALL) NOPASSWD: ALL", {"alice"}),
        ("%sudo\tALL=(ALL:ALL) ALL", {"%sudo"}),
        ("%domain\\ admins ALL=(ALL) ALL", {"%domain admins"}),
        ("alice, #1001 ALL=ALL", {"alice", "#1001"}),
        ("alice ALL=(ALL) /bin/ls, NOPASSWD: /bin/su", {"alice"}),
        ("alice ALL=(root) NOPASSWD:SETENV: /usr/bin/bash", {"alice"}),
        ("alice ALL=/bin/ls, /usr/bin/apt-get update", set()),
        ("alice ALL=(postgres) ALL", set()),
        ("ALL ALL=(ALL) ALL", {"ALL"}),
        ("alice pc1,pc2=(ALL) ALL", {"alice"}),
        ("# alice ALL=(ALL) ALL", set()),
        ("Defaults secure_path=/bin", set()),
    ],
)
def test_who_a_rule_lets_do_everything(line: str, who: set[str]) -> None:
    said = rules(line + "\n")
    assert (said.administrators, said.strange, said.doubtful) == (who, [], set())


def test_aliases_stand_for_their_members() -> None:
    said = rules(
        "User_Alias BOSSES = alice, bob : CLERKS = carol\nCmnd_Alias SHELLS = /bin/sh, \\\n  /bin/bash\n"
        "Cmnd_Alias PRINT = /usr/sbin/lpadmin\nBOSSES ALL=(ALL) ALL\nCLERKS ALL=PRINT\ndave ALL=SHELLS\n"
    )
    assert (said.administrators, said.strange) == ({"alice", "bob", "dave"}, [])


@pytest.mark.parametrize(
    ("line", "doubtful"),
    [
        ("+admins ALL=(ALL) ALL", {"ALL"}),
        ("ALL, !alice ALL=(ALL) ALL", {"ALL"}),
        ("alice ALL=ALL, !/bin/su", {"alice"}),
        ("alice ALL=UNKNOWN", {"alice"}),
        ("alice one=/bin/ls : two=(ALL) ALL", {"alice"}),
        ("what is this", {"ALL"}),
    ],
)
def test_a_rule_that_is_not_simple_is_handed_back_and_lets_nobody_do_anything(line: str, doubtful: set[str]) -> None:
    said = rules(line + "\n")
    assert (said.administrators, said.doubtful, said.strange) == (set(), doubtful, [line])


def test_who_must_know_roots_password_is_no_administrator() -> None:
    """openSUSE: everybody may ask, for the target's password."""
    assert rules("Defaults targetpw\nALL ALL=(ALL) ALL\nroot ALL=(ALL) ALL\n").administrators == {"root"}
    assert rules("Defaults:alice targetpw\nALL ALL=(ALL) ALL\n").administrators == {"ALL"}


def test_included_files_are_read_as_sudo_reads_them() -> None:
    files = {
        "/etc/sudoers.d/a": "alice ALL=(ALL) ALL\n",
        "/etc/sudoers.d/b.bak": "bob ALL=(ALL) ALL\n",
        "/etc/sudoers.d/c~": "carol ALL=(ALL) ALL\n",
        "/etc/more": "dave ALL=(ALL) ALL\n",
    }
    said = rules("#includedir /etc/sudoers.d\n@include more\n#include is a word\n", {**files, "/etc/is a word": ""})
    assert said.administrators == {"alice", "dave"}


def test_a_file_that_is_missing_is_said() -> None:
    with pytest.raises(NotFound):
        rules("@include /etc/gone\n")


def test_files_that_include_each_other_end() -> None:
    rules("@include /etc/loop\n", {"/etc/loop": "@include /etc/loop\n"})


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(CannotRead):
        rules(text)
