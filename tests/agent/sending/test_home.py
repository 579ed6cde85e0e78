"""The agent's own folder is used only while nobody else can write to it, and whatever lies in its place is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from muster_agent.sending.home import Home, Unusable

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away needs root")


def refused(path: Path) -> str:
    """Why a folder is not used."""
    with pytest.raises(Unusable) as error:
        Home(str(path))
    assert str(path) in error.value.detail
    return error.value.code


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o722, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(public: Path, mode: int) -> None:
    (public / "home").mkdir()
    (public / "home").chmod(mode)
    assert refused(public / "home") == "home_unsafe"


def test_a_folder_that_others_may_only_pass_through_is_used(public: Path) -> None:
    (public / "home").mkdir(mode=0o711)
    assert Home(str(public / "home")).enrolment() is None


@root_only
def test_a_folder_of_another_user_is_refused(public: Path) -> None:
    Home(str(public / "home"))
    os.chown(public / "home", 65534, 65534)
    assert refused(public / "home") == "home_unsafe"


def test_a_link_to_a_folder_is_refused(public: Path) -> None:
    """Whoever may change the link chooses the folder."""
    Home(str(public / "there"))
    (public / "home").symlink_to(public / "there")
    assert refused(public / "home") == "home_unsafe"


def test_a_loop_of_links_a_file_and_a_fifo_are_no_folder(public: Path) -> None:
    (public / "loop").symlink_to(public / "loop")
    (public / "file").touch()
    os.mkfifo(public / "fifo")
    for name in ("loop", "file", "fifo"):
        assert refused(public / name) == "home_unusable"


def test_a_file_where_the_reports_wait_is_said(public: Path) -> None:
    Home(str(public / "home"))
    (public / "home" / "spool").rmdir()
    (public / "home" / "spool").touch()
    assert refused(public / "home") == "home_unusable"


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xb2\xe2", b"[" * 100_000, b"null", b'{"seq": 1e999}'])
def test_damaged_files_of_its_own_are_damage(public: Path, content: bytes) -> None:
    home = Home(str(public / "home"))
    for name, ask in (("enrolment.json", home.enrolment), ("state.json", home.state)):
        (home.path / name).write_bytes(content)
        with pytest.raises(Unusable, match="file_damaged"):
            ask()
