"""The files change all together: cut off anywhere, what is found next is the former ones or the new ones, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from muster_server.tls import folder
from muster_server.tls.folder import Files

OLD = {name: b"old " + name.encode() for name in (folder.CA, folder.CA_KEY, folder.SERVER, folder.SERVER_KEY)}
NEW = {name: b"new " + name.encode() for name in (folder.CA, folder.SERVER, folder.SERVER_KEY)}
STEPS = 40  # more than a change has


def content(data: Path) -> dict[str, bytes]:
    """What whoever looks next finds."""
    found = folder.files(data)
    return {path.name: path.read_bytes() for path in found.folder.iterdir()}


def put(data: Path, files: dict[str, bytes], **how: Any) -> Path | None:
    """Put files there unlooked at."""
    return folder.replace(data, files, lambda new: None, **how)


class PowerCut(BaseException):
    """The machine is gone."""


class Cut:
    """Power goes at the n-th step that leaves something on the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.at = at
        self.steps = 0
        for owner, name in ((os, "open"), (os, "fsync"), (Path, "rename"), (Path, "mkdir"), (shutil, "rmtree")):
            monkeypatch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, do: Any) -> Any:
        """The step, unless the power goes before it."""

        def step(*given: Any, **named: Any) -> Any:
            self.steps += 1
            if self.steps >= self.at:
                raise PowerCut
            return do(*given, **named)

        return step


@pytest.mark.parametrize("keep", [False, True])
def test_cut_off_at_any_step_the_files_are_whole(tmp_path: Path, keep: bool) -> None:
    seen = set()
    for at in range(1, STEPS):
        data = tmp_path / str(at)
        data.mkdir()
        put(data, OLD)
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut = Cut(monkeypatch, at)
            with contextlib.suppress(PowerCut):
                put(data, NEW, keep_former=keep)
        found = content(data)
        assert found in (OLD, NEW), at
        seen.add(found[folder.SERVER])
        put(data, NEW)
        assert content(data) == NEW, "and the change can be made again"
        assert not (data / "tls.new").exists() and not (data / "tls.old").exists()
        if cut.steps < at:
            break
    else:
        raise AssertionError("a change has more steps than were cut")
    assert seen == {OLD[folder.SERVER], NEW[folder.SERVER]}


def test_a_first_time_that_was_cut_off_left_nothing_that_counts(tmp_path: Path) -> None:
    for at in range(1, STEPS):
        data = tmp_path / str(at)
        data.mkdir()
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut = Cut(monkeypatch, at)
            with contextlib.suppress(PowerCut):
                put(data, NEW)
        assert not folder.files(data).there or content(data) == NEW, at
        put(data, NEW)
        assert content(data) == NEW
        if cut.steps < at:
            return
    raise AssertionError("a change has more steps than were cut")


def test_the_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        put(tmp_path, NEW)
    finally:
        os.umask(before)
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}
    assert (tmp_path / folder.LOCK).stat().st_mode & 0o777 == 0o600


def test_what_does_not_pass_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, OLD)

    def check(files: Files) -> None:
        assert files.server.read_bytes() == NEW[folder.SERVER]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        folder.replace(tmp_path, NEW, check)
    assert content(tmp_path) == OLD
    assert not (tmp_path / "tls.new").exists()


def test_former_files_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    assert put(tmp_path, OLD, keep_former=True) is None, "there were none"
    assert put(tmp_path, NEW, keep_former=True) == tmp_path / "tls.former-1"
    assert put(tmp_path, OLD, keep_former=True) == tmp_path / "tls.former-2"
    assert (tmp_path / "tls.former-1" / folder.CA_KEY).read_bytes() == OLD[folder.CA_KEY]
    put(tmp_path, NEW)
    assert {path.name for path in tmp_path.iterdir()} == {"tls", "tls.lock", "tls.former-1", "tls.former-2"}


def test_two_changes_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    put(tmp_path, OLD)
    sets = [dict.fromkeys(OLD, b"%d" % number) for number in range(8)]
    threads = [threading.Thread(target=put, args=(tmp_path, one)) for one in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert content(tmp_path) in sets
